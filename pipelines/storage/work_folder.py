"""The work of a build whose output is a folder that the driver and all workers see."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.storage.shards import part_name
from pipelines.storage.work import WorkPaths, ready_entries
from schemas.manifest import write_json_atomically

__all__ = ["WorkFolder"]


@dataclass(frozen=True)
class WorkFolder(WorkPaths):
    """Where a build keeps what is not finished yet: `parsed`, `redirects`, `ready`, and below `results` what is done.

    A result file says that a shard of a stage is done, so it is written after the shard's tables have their names.
    """

    @property
    def has_shared_disk(self) -> bool:
        """Always: that is what a folder is for."""
        return True

    def find(self, table: str, shard: int) -> Path:
        """Return the path of a shard's table: as parsed, or where the finish stage has moved it to."""
        parsed = self.parsed / table / part_name(shard)
        return parsed if parsed.exists() else self.ready / table / part_name(shard)

    def size_of(self, table: str, shard: int) -> int:
        """Return the size in bytes of a shard's table."""
        return self.find(table, shard).stat().st_size

    def ready_file(self, table: str, shard: int) -> Path:
        """Return the path of a shard's table that is ready."""
        return self.ready / table / part_name(shard)

    def ready_files(self, table: str) -> list[Path]:
        """Return the files of a table that are ready, in order of the shards."""
        return [self.ready / entry["path"] for entry in self._ready(table)]

    def ready_rows(self, table: str) -> int:
        """Count the rows of a table that is ready."""
        return sum(entry["rows"] for entry in self._ready(table))

    def _ready(self, table: str) -> list[dict[str, Any]]:
        return ready_entries(self.results("finish"), self.results("embed"), table)

    def built_part(self, index: str, shard: int) -> Path:
        """Return the folder of a shard's part of an index that a worker has made."""
        return self.part(index, shard)

    def share(self, name: str) -> None:
        """Do nothing: the workers see the folder."""

    def shared(self, name: str) -> Path:
        """Return a folder that the driver has made for all workers."""
        return self.root / name

    @contextlib.contextmanager
    def at_worker(self, stage: str, shard: int) -> Iterator[WorkFolder]:  # noqa: ARG002
        """Return this folder, in which every worker writes."""
        yield self

    def write_result(self, stage: str, shard: int, result: dict[str, Any]) -> None:
        """Declare a shard of a stage done."""
        folder = self.root / "results" / stage
        folder.mkdir(parents=True, exist_ok=True)
        write_json_atomically(folder / f"{shard:05d}.json", result)

    def results(self, stage: str) -> dict[int, dict[str, Any]]:
        """Read the results of the shards of a stage that are done, in order of the shards."""
        files = sorted((self.root / "results" / stage).glob("*.json"))
        return {int(file.stem): json.loads(file.read_text(encoding="utf-8")) for file in files}

    def count_results(self, stage: str) -> int:
        """Count the shards of a stage that are done, without reading their results."""
        return sum(1 for _ in (self.root / "results" / stage).glob("*.json"))

    def write_beat(self, stage: str, shard: int, **values: int) -> None:
        """Write how far a shard is. Nothing depends on it: a failure to write is ignored."""
        folder = self.root / "progress" / stage
        path = folder / f"{shard:05d}.json"
        temporary = path.with_suffix(f".{os.getpid()}")  # then renamed: the driver reads while workers write
        try:
            folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(values), encoding="utf-8")
            temporary.replace(path)
        except OSError:
            return

    def beats(self, stage: str) -> dict[int, dict[str, int]]:
        """Read how far the shards of a stage are; a file that a worker is just writing counts from the next time on."""
        found: dict[int, dict[str, int]] = {}
        for file in (self.root / "progress" / stage).glob("*.json"):
            try:
                found[int(file.stem)] = json.loads(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
        return found
