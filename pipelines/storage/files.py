"""Files by path or by URL (s3://, gs://, hdfs://, memory://): open, list, send, fetch, remove.

The only file that imports fsspec. On an object store, a file that is sent appears whole or not at all; elsewhere
(hdfs://) it is sent under another name and renamed. There are no folders here, because object stores have none.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import posixpath
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from schemas.errors import InputError, MieError, MissingDependency, StoreError

__all__ = ["STORES", "RemoteFile", "Store", "find_files", "is_remote", "open_at", "open_file", "sha256_of", "size_of"]

_EXTRAS = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}
STORES = ("s3", "s3a", "gs", "gcs", "hdfs", "memory")
"""Schemes of URLs that are read. Not http: a dump is downloaded once and whole, by the rules of its site."""

_OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "memory")
_READ_BYTES = 8 * 2**20
"""Bytes of one request. A stream of a multistream dump has some 100 kB: a request for each would be mostly waiting."""
_open_remote = threading.local()  # .path, .file: the remote file that this thread read last
_TRY_AGAIN = "try again; if it stays, check the address, the credentials and the permissions"


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
        with _raising(self.url, InputError):
            return bool(_file_system(self.url).isfile(self.url))


def open_file(path: str | os.PathLike[str] | RemoteFile) -> BinaryIO:
    """Open a file for reading; seeking works, and reading on is buffered.

    Raises:
        OSError: as open does; for a URL, with the store's message.
        MissingDependency: the package for the scheme is not installed.
        InputError: there is no such scheme.
    """
    if not is_remote(path):
        return open(cast("str", path), "rb")
    try:
        file = _file_system(str(path)).open(str(path), "rb", block_size=_READ_BYTES, cache_type="readahead")
    except (OSError, MieError):
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
    with _raising(str(path), InputError):
        return int(_file_system(str(path)).size(str(path)))


def sha256_of(path: str | os.PathLike[str] | RemoteFile) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal; reads it in constant memory."""
    with open_file(path) as file:
        return hashlib.file_digest(cast("Any", file), "sha256").hexdigest()


def find_files(pattern: str) -> list[RemoteFile]:
    """Return the files that a URL names, or a glob matches, sorted.

    Raises:
        InputError: the store does not answer.
    """
    with _raising(pattern, InputError):
        files = _file_system(pattern)
        found = files.glob(pattern) if any(mark in pattern for mark in "*?[") else [pattern]
        return [RemoteFile(url) for url in sorted(map(files.unstrip_protocol, found)) if files.isfile(url)]


