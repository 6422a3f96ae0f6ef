"""An output that is a URL: whose it is, the lock on it, and the manifest that declares it an index.

These are its files:

    manifest.json           the last file that is written: without it there is no index
    pages/... faiss/...     files that are ready, under the names that they keep
    .work/                  the unfinished build; gone when it is published
        lock.json           who builds (host, process), and when that was last renewed
        state.json          which build the work belongs to
        parsed/ results/    what `RemoteWork` describes
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.storage.ownership import ENTRIES, OTHER_OUTPUT, find_foreign, parse_manifest, to_state, to_word
from pipelines.storage.remote_work import WORK, RemoteWork
from pipelines.storage.store import Store
from schemas.errors import StoreError, UsageError
from schemas.manifest import MANIFEST_NAME, Manifest, read_manifest, write_manifest

__all__ = ["RemoteOutput"]

_STATE, _LOCK = f"{WORK}/state.json", f"{WORK}/lock.json"
_RENEW_S = 30.0
_STALE_S = 300.0
"""Age from which a lock is that of a killed build: ten renewals must have failed."""


class RemoteOutput:
    """A URL that is, will be, or must not become an index. Making one touches nothing.

    Unlike in a folder, an index that is replaced is gone from the start of the new build: to move files aside would
    copy every byte.

    Args:
        url: of the output.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.store = Store(url)
        self._scratch: Path | None = None

    @property
    def work(self) -> RemoteWork:
        """The unfinished build; it has a scratch folder only while the output is locked."""
        assert self._scratch is not None, "locked() comes first"
        return RemoteWork(self._scratch, self.store)

    @property
    def address(self) -> str:
        """The URL, for messages."""
        return self.url

    def check(self, *, overwrite: bool) -> None:
        """Check that a build may write here.

        Raises:
            UsageError: there are files that no build of ours made; or an index, and not overwrite.
        """
        names, manifest = self.store.names(), self._raw_manifest()
        if manifest is None:
            if names and not {_STATE, _LOCK} & names.keys():
                raise UsageError(
                    "there are files here, and they are no index of ours", path=self.url, remedy=OTHER_OUTPUT
                )
            return
        if not overwrite:
            raise UsageError(
                "an index is here that was built from other inputs or settings",
                path=self.url,
                remedy=f"replace it with --overwrite, or {OTHER_OUTPUT}",
            )
        foreign = find_foreign(names, manifest)
        if foreign is not None:
            raise UsageError(
                "a file that is no part of the index would be lost",
                path=self.url,
                place=foreign,
                remedy=f"move it away, or {OTHER_OUTPUT}",
            )

    def state(self) -> str:
        """Return in a word what is here: "new", "index", "unfinished build" or "something else"."""
        names = self.store.names()
        has_work = bool({_STATE, _LOCK} & names.keys())
        return to_word(is_index=self._raw_manifest() is not None, has_work=has_work, is_empty=not names)

    def _raw_manifest(self) -> dict[str, Any] | None:
        """Read the manifest whatever its schema version; None if there is none of ours."""
        return parse_manifest(self.store.read(MANIFEST_NAME) or b"")

    def manifest(self) -> Manifest:
        """Read the manifest of a finished index.

        Raises:
            StoreError: there is none, or it cannot be used.
        """
        with tempfile.TemporaryDirectory() as folder:
            if self.store.read(MANIFEST_NAME) is not None:
                self.store.fetch(MANIFEST_NAME, Path(folder) / MANIFEST_NAME)
            return read_manifest(folder)

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of every file that is here, by name."""
        return self.store.names()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the output, so that two builds never write into it at once.

        A store has no locks that end with their process. So a file names who builds, and is renewed while it does.

        Raises:
            UsageError: another build holds it.
            StoreError: it cannot be written.
        """
        if not self.store.create(_LOCK, _to_lock()):
            self._take_stale_lock()
        ended = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(ended,), daemon=True)
        renewing.start()
        self._scratch = Path(tempfile.mkdtemp(prefix="mie-build-"))
        try:
            yield
        finally:
            ended.set()
            renewing.join()
            self.store.remove([_LOCK])
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None

    def _take_stale_lock(self) -> None:
        """Take the lock over if its holder is gone.

        Raises:
            UsageError: it may still build.
        """
        try:
            holder = json.loads(self.store.read(_LOCK) or b"{}")
        except ValueError:
            holder = {}
        is_gone = holder.get("host") == socket.gethostname() and not _is_running(int(holder.get("pid", 0)))
        if not is_gone and time.time() - float(holder.get("time", 0)) < _STALE_S:
            raise UsageError(
                f"another build writes here, or was killed less than {_STALE_S / 60:.0f} minutes ago",
                path=self.url,
                place=f"process {holder.get('pid')} of {holder.get('host')}",
                remedy=f"wait for it to end, or {OTHER_OUTPUT}",
            )
        self.store.write(_LOCK, _to_lock())

    def _renew(self, ended: threading.Event) -> None:
        """Write the time into the lock again and again until the build ends."""
        while not ended.wait(_RENEW_S):
            with contextlib.suppress(StoreError):  # the next one may get through
                self.store.write(_LOCK, _to_lock())

    def take_over(self, fingerprint: str, plan: str) -> bool:
        """Go on with the work of an earlier run, or clear it away if it was of another configuration.

        Returns:
            True if there is work to go on with.
        """
        state = json.dumps(to_state(fingerprint, plan), sort_keys=True).encode()
        if self.store.read(_STATE) == state:
            return True
        self.store.remove([MANIFEST_NAME, _STATE])  # first: work that is half removed must not be gone on with
        self.store.remove([name for name in self.store.names(WORK) if name != _LOCK])
        self.store.write(_STATE, state)
        return False

    def unpublished(self) -> Manifest | None:
        """Return None: to publish moves nothing here, so an interrupted one is simply done again from the results."""
        return None

    def tidy(self, manifest: Manifest) -> None:
        """Remove what is left of the build of the index that is here, if it was interrupted as its very last act."""
        state = json.loads(self.store.read(_STATE) or b"{}")
        if state.get("fingerprint") == manifest.fingerprint:
            self.store.remove(list(self.store.names(WORK)))

    def publish(self, manifest: Manifest) -> None:
        """Check that every file is here, remove what an earlier index left, then declare it an index.

        Raises:
            StoreError: a file is not here or has another size.
        """
        names = self.store.names()
        for shard in manifest.shards:
            if names.get(shard.path) != shard.size_bytes:
                raise StoreError(
                    "a file of the build is gone or has another size",
                    path=self.url,
                    place=shard.path,
                    remedy="something else writes here; build again with --overwrite",
                )
        listed = {shard.path for shard in manifest.shards}
        self.store.remove([name for name in names if name.partition("/")[0] in ENTRIES and name not in listed])
        scratch = self.work.root
        write_manifest(scratch, manifest)
        self.store.send(scratch / MANIFEST_NAME, MANIFEST_NAME)
        self.store.remove([name for name in self.store.names(WORK) if name != _LOCK])


def _to_lock() -> bytes:
    return json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "time": time.time()}).encode()


def _is_running(pid: int) -> bool:
    """Return whether a process of this machine is there."""
    try:
        os.kill(pid, 0)  # signal 0 is not sent, only checked
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it is there, and somebody else's
    return pid > 0
