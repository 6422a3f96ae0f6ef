"""The work of a build whose output is a URL: made on a worker's own disk, sent whole, declared done afterwards.

    worker                                      store (the output's URL)
    tables in a folder of its own  == send ==>  .work/parsed/...  or, when ready,  pages/..., sentences/...
    the result of the shard        == last ==>  .work/results/STAGE/SHARD.json

A result is written when every file of its shard has arrived, so that half a shard is no shard. Files that are ready get
the names that they keep: on an object store, a rename would be a copy.
"""

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

from pipelines.storage.shards import part_name
from pipelines.storage.store import Store
from pipelines.storage.work import WorkPaths, ready_entries
from schemas.tables import TABLES

__all__ = ["WORK", "RemoteWork"]

WORK = ".work"
_SENT_FOLDERS = {"parse": "parsed", "bm25-part": "parts", "faiss-part": "parts"}
"""Stage -> the folder of a worker whose files are sent below `.work`; the other stages send `ready`, to stay."""
_LIST_AGAIN_S = 10.0
"""Age at which a listing that is only shown as progress is fetched again: each is a request to the store."""


@dataclass(frozen=True)
class RemoteWork(WorkPaths):
    """Where a build keeps its work when workers share no disk.

    Args:
        root: scratch folder of this process alone; may not exist yet. What was fetched from the store lies here.
        store: the output.
    """

    store: Store

    @property
    def has_shared_disk(self) -> bool:
        """Never: what a worker wrote has to be fetched."""
        return False

    def find(self, table: str, shard: int) -> Path:
        """Fetch a shard's table as parsed, unless it is here."""
        local = self.parsed / table / part_name(shard)
        return local if local.exists() else self.store.fetch(f"{WORK}/parsed/{table}/{part_name(shard)}", local)

    def size_of(self, table: str, shard: int) -> int:
        """Return the size in bytes of a shard's table, without fetching it."""
        return self.store.names(f"{WORK}/parsed/{table}/{part_name(shard)}").popitem()[1]

    def ready_file(self, table: str, shard: int) -> Path:
        """Fetch a shard's table that is ready."""
        return self._fetch(f"{table}/{part_name(shard)}")

    def ready_files(self, table: str) -> list[Path]:
        """Fetch the files of a table that are ready, and return them in order of the shards."""
        return [self._fetch(entry["path"]) for entry in self._ready(table)]

    def ready_rows(self, table: str) -> int:
        """Count the rows of a table that is ready, without fetching it."""
        return sum(entry["rows"] for entry in self._ready(table))

    def _ready(self, table: str) -> list[dict[str, Any]]:
        return ready_entries(self.results("finish"), self.results("embed"), table)

    def _fetch(self, name: str) -> Path:
        """Fetch a file of the store into `fetched`, unless it is there."""
        local = self.root / "fetched" / name
        return local if local.exists() else self.store.fetch(name, local)

    def built_part(self, index: str, shard: int) -> Path:
        """Fetch a shard's part of an index, as its worker declared it."""
        for name in self.results(f"{index}-part")[shard]["sent"]:
            self._fetch(name)
        return self.root / "fetched" / WORK / self.part(index, shard).relative_to(self.root)

    def share(self, name: str) -> None:
        """Send a folder to where workers find it."""
        for path in sorted(path for path in (self.root / name).rglob("*") if path.is_file()):
            self.store.send(path, f"{WORK}/{path.relative_to(self.root).as_posix()}")

    def shared(self, name: str) -> Path:
        """Fetch a folder that the driver has made, once for each build and process."""
        build = self.store.read(f"{WORK}/state.json") or b""
        return _fetch_shared(self.store.url, name, build, os.getpid())

    @contextlib.contextmanager
    def at_worker(self, stage: str, shard: int) -> Iterator[RemoteWork]:
        """Return a work on this worker's disk with what the stage reads; it is gone afterwards."""
        root = Path(tempfile.mkdtemp(prefix=f"mie-{stage}-"))
        try:
            here = RemoteWork(root, self.store)
            if stage == "finish":
                for table in TABLES:
                    here.find(table, shard)
                here.redirects.symlink_to(self.shared("redirects"))  # fetched once, for all shards of this process
            yield here
        finally:
            shutil.rmtree(root)

    def write_result(self, stage: str, shard: int, result: dict[str, Any]) -> None:
        """Send the files of a shard, then declare it done."""
        folder = _SENT_FOLDERS.get(stage, "ready")
        base = self.root / folder
        sent = []
        for path in sorted(path for path in base.rglob("*") if path.is_file()):
            name = path.relative_to(base).as_posix()
            sent.append(name if folder == "ready" else f"{WORK}/{folder}/{name}")
            self.store.send(path, sent[-1])
            path.unlink()  # else the next result that is written from this folder would send it again
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
        """Count the shards of a stage that are done, as of some seconds ago."""
        return len(_list_names(self.store, f"{WORK}/results/{stage}", int(time.monotonic() / _LIST_AGAIN_S)))

    def write_beat(self, stage: str, shard: int, **values: int) -> None:
        """Do nothing: a request for each beat of each shard would cost more than the progress is worth."""

    def beats(self, stage: str) -> dict[int, dict[str, int]]:  # noqa: ARG002
        """Return no beats: see write_beat."""
        return {}


# The last two arguments are not read. They make the cache forget: another build at the same URL has another redirect
# table, and a worker that was forked must not take over a folder that the process before it removes at its end.
@lru_cache(maxsize=4)
def _fetch_shared(url: str, name: str, _build: bytes, _process: int) -> Path:
    """Fetch a folder that the driver has sent; it is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="mie-shared-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    store, base = Store(url), f"{WORK}/{name}/"
    for sent in store.names(base.rstrip("/")):
        store.fetch(sent, folder / sent.removeprefix(base))
    return folder


@lru_cache(maxsize=1)
def _list_names(store: Store, prefix: str, _period: int) -> tuple[str, ...]:
    """List a folder, at most once in each period of _LIST_AGAIN_S."""
    return tuple(store.names(prefix))
