"""The file of a report page: written in one step, and never over a file that is not a report of ours."""

from __future__ import annotations

import os
from pathlib import Path

from schemas.display.rendering import GENERATOR
from schemas.errors import StoreError, UsageError

__all__ = ["check_page_path", "write_page"]

_HEAD_BYTES = 1000
"""The generator stands in the first lines of a page, long before its style sheet."""


def write_page(path: Path, text: str) -> None:
    """Write a page under a temporary name and rename it, so that a reader never sees half of it.

    Args:
        path: of the file; an earlier report of ours is replaced.
        text: the whole page.

    Raises:
        UsageError: the page must not be written here (`check_page_path`).
        StoreError: the disk is full, or the file cannot be written for another reason.
    """
    check_page_path(path)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with new.open("wb") as file:
            # "replace": a title from a damaged file may hold half a surrogate pair, which UTF-8 cannot encode.
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        why = error.strerror or error
        raise StoreError(f"cannot be written ({why})", path=path, remedy="make room, or name another file") from error
    finally:
        new.unlink(missing_ok=True)


def check_page_path(path: Path) -> None:
    """Check that a page may be written to a path; call it before the work that fills the page.

    Raises:
        UsageError: the path is a folder, or a file that is not a report of ours, or its folder does not exist.
    """
    if path.is_dir():
        raise UsageError("this is a folder", path=path, remedy="name a file, for instance report.html")
    if not path.parent.is_dir():
        raise UsageError("there is no such folder", path=path.parent, remedy="make it, or name another file")
    if path.exists() and not _is_our_report(path):
        raise UsageError("a file that is no report of ours is here", path=path, remedy="name another file")


def _is_our_report(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return f'content="{GENERATOR}"'.encode() in file.read(_HEAD_BYTES)
    except OSError:
        return False
