"""One file by path or by URL: open it, read its size and hash, find the files that a pattern matches."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import posixpath
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from pipelines.storage.file_system import file_system, store_errors_as
from schemas.errors import InputError, MissingDependency

__all__ = ["RemoteFile", "find_files", "is_remote", "open_at", "open_file", "sha256_of", "size_of"]

_READ_BYTES = 8 * 2**20
"""Bytes of one request. A stream of a multistream dump has some 100 kB: a request for each would be mostly waiting."""
_open_remote = threading.local()  # .path, .file: the remote file that this thread read last


def is_remote(path: object) -> bool:
    """Return whether something is a URL, and no path of this machine.

    >>> is_remote("gs://bucket/enwiki"), is_remote("/data/enwiki"), is_remote(Path("enwiki"))
    (True, False, False)
    """
    scheme, found, _ = str(path).partition("://")
    return bool(found) and scheme.isalnum()


@dataclass(frozen=True, order=True)
class RemoteFile:
    """A file by URL, with the few methods of pathlib.Path that readers of dumps use."""

    url: str

    def __str__(self) -> str:
        return self.url

    def __fspath__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """The last part of the URL.

        >>> RemoteFile("s3://dumps/enwiki.xml.bz2").name
        'enwiki.xml.bz2'
        """
        return posixpath.basename(self.url)

    def with_name(self, name: str) -> RemoteFile:
        """Return the file of another name beside this one."""
        return RemoteFile(posixpath.join(posixpath.dirname(self.url), name))

    def is_file(self) -> bool:
        """Return whether the file is there."""
        with store_errors_as(self.url, InputError):
            return bool(file_system(self.url).isfile(self.url))


def open_file(path: str | os.PathLike[str] | RemoteFile) -> BinaryIO:
    """Open a file for reading; seeking works, and reading on is buffered.

    Raises:
        OSError: as open does; for a URL, with the store's message.
        MissingDependency: the package for the scheme is not installed.
    """
    if not is_remote(path):
        return open(cast("str", path), "rb")
    try:
        file = file_system(str(path)).open(str(path), "rb", block_size=_READ_BYTES, cache_type="readahead")
    except (OSError, MissingDependency):
        raise
    except Exception as error:  # a store's own exceptions have no common ancestor
        raise OSError(errno.EIO, f"{type(error).__name__}: {error}", str(path)) from error
    return cast("BinaryIO", file)


@contextlib.contextmanager
def open_at(path: str, offset: int) -> Iterator[BinaryIO]:
    """Open a file for reading, and go to a byte.

    A remote file stays open in this thread, for the next call: streams of a dump follow each other, and the next one
    lies mostly in what was read ahead.

    Args:
        path: or URL.
        offset: in bytes.

    Raises:
        OSError: as open does.
    """
    if not is_remote(path):
        with open(path, "rb") as file:
            file.seek(offset)
            yield file
        return
    if getattr(_open_remote, "path", None) != path:
        _open_remote.path, _open_remote.file = path, open_file(path)
    _open_remote.file.seek(offset)
    yield _open_remote.file


def size_of(path: str | os.PathLike[str] | RemoteFile) -> int:
    """Return a file's size in bytes.

    Raises:
        OSError: it is not there.
    """
    if not is_remote(path):
        return Path(cast("str", path)).stat().st_size
    with store_errors_as(str(path), InputError):
        return int(file_system(str(path)).size(str(path)))


def sha256_of(path: str | os.PathLike[str] | RemoteFile) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal; reads it in constant memory."""
    with open_file(path) as file:
        return hashlib.file_digest(cast("Any", file), "sha256").hexdigest()


def find_files(pattern: str) -> list[RemoteFile]:
    """Return the files that a URL names, or a glob matches, sorted.

    Raises:
        InputError: the store does not answer.
    """
    with store_errors_as(pattern, InputError):
        files = file_system(pattern)
        found = files.glob(pattern) if any(mark in pattern for mark in "*?[") else [pattern]
        return [RemoteFile(url) for url in sorted(map(files.unstrip_protocol, found)) if files.isfile(url)]
