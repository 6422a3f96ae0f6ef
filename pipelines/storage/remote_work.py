"""The work of a build whose output is a URL: made on a worker's own disk, sent whole, declared done afterwards."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipelines.storage.files import Store
from pipelines.storage.shards import part_name
from pipelines.storage.work import WorkFolder
from schemas.tables import TABLES

__all__ = ["WORK", "RemoteWork"]

WORK = ".work"
_SENT = {"parse": "parsed", "bm25-part": "parts", "faiss-part": "parts"}
_BEAT_S = 10.0


@dataclass(frozen=True)
class RemoteWork(WorkFolder):
    """Where a build keeps its work when workers share no disk.

    The store has `.work/parsed`, `.work/redirects` and `.work/results`, and beside `.work` the files that are ready,
    under the names that they keep: on an object store, a rename would be a copy. The root is a folder of this machine
    alone. A result is written when every file of its shard has arrived, so that half a shard is no shard.

    Args:
        root: scratch of this process; may not exist yet.
        store: the output.
    """

    store: Store

    def find(self, table: str, shard: int) -> Path:
        """Fetch a shard's table as parsed, unless it is here."""
        local = self.parsed / table / part_name(shard)
        return local if local.exists() else self.store.fetch(f"{WORK}/parsed/{table}/{part_name(shard)}", local)

    def size_of(self, table: str, shard: int) -> int:
        """Return the size in bytes of a shard's table, without fetching it."""
        return self.store.names(f"{WORK}/parsed/{table}/{part_name(shard)}").popitem()[1]

    def ready_file(self, table: str, shard: int) -> Path:
        """Fetch a shard's table that is ready."""
        return self._fetched(f"{table}/{part_name(shard)}", self.root / "fetched")

    def ready_files(self, table: str) -> list[Path]:
        """Fetch the files of a table that are ready, and give them in order of the shards."""
        return [self._fetched(name, self.root / "fetched") for name in self._ready_names(table)]

    def _fetched(self, name: str, folder: Path) -> Path:
        local = folder / name
        return local if local.exists() else self.store.fetch(name, local)

    def built_part(self, index: str, shard: int) -> Path:
        """Fetch a shard's part of an index, as its worker declared it."""
        for name in self.results(f"{index}-part")[shard]["sent"]:
            self._fetched(name, self.root / "fetched")
        return self.root / "fetched" / WORK / self.part(index, shard).relative_to(self.root)

    def shared(self, name: str) -> Path:
        """Fetch a folder that the driver has made, once for each build and process."""
        build = self.store.read(f"{WORK}/state.json") or b""
        return _shared(self.store.url, name, build, os.getpid())

    def share(self, name: str) -> None:
        """Send a folder to where workers find it."""
        for path in sorted(path for path in (self.root / name).rglob("*") if path.is_file()):
            self.store.send(path, f"{WORK}/{path.relative_to(self.root).as_posix()}")

    @contextlib.contextmanager
    def at_worker(self, stage: str, shard: int) -> Iterator[WorkFolder]:
        """Return a folder on this worker's disk with what the stage reads; it is gone afterwards."""
        root = Path(tempfile.mkdtemp(prefix=f"mie-{stage}-"))
        try:
            here = RemoteWork(root, self.store)
            if stage == "finish":
                for table in TABLES:
                    here.find(table, shard)
                here.redirects.symlink_to(self.shared("redirects"))
            yield here
        finally:
            shutil.rmtree(root)

    def write_result(self, stage: str, shard: int, result: dict[str, Any]) -> None:
        """Send the files of a shard, then declare it done."""
        folder = _SENT.get(stage, "ready")
        base = self.root / folder
        sent = []
        for path in sorted(path for path in base.rglob("*") if path.is_file()):
            name = path.relative_to(base).as_posix()
            sent.append(name if folder == "ready" else f"{WORK}/{folder}/{name}")
            self.store.send(path, sent[-1])
            path.unlink()
        declared = json.dumps({**result, "sent": sent}).encode()
        self.store.write(f"{WORK}/results/{stage}/{shard:05d}.json", declared)

    def results(self, stage: str) -> dict[int, dict[str, Any]]:
        """Read the results of the shards of a stage that are done, in order of the shards; each is fetched once."""
        found: dict[int, dict[str, Any]] = {}
        for name in self.store.names(f"{WORK}/results/{stage}"):
            local = self.root / name.removeprefix(f"{WORK}/")
            if not local.exists():
                self.store.fetch(name, local)
            found[int(local.stem)] = json.loads(local.read_text(encoding="utf-8"))
        return dict(sorted(found.items()))

    def count_results(self, stage: str) -> int:
        """Count the shards of a stage that are done."""
        return len(_listed(self.store, f"{WORK}/results/{stage}", int(time.monotonic() / _BEAT_S)))

    def write_beat(self, stage: str, shard: int, **values: int) -> None:
        """Say nothing: a request per beat and shard would cost more than it tells."""

    def beats(self, stage: str) -> dict[int, dict[str, int]]:  # noqa: ARG002
        """Return no beats: see write_beat."""
        return {}


@lru_cache(maxsize=4)
def _shared(url: str, name: str, _build: bytes, _process: int) -> Path:
    """Fetch a folder that the driver has sent."""
    folder = Path(tempfile.mkdtemp(prefix="mie-shared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store, base = Store(url), f"{WORK}/{name}/"
    for sent in store.names(base.rstrip("/")):
        store.fetch(sent, folder / sent.removeprefix(base))
    return folder


@lru_cache(maxsize=1)
def _listed(store: Store, prefix: str, _time: int) -> tuple[str, ...]:
    """List a folder, at most once in _BEAT_S."""
    return tuple(store.names(prefix))
