"""Pictures in container files (tar, Parquet, ZIM): which files, the index of their names, and the bytes by name."""

from __future__ import annotations

import glob
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pipelines.images.folder import digest_listing
from pipelines.images.name_index import NameIndex, Shard
from pipelines.images.source import MAX_IMAGE_BYTES, Missing, check_name
from pipelines.storage import find_files, is_remote, size_of
from schemas.errors import InputError, StoreError

__all__ = ["Container", "ShardSource"]

_OPEN_CONTAINERS = 8


class Container(Protocol):
    """One open container file."""

    def names(self) -> Iterator[tuple[str, int, int, int]]:
        """Return each picture: name, rank of that name (0: its own), and two numbers that `read` takes."""
        ...

    def read(self, first: int, second: int, max_bytes: int) -> bytes | Missing:
        """Return the bytes of a picture."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


@dataclass
class ShardSource:
    """Pictures in container files of one kind, found by an index of names that is made once per container.

    Args:
        kind: tar, parquet or zim.
        pattern: path, URL or glob of the containers.
        max_bytes: largest picture.
    """

    kind: str
    pattern: str
    max_bytes: int = MAX_IMAGE_BYTES
    _index: NameIndex | None = field(default=None, init=False, repr=False, compare=False)
    _shards: list[Shard] = field(default_factory=list, init=False, repr=False, compare=False)
    _open: OrderedDict[str, Container] = field(default_factory=OrderedDict, init=False, repr=False, compare=False)

    @property
    def spec(self) -> str:
        """The words that `open_image_source` makes an equal source from."""
        return f"{self.kind}:{self.pattern}"

    def open(self) -> None:
        """Find the containers and index those that are new.

        Raises:
            InputError: there is none, or one cannot be read.
            MissingDependency: the package for this kind is not installed.
        """
        self._shards = self._find_shards()
        self._index = NameIndex.of(self.kind, self._shards, self._names_of)

    def _find_shards(self) -> list[Shard]:
        return _find_shards(self.pattern)

    def _names_of(self, path: str) -> Iterator[tuple[str, int, int, int]]:
        container = self._container(path)
        yield from container.names()

    def describe(self) -> dict[str, Any]:
        """Say which containers there are, by name and size, and how many names they hold."""
        assert self._index is not None
        listing = digest_listing([(Path(shard.path).name, shard.size) for shard in self._shards])
        return {**listing, "files": self._index.count(), "kind": self.kind, "containers": len(self._shards)}

    def fetch(self, file: str) -> bytes | Missing:
        """Read the picture of this canonical name."""
        if self._index is None:
            self.open()
        assert self._index is not None
        bad = check_name(file)
        if bad is not None:
            return bad
        place = self._index.find(file)
        if place is None:
            return Missing("not_found", f"no file of this name in {self.pattern}")
        try:
            return self._container(place.path).read(place.first, place.second, self.max_bytes)
        except (OSError, StoreError, InputError) as error:
            return Missing("unreadable", f"{place.path}: {error}")

    def _container(self, path: str) -> Container:
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        self._open[path] = self._open_container(path)
        while len(self._open) > _OPEN_CONTAINERS:
            self._open.popitem(last=False)[1].close()
        return self._open[path]

    def _open_container(self, path: str) -> Container:
        return _open_container(self.kind, path)

    def __getstate__(self) -> dict[str, object]:
        """Travel without what is open: each worker opens for itself."""
        return {**self.__dict__, "_index": None, "_shards": [], "_open": OrderedDict()}


def _open_container(kind: str, path: str) -> Container:
    if kind == "tar":
        from pipelines.images.tar import TarShard

        return TarShard(path)
    if kind == "parquet":
        from pipelines.images.parquet import ParquetShard

        return ParquetShard(path)
    from pipelines.images.zim import ZimShard

    return ZimShard(path)


def _find_shards(pattern: str) -> list[Shard]:
    """Find the containers, ordered by path.

    Raises:
        InputError: there is none.
    """
    if is_remote(pattern):
        paths = [str(file) for file in find_files(pattern)]
    else:
        paths = [pattern] if Path(pattern).is_file() else glob.glob(pattern, recursive=True)  # noqa: PTH207
        paths = sorted(str(Path(path).absolute()) for path in paths if Path(path).is_file())
    if not paths:
        raise InputError("there is no such file of images", path=pattern, remedy="check the path, and quote a glob")
    try:
        return [Shard(path, size_of(path), _stamp_of(path)) for path in paths]
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=pattern, remedy="check permissions") from error


def _stamp_of(path: str) -> str:
    return "" if is_remote(path) else str(Path(path).stat().st_mtime_ns)
