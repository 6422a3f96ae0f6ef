"""The shard plan: from which streams of the dump files each output shard is made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from pipelines.dump import Stream, dump_date, expand_inputs, find_streams
from pipelines.storage import RemoteFile, sha256_of, size_of
from schemas.errors import InputError, UsageError
from schemas.manifest import InputFile

__all__ = ["MIN_SHARDS", "SHARD_BYTES", "ShardPlan", "describe_inputs", "find_inputs", "group_streams", "plan_shards"]

_REMEDY = "check the path and its permissions, or build from the other files with --allow-partial"

SHARD_BYTES = 64 * 2**20
"""Compressed bytes of a shard: about 300 MB of XML, and Parquet files of about 100 MB; 360 shards for all of enwiki."""

MIN_SHARDS = 16
"""Shards into which a small dump of many streams is split, so that the cores of one machine have work."""


@dataclass(frozen=True)
class ShardPlan:
    """The shards in order of the dump. It follows from the inputs alone, never from the number of workers.

    Args:
        inputs: dump files, in order.
        shards: the streams of each shard; the number of a shard is its position.
    """

    inputs: tuple[Path | RemoteFile, ...]
    shards: tuple[tuple[Stream, ...], ...]

    @property
    def streams(self) -> int:
        """The number of streams."""
        return sum(len(shard) for shard in self.shards)

    @property
    def size_bytes(self) -> int:
        """The compressed size of all streams."""
        return sum(shard_bytes(shard) for shard in self.shards)

    def digest(self) -> str:
        """Return a hash of the plan: an interrupted build goes on only with the plan that it began with."""
        # Names without folders: a dump that was moved is the same dump.
        rows = [[[Path(stream.path).name, *astuple(stream)[1:]] for stream in shard] for shard in self.shards]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def shard_bytes(shard: Sequence[Stream]) -> int:
    """Return the compressed size of a shard's streams."""
    return sum(stream.length for stream in shard)


def find_inputs(patterns: Sequence[str], index: str | None) -> tuple[Path | RemoteFile, ...]:
    """Find the dump files.

    Raises:
        InputError: no file matches a pattern.
        UsageError: no pattern, or an index for more than one file.
    """
    if not patterns:
        raise UsageError("no dump was named", remedy="name one or more: --dump enwiki-latest-pages-articles.xml.bz2")
    inputs = tuple(expand_inputs(patterns))
    if index is not None and len(inputs) != 1:
        raise UsageError(
            f"--dump-index belongs to one dump, and there are {len(inputs)}",
            remedy="leave --dump-index out: an index beside its dump is found by name",
        )
    return inputs


def describe_inputs(paths: Sequence[Path | RemoteFile], *, allow_unreadable: bool) -> tuple[InputFile, ...]:
    """Return size, hash and date of the dump files.

    Args:
        paths: the files.
        allow_unreadable: describe a file that cannot be read by an empty hash, if there is another file.

    Raises:
        InputError: a file cannot be read.
    """
    found = []
    for path in paths:
        try:
            found.append(InputFile(str(path), size_of(path), sha256_of(path), dump_date(path)))
        except (OSError, InputError) as error:
            if not allow_unreadable or len(paths) == 1:
                why = getattr(error, "strerror", None) or error
                raise InputError(f"cannot be read ({why})", path=path, remedy=_REMEDY) from error
            found.append(InputFile(str(path), 0, "", dump_date(path)))
    return tuple(found)


def _streams_of(path: Path | RemoteFile, index: str | None, *, allow_unreadable: bool) -> list[Stream]:
    """Find the streams of a file; a file that cannot be used is one stream of no bytes."""
    try:
        return find_streams(path, index)
    except (OSError, InputError):
        if not allow_unreadable:
            raise
        return [Stream(str(path), 0, 0, "xml")]


def plan_shards(
    inputs: Sequence[Path | RemoteFile], index: str | None, *, is_limited: bool, allow_unreadable: bool = False
) -> ShardPlan:
    """Find the streams of the inputs and group them into shards.

    Args:
        inputs: dump files, in order.
        index: the multistream index of the only input, or None.
        is_limited: only the first pages will be read: all in one shard, because workers cannot count them together.
        allow_unreadable: a file that cannot be used becomes a stream of no bytes, and reading that is a loss.

    Raises:
        InputError: a file is no dump, or cannot be read; with allow_unreadable: none can.
    """
    allow = allow_unreadable and len(inputs) > 1
    streams = [stream for path in inputs for stream in _streams_of(path, index, allow_unreadable=allow)]
    if not any(stream.length for stream in streams):
        raise InputError("none of the dump files can be read", path=inputs[0], remedy=_REMEDY)
    return ShardPlan(tuple(inputs), tuple(group_streams(streams, 1 if is_limited else None)))


def group_streams(streams: Sequence[Stream], shards: int | None = None) -> list[tuple[Stream, ...]]:
    """Group consecutive streams into shards of about equal size.

    Args:
        streams: in dump order.
        shards: number of shards; None: one for each SHARD_BYTES, at least MIN_SHARDS. Never more than streams.

    >>> streams = [Stream("a.bz2", at, 10, "bz2") for at in range(0, 50, 10)]
    >>> [[stream.offset for stream in shard] for shard in group_streams(streams, 2)]
    [[0, 10], [20, 30, 40]]
    """
    total = sum(stream.length for stream in streams)
    count = min(shards or max(MIN_SHARDS, -(-total // SHARD_BYTES)), len(streams))
    groups: list[list[Stream]] = []
    before, last = 0, -1
    for stream in streams:
        # A stream goes to the shard in whose share of the bytes its middle lies.
        number = (2 * before + stream.length) * count // (2 * total) if total else 0
        if number != last:
            groups.append([])
            last = number
        groups[-1].append(stream)
        before += stream.length
    return [tuple(group) for group in groups]
