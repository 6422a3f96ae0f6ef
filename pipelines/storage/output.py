"""The output folder of a build: whose it is, the lock on it, and the publishing of what is ready."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.storage.work import WorkFolder
from schemas.errors import InputError, UsageError
from schemas.manifest import MANIFEST_NAME, Manifest, read_manifest, write_json_atomically, write_manifest

__all__ = ["ENTRIES", "OutputFolder"]

ENTRIES = ("pages", "sentences", "paragraphs", "images", "rejects", "ledger", "embeddings", "bm25", "faiss")
"""Folders that a build may publish. Nothing else in the output folder is ever touched."""

WORK_NAME = ".work"
_STATE_NAME = "state.json"
_LOCK_NAME = "lock"
_STATE_KIND = "wiki-index-build"
_OTHER_FOLDER = "give another --output"


class OutputFolder:
    """A folder that is, will be, or must not become an index. Making one touches nothing.

    What is not finished lies in `.work`; the manifest comes last, so a folder without it is no index. An index that is
    being built anew stays usable until the new one is ready.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._work_root = path / WORK_NAME

    @property
    def work(self) -> WorkFolder:
        """The folder of the unfinished build."""
        return WorkFolder(self._work_root)

    @property
    def place(self) -> str:
        """The folder, for messages."""
        return str(self.path)

    def manifest(self) -> Manifest:
        """Read the manifest of a finished index.

        Raises:
            StoreError: there is none, or it cannot be used.
        """
        return read_manifest(self.path)

    def sizes(self) -> dict[str, int]:
        """Return the size of every file that is here, by name."""
        files = [path for name in ENTRIES for path in (self.path / name).rglob("*") if path.is_file()]
        return {path.relative_to(self.path).as_posix(): path.stat().st_size for path in files}

    def check(self, *, overwrite: bool) -> None:
        """Check that a build may write here.

        Raises:
            UsageError: it is a file; or there are files that no build of ours made; or an index, and not overwrite.
        """
        if self.path.exists() and not self.path.is_dir():
            raise UsageError("the output is a file, not a folder", path=self.path, remedy=_OTHER_FOLDER)
        manifest = self._raw_manifest()
        if manifest is not None:
            if not overwrite:
                raise UsageError(
                    "the folder holds an index that was built from other inputs or settings",
                    path=self.path,
                    remedy=f"replace it with --overwrite, or {_OTHER_FOLDER}",
                )
            self._check_owned(manifest)
        elif self._names() and not self._has_work():
            raise UsageError(
                "the folder is not empty, and what is in it is no index of ours",
                path=self.path,
                remedy=f"{_OTHER_FOLDER}; --overwrite replaces an index only",
            )

    def state(self) -> str:
        """Say in a word what is here: "new", "index", "unfinished build" or "something else"."""
        if self._raw_manifest() is not None:
            return "index"
        if self._has_work():
            return "unfinished build"
        return "something else" if self._names() else "new"

    def _names(self) -> set[str]:
        return set(os.listdir(self.path)) if self.path.is_dir() else set()  # noqa: PTH208

    def _has_work(self) -> bool:
        """Tell whether an unfinished build of ours is here: its lock, or a work folder that is empty yet."""
        if not self._work_root.is_dir():
            return False
        names = os.listdir(self._work_root)  # noqa: PTH208
        return _LOCK_NAME in names or (not names and self._names() == {WORK_NAME})

    def _raw_manifest(self) -> dict[str, Any] | None:
        """Read the manifest whatever its schema version; None if there is none of ours."""
        try:
            values = json.loads((self.path / MANIFEST_NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        is_ours = isinstance(values, dict) and values.get("kind") == "wiki-index"
        return values if is_ours else None

    def _check_owned(self, manifest: dict[str, Any]) -> None:
        """Refuse to replace folders that somebody has put files of their own into."""
        listed = {shard["path"] for shard in manifest.get("shards", ())}
        for name in ENTRIES:
            for file in sorted((self.path / name).rglob("*")):
                place = file.relative_to(self.path).as_posix()
                if not file.is_dir() and place not in listed:
                    raise UsageError(
                        "a file that is no part of the index would be lost",
                        path=self.path,
                        place=place,
                        remedy=f"move it away, or {_OTHER_FOLDER}",
                    )

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
                f"the output folder cannot be written ({error.strerror})", path=self.path, remedy=_OTHER_FOLDER
            ) from error
        if lock is None:
            raise UsageError(
                "another build is writing here", path=self.path, remedy=f"wait for it to end, or {_OTHER_FOLDER}"
            )
        try:
            yield
        finally:
            os.close(lock)

    def _open_lock(self) -> int | None:
        """Open and lock the lock file; None if it is taken.

        A POSIX lock belongs to this process alone: children that a killed build left behind do not hold it.
        """
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
            os.close(descriptor)  # a build that has just ended took the file away

    def take_over(self, fingerprint: str, plan: str) -> bool:
        """Go on with the work of an earlier run, or clear it away if it was of another configuration.

        Returns:
            True if there is work to go on with.
        """
        state_path = self._work_root / _STATE_NAME
        state = {"kind": _STATE_KIND, "fingerprint": fingerprint, "plan": plan}
        try:
            found = json.loads(state_path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            found = None
        if found == state:
            return True
        state_path.unlink(missing_ok=True)  # first: what is half cleared away must not look like work to go on with
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
        interruption the same call goes on, with the manifest that `unpublished` gives.
        """
        ready, old = self.work.ready, self._work_root / "old"
        listed = {ready / shard.path for shard in manifest.shards}
        for path in [path for path in ready.rglob("*") if not path.is_dir() and path not in listed]:
            path.unlink()  # what a killed process had under a temporary name
        write_manifest(self._work_root, manifest)
        (self.path / MANIFEST_NAME).unlink(missing_ok=True)
        old.mkdir(exist_ok=True)
        wanted = {Path(shard.path).parts[0] for shard in manifest.shards}
        for name in ENTRIES:
            is_new = (ready / name).exists()
            if (self.path / name).exists() and (is_new or name not in wanted):
                (self.path / name).replace(_free_name(old, name))
            if is_new:
                (ready / name).replace(self.path / name)
        for shard in manifest.shards:
            if not (self.path / shard.path).is_file():
                raise InputError("a file of the build is gone", path=self.path, place=shard.path, remedy=_AGAIN)
        write_manifest(self.path, manifest)
        self._clear_work()

    def unpublished(self) -> Manifest | None:
        """Return the manifest of a build that is ready, but whose publishing was interrupted."""
        return read_manifest(self._work_root) if (self._work_root / MANIFEST_NAME).exists() else None

    def tidy(self, manifest: Manifest) -> None:
        """Remove what is left of the build of the index that is here, if it was interrupted as its very last act."""
        is_left = self._work_root.is_dir() and (
            self.unpublished() == manifest or set(os.listdir(self._work_root)) == {_LOCK_NAME}  # noqa: PTH208
        )
        lock = self._open_lock() if is_left else None
        if lock is not None:
            self._clear_work()
            os.close(lock)

    def _clear_work(self) -> None:
        """Remove the work folder, last of all what `tidy` knows it by."""
        last = [self._work_root / name for name in (MANIFEST_NAME, _LOCK_NAME)]
        for path in self._work_root.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path not in last:
                path.unlink()
        for path in last:
            path.unlink(missing_ok=True)
        self._work_root.rmdir()


_AGAIN = "something else writes to this folder; build again with --overwrite"


def _free_name(folder: Path, name: str) -> Path:
    number = 0
    while (folder / f"{name}.{number}").exists():
        number += 1
    return folder / f"{name}.{number}"
