"""The files in a folder or an archive, one after the other, each within a size."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from schemas.errors import InputError

__all__ = ["MOST_MEMBER_BYTES", "Member", "read_members"]

MOST_MEMBER_BYTES = 256 * 1024 * 1024


class Member(NamedTuple):
    """A file: its name within the folder or archive, and its bytes."""

    name: str
    data: bytes


def read_members(path: Path, suffixes: Sequence[str], remedy: str) -> Iterator[Member]:
    """Read the files that end in one of the suffixes; one is in memory at a time.

    Args:
        path: of a folder, an archive (zip, tar, also compressed) or a single file.
        suffixes: lower case, with the dot.
        remedy: of the errors.

    Raises:
        InputError: there is no such file, it is no archive, or a file in it is too large.
    """
    try:
        if path.is_dir():
            for file in sorted(path.rglob("*")):
                if file.suffix.lower() in suffixes and file.is_file():
                    yield _bounded(str(file.relative_to(path)), file.stat().st_size, file, path)
        elif path.suffix.lower() in suffixes:
            yield _bounded(path.name, path.stat().st_size, path, path)
        elif zipfile.is_zipfile(path):
            yield from _read_zip(path, suffixes)
        elif tarfile.is_tarfile(path):
            yield from _read_tar(path, suffixes)
        else:
            raise InputError("neither a folder nor an archive", path=path, remedy=remedy)
    except (OSError, EOFError, zipfile.BadZipFile, tarfile.TarError, RuntimeError) as error:
        raise InputError(f"cannot be read ({error})", path=path, remedy=remedy) from error


def _bounded(name: str, size: int, file: Path, path: Path) -> Member:
    _check_size(name, size, path)
    return Member(name, file.read_bytes())


def _read_zip(path: Path, suffixes: Sequence[str]) -> Iterator[Member]:
    with zipfile.ZipFile(path) as archive:
        for row in archive.infolist():
            if PurePosixPath(row.filename).suffix.lower() in suffixes and not row.is_dir():
                _check_size(row.filename, row.file_size, path)
                with archive.open(row) as stream:
                    data = stream.read(MOST_MEMBER_BYTES + 1)  # the size in the directory may be a lie
                _check_size(row.filename, len(data), path)
                yield Member(row.filename, data)


def _read_tar(path: Path, suffixes: Sequence[str]) -> Iterator[Member]:
    with tarfile.open(path) as archive:
        for row in archive:
            if row.isfile() and PurePosixPath(row.name).suffix.lower() in suffixes:
                _check_size(row.name, row.size, path)
                stream = archive.extractfile(row)
                if stream is not None:
                    yield Member(row.name, stream.read())


def _check_size(name: str, size: int, path: Path) -> None:
    if size > MOST_MEMBER_BYTES:
        raise InputError(f"a file of {size:,} bytes, at most {MOST_MEMBER_BYTES:,}", path=path, place=name)
