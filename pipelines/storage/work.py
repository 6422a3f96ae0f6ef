"""What stages need of the place where an unfinished build lies, wherever that is: the Protocol `Work`.

The driver and each worker have a `Work` of their own that names the same build. A shard of a stage goes through it so:

    with work.at_worker(stage, shard) as here:     a folder on this machine with what the stage reads
        ... write tables below here.parsed or here.ready ...
        here.write_result(stage, shard, result)    the last step: from now on the shard is done

An interrupted build has the results of a part of its shards. The next run leaves those out and makes the others again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

__all__ = ["Results", "Work", "WorkPaths", "ready_entries"]

Results = Mapping[int, dict[str, Any]]
"""The results of a stage: number of the shard -> what the stage declared, in order of the shards."""


@dataclass(frozen=True)
class WorkPaths:
    """Where things lie below the root of a build's work.

    Args:
        root: a folder of this machine; may not exist yet.
    """

    root: Path

    @property
    def parsed(self) -> Path:
        """Tables as the parse stage leaves them."""
        return self.root / "parsed"

    @property
    def redirects(self) -> Path:
        """The buckets of the redirect table."""
        return self.root / "redirects"

    @property
    def ready(self) -> Path:
        """What will be the output folder."""
        return self.root / "ready"

    @property
    def log(self) -> Path:
        """What worker processes of this machine print."""
        return self.root / "workers.log"

    def part(self, index: str, shard: int) -> Path:
        """Return the folder in which a worker makes a shard's part of an index."""
        return self.root / "parts" / index / f"{shard:05d}"


class Work(Protocol):
    """An unfinished build; a small value that travels to the workers."""

    @property
    def root(self) -> Path:
        """The folder of this machine that all paths below are in."""

    @property
    def parsed(self) -> Path:
        """Tables as the parse stage leaves them."""

    @property
    def redirects(self) -> Path:
        """The buckets of the redirect table."""

    @property
    def ready(self) -> Path:
        """What will be the output folder."""

    @property
    def log(self) -> Path:
        """What worker processes of this machine print."""

    @property
    def has_shared_disk(self) -> bool:
        """Whether workers and driver see the same files, so that the driver can read what workers wrote."""

    def find(self, table: str, shard: int) -> Path:
        """Return the path of a shard's table as parsed, on this machine."""

    def size_of(self, table: str, shard: int) -> int:
        """Return the size of that table in bytes, without fetching it."""

    def ready_file(self, table: str, shard: int) -> Path:
        """Return the path of a shard's table that is ready, on this machine."""

    def ready_files(self, table: str) -> list[Path]:
        """Return the paths of all files of a table that are ready, in order of the shards, on this machine."""

    def ready_rows(self, table: str) -> int:
        """Count the rows of a table that is ready."""

    def part(self, index: str, shard: int) -> Path:
        """Return the folder in which a worker makes a shard's part of an index."""

    def built_part(self, index: str, shard: int) -> Path:
        """Return the folder of a shard's part of an index that a worker has made, on this machine."""

    def share(self, name: str) -> None:
        """Let all workers see a folder below the root that the driver has made."""

    def shared(self, name: str) -> Path:
        """Return a folder that the driver has shared, on this machine."""

    def at_worker(self, stage: str, shard: int) -> AbstractContextManager[Work]:
        """Return the work in whose folders a worker makes a shard of a stage."""

    def write_result(self, stage: str, shard: int, result: dict[str, Any]) -> None:
        """Declare a shard of a stage done."""

    def results(self, stage: str) -> dict[int, dict[str, Any]]:
        """Read the results of the shards of a stage that are done, in order of the shards."""

    def count_results(self, stage: str) -> int:
        """Count the shards of a stage that are done, without reading their results."""

    def write_beat(self, stage: str, shard: int, **values: int) -> None:
        """Write how far a shard is, for the driver to show. Nothing else depends on it."""

    def beats(self, stage: str) -> dict[int, dict[str, int]]:
        """Read how far the shards of a stage are."""


def ready_entries(finished: Results, embedded: Results, table: str) -> list[dict[str, Any]]:
    """Return what the finish and embed stages declared of the files of a table, in order of their paths.

    >>> parts = [{"table": "pages", "path": f"pages/part-0000{at}.parquet", "rows": at} for at in (1, 0)]
    >>> [entry["rows"] for entry in ready_entries({0: {"files": parts}}, {}, "pages")]
    [0, 1]
    """
    files = [file for results in (finished, embedded) for result in results.values() for file in result["files"]]
    return sorted((file for file in files if file["table"] == table), key=lambda file: str(file["path"]))
