"""An output that is a folder: whose it is, the lock on it, and the publishing of what is ready.

These are its files:

    manifest.json           the last file that is written: without it the folder is no index
    pages/ ... faiss/       the folders of `ownership.ENTRIES`
    .work/                  the unfinished build; gone when it is published
        lock                held by the process that builds
        state.json          which build the work belongs to
        parsed/ ready/ ...  what `WorkFolder` describes
        manifest.json       there from the start of publishing: a killed publishing goes on from it
        old/                folders of the index that is replaced, moved aside
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.storage.ownership import ENTRIES, OTHER_OUTPUT, find_foreign, parse_manifest, to_state, to_word
from pipelines.storage.work_folder import WorkFolder
from schemas.errors import InputError, UsageError
from schemas.manifest import MANIFEST_NAME, Manifest, read_manifest, write_json_atomically, write_manifest

__all__ = ["OutputFolder"]

_WORK_NAME = ".work"
_STATE_NAME = "state.json"
_LOCK_NAME = "lock"
_BUILD_AGAIN = "something else writes to this folder; build again with --overwrite"


class OutputFolder:
    """A folder that is, will be, or must not become an index. Making one touches nothing.

    An index that is replaced stays usable until the new one is ready.

    Args:
        path: of the folder; may not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._work_root = path / _WORK_NAME

    @property
    def work(self) -> WorkFolder:
        """The folder of the unfinished build."""
        return WorkFolder(self._work_root)

    @property
    def address(self) -> str:
        """The path, for messages."""
        return str(self.path)

    def manifest(self) -> Manifest:
        """Read the manifest of a finished index.

        Raises:
            StoreError: there is none, or it cannot be used.
        """
        return read_manifest(self.path)

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of every file of the index that is here, by name."""
        return {name: (self.path / name).stat().st_size for name in self._published() if (self.path / name).is_file()}

    def _published(self) -> list[str]:
        """List the files in the folders of an index; by name, in order of `ENTRIES`."""
        paths = [path for name in ENTRIES for path in sorted((self.path / name).rglob("*")) if not path.is_dir()]
        return [path.relative_to(self.path).as_posix() for path in paths]

    def check(self, *, overwrite: bool) -> None:
        """Check that a build may write here.

        Raises:
            UsageError: it is a file; or there are files that no build of ours made; or an index, and not overwrite.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UsageError("the output is a file, not a folder", path=self.path, remedy=OTHER_OUTPUT)
        manifest = self._raw_manifest()
        if manifest is not None:
            if not overwrite:
                raise UsageError(
                    "the folder holds an index that was built from other inputs or settings",
                    path=self.path,
                    remedy=f"replace it with --overwrite, or {OTHER_OUTPUT}",
                )
            foreign = find_foreign(self._published(), manifest)
            if foreign is not None:
                raise UsageError(
                    "a file that is no part of the index would be lost",
                    path=self.path,
                    place=foreign,
                    remedy=f"move it away, or {OTHER_OUTPUT}",
                )
        elif self._names() and not self._has_work():
            raise UsageError(
                "the folder is not empty, and what is in it is no index of ours",
                path=self.path,
                remedy=f"{OTHER_OUTPUT}; --overwrite replaces an index only",
            )

    def state(self) -> str:
        """Return in a word what is here: "new", "index", "unfinished build" or "something else"."""
        is_index = self._raw_manifest() is not None
        return to_word(is_index=is_index, has_work=self._has_work(), is_empty=not self._names())

    def _names(self) -> set[str]:
        return set(os.listdir(self.path)) if self.path.is_dir() else set()  # noqa: PTH208

    def _has_work(self) -> bool:
        """Return whether an unfinished build of ours is here: its lock, or a work folder that is still empty."""
        if not self._work_root.is_dir():
            return False
        names = os.listdir(self._work_root)  # noqa: PTH208
        return _LOCK_NAME in names or (not names and self._names() == {_WORK_NAME})

    def _raw_manifest(self) -> dict[str, Any] | None:
        """Read the manifest whatever its schema version; None if there is none of ours."""
        try:
            return parse_manifest((self.path / MANIFEST_NAME).read_bytes())
        except OSError:
            return None

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, so that two builds never write into it at once.

        Raises:
            UsageError: another build holds it, or it cannot be made.
        """
        try:
            lock = self._open_lock()
        except OSError as error:
            raise UsageError(
                f"the output folder cannot be written ({error.strerror})", path=self.path, remedy=OTHER_OUTPUT
            ) from error
        if lock is None:
            raise UsageError(
                "another build is writing here", path=self.path, remedy=f"wait for it to end, or {OTHER_OUTPUT}"
            )
        try:
            yield
        finally:
            os.close(lock)

    def _open_lock(self) -> int | None:
        """Open and lock the lock file; return None if another process holds it.

        A POSIX lock belongs to this process alone: children that a killed build left behind do not hold it, as they
        would hold a lock of flock(2).
        """
        # A build that ends removes the file. Between our open and our lock that may happen, and then we hold a file
        # that nobody else can see: look whether the name still leads to it, and begin again if not.
        while True:
            self._work_root.mkdir(parents=True, exist_ok=True)
            path = self._work_root / _LOCK_NAME
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            with contextlib.suppress(FileNotFoundError):
                if os.fstat(descriptor).st_ino == path.stat().st_ino:
                    return descriptor
            os.close(descriptor)

    def take_over(self, fingerprint: str, plan: str) -> bool:
        """Go on with the work of an earlier run, or clear it away if it was of another configuration.

        Returns:
            True if there is work to go on with.
        """
        state_path = self._work_root / _STATE_NAME
        state = to_state(fingerprint, plan)
        try:
            found = json.loads(state_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = None
        if found == state:
            return True
        state_path.unlink(missing_ok=True)  # first: work that is half removed must not be gone on with
        for path in self._work_root.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _LOCK_NAME:
                path.unlink()
        write_json_atomically(state_path, state)
        return False

    def publish(self, manifest: Manifest) -> None:
        """Move what is ready into place, then declare it an index.

        An old index is no index from here on until the new manifest is there: the time of a few renames. After an
        interruption the same call goes on, with the manifest that `unpublished` returns: each step below can be
        repeated, and what it has done already is not there to be done again.

        Raises:
            InputError: a file of the build is not there.
        """
        ready, old = self.work.ready, self._work_root / "old"
        listed = {ready / shard.path for shard in manifest.shards}
        for path in [path for path in ready.rglob("*") if not path.is_dir() and path not in listed]:
            path.unlink()  # a killed process left it under a temporary name
        write_manifest(self._work_root, manifest)
        (self.path / MANIFEST_NAME).unlink(missing_ok=True)
        old.mkdir(exist_ok=True)
        listed_folders = {Path(shard.path).parts[0] for shard in manifest.shards}
        for name in ENTRIES:
            is_new = (ready / name).exists()
            if (self.path / name).exists() and (is_new or name not in listed_folders):
                (self.path / name).replace(_free_name(old, name))  # nothing in `old` is overwritten
            if is_new:
                (ready / name).replace(self.path / name)
        for shard in manifest.shards:
            if not (self.path / shard.path).is_file():
                raise InputError("a file of the build is gone", path=self.path, place=shard.path, remedy=_BUILD_AGAIN)
        write_manifest(self.path, manifest)
        self._clear_work()

    def unpublished(self) -> Manifest | None:
        """Return the manifest of a build that is ready, but whose publishing was interrupted; else None."""
        return read_manifest(self._work_root) if (self._work_root / MANIFEST_NAME).exists() else None

    def tidy(self, manifest: Manifest) -> None:
        """Remove what is left of the build of the index that is here, if it was interrupted as its very last act."""
        # `_clear_work` removes the manifest and then the lock, after all else: one of them shows what is left of it
        is_left = self._work_root.is_dir() and (
            self.unpublished() == manifest or set(os.listdir(self._work_root)) == {_LOCK_NAME}  # noqa: PTH208
        )
        lock = self._open_lock() if is_left else None
        if lock is not None:
            self._clear_work()
            os.close(lock)

    def _clear_work(self) -> None:
        """Remove the work folder; last of all the files by which `tidy` recognizes it."""
        last = [self._work_root / name for name in (MANIFEST_NAME, _LOCK_NAME)]  # in this order: see `tidy`
        for path in self._work_root.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path not in last:
                path.unlink()
        for path in last:
            path.unlink(missing_ok=True)
        self._work_root.rmdir()


def _free_name(folder: Path, name: str) -> Path:
    """Return the first of NAME.0, NAME.1, ... that is not there."""
    number = 0
    while (folder / f"{name}.{number}").exists():
        number += 1
    return folder / f"{name}.{number}"