class Store:
    """A folder by URL; a small value that can be sent to workers. Names of files are relative to it, with slashes.

    Args:
        url: of the folder.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._is_object_store = url.partition("://")[0] in _OBJECT_STORES

    def __reduce__(self) -> tuple[type[Store], tuple[str]]:
        return Store, (self.url,)

    def names(self, prefix: str = "") -> dict[str, int]:
        """List the files below a prefix (a folder): name -> size in bytes.

        Raises:
            StoreError: the store does not answer.
        """
        files = _file_system(self.url)
        base = files._strip_protocol(self.url).rstrip("/") + "/"
        with _raising(self.url, StoreError):
            files.invalidate_cache()
            try:
                found = files.find(self._at(prefix), detail=True)
            except FileNotFoundError:
                return {}
        return {name.removeprefix(base): int(info["size"]) for name, info in sorted(found.items())}

    def read(self, name: str) -> bytes | None:
        """Read a small file; None if it is not there."""
        with _raising(self._at(name), StoreError):
            try:
                return bytes(_file_system(self.url).cat_file(self._at(name)))
            except FileNotFoundError:
                return None

    def write(self, name: str, data: bytes) -> None:
        """Write a small file over what is there."""
        self._put(name, lambda files, url: files.pipe_file(url, data))

    def create(self, name: str, data: bytes) -> bool:
        """Write a small file if there is none of that name.

        Returns:
            True if it was written; False if there was one.
        """
        with _raising(self._at(name), StoreError):
            try:
                _file_system(self.url).pipe_file(self._at(name), data, mode="create")
            except FileExistsError:
                return False
            except NotImplementedError:  # a store that cannot create atomically: two callers at once may both write
                if self.read(name) is not None:
                    return False
                self.write(name, data)
        return True

    def send(self, local: Path, name: str) -> None:
        """Send a file of this machine, and check that all its bytes have arrived.

        Raises:
            StoreError: it did not arrive.
        """
        self._put(name, lambda files, url: files.put_file(str(local), url))
        with _raising(self._at(name), StoreError):
            _file_system(self.url).invalidate_cache()
            arrived = int(_file_system(self.url).size(self._at(name)))
        if arrived != local.stat().st_size:
            raise StoreError(
                f"{arrived} of {local.stat().st_size} bytes arrived", path=self._at(name), remedy=_TRY_AGAIN
            )

    def fetch(self, name: str, local: Path) -> Path:
        """Fetch a file to this machine; it gets its name when it is whole.

        Args:
            name: of the file.
            local: path that it gets; folders are made.

        Returns:
            local

        Raises:
            StoreError: it is not there, or does not arrive.
        """
        local.parent.mkdir(parents=True, exist_ok=True)
        temporary = local.with_name(f".{local.name}.{os.getpid()}.tmp")
        try:
            with _raising(self._at(name), StoreError):
                _file_system(self.url).get_file(self._at(name), str(temporary))
            temporary.replace(local)
        finally:
            temporary.unlink(missing_ok=True)
        return local

    def remove(self, names: list[str]) -> None:
        """Remove files; one that is not there is no error."""
        files = _file_system(self.url)
        with _raising(self.url, StoreError):
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    files.rm_file(self._at(name))

    def _put(self, name: str, put: Callable[[Any, str], None]) -> None:
        """Write a file in one step, or under another name and rename it, so that nobody sees half of it."""
        files, url = _file_system(self.url), self._at(name)
        with _raising(url, StoreError):
            if self._is_object_store:
                put(files, url)
                return
            files.makedirs(posixpath.dirname(url), exist_ok=True)
            temporary = f"{posixpath.dirname(url)}/.{posixpath.basename(url)}.{os.getpid()}.tmp"
            put(files, temporary)
            files.mv(temporary, url)

    def _at(self, name: str) -> str:
        return f"{self.url}/{name}" if name else self.url


@contextlib.contextmanager
def _raising(path: str, kind: type[StoreError] | type[InputError]) -> Iterator[None]:
    """Turn the exceptions of a store, which have no class in common, into one of ours.

    Args:
        path: for the message.
        kind: class of the error that is raised.
    """
    try:
        yield
    except (MissingDependency, StoreError, InputError):
        raise
    except Exception as error:
        text = str(error) or type(error).__name__
        raise kind(f"the store does not do it ({text})", path=path, remedy=_TRY_AGAIN) from error


def _file_system(url: str) -> Any:
    """Return fsspec's file system of a URL; fsspec keeps one for each process.

    Raises:
        MissingDependency: the package for it is not installed.
        InputError: there is no such scheme.
    """
    import fsspec

    scheme = url.partition("://")[0]
    if scheme not in STORES:
        known = ", ".join(f"{name}://" for name in STORES[:-1])
        raise InputError(f"{scheme}:// is not read", path=url, remedy=f"give a path, or one of {known}")
    try:
        return fsspec.filesystem(scheme)
    except ImportError as error:
        package = _EXTRAS.get(scheme, f"what fsspec asks for ({error})")
        raise MissingDependency(
            f"{scheme}:// needs a package that is not installed: {package}",
            remedy=f"pip install {package}" if scheme in _EXTRAS else "install it, or use another kind of path",
        ) from error
