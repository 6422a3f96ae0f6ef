"""Writes that survive a full disk and a kill: errors with a remedy, and folders that change as a whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from schemas.errors import StoreError

__all__ = ["recover_folder", "swapped_folder", "writing"]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failed write (a full disk) into an error of ours; what was there before stays.

    Raises:
        StoreError: with path and remedy.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise StoreError(
            f"cannot be written ({error})",
            path=path,
            remedy="make room and give the same command again: it goes on from the last state that was kept",
        ) from error


@contextmanager
def swapped_folder(folder: Path) -> Iterator[Path]:
    """Return a new folder to write; in the end it takes the place of the old one of that name.

    If writing fails, the new folder is dropped and the old one stays. A kill leaves the old one, the new one, or,
    between the two renames, neither under this name: then `recover_folder` puts the old one back.

        best  best.new          writing
        best.old  best.new      between the renames
        best                    done
    """
    new, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Undo a swap that ended between its two renames."""
    old = folder.with_name(folder.name + ".old")
    if not folder.exists() and old.exists():
        old.rename(folder)
