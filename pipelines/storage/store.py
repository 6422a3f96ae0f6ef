"""A folder by URL: list, read, write, send, fetch and remove its files.

On an object store, a file that is sent appears whole or not at all; elsewhere (hdfs://) it is sent under another name
and renamed. Object stores have no folders, only names with slashes.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.storage.file_system import TRY_AGAIN, file_system, store_errors_as
from schemas.errors import StoreError

__all__ = ["Store"]

_OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "memory")


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
        files = file_system(self.url)
        base = files._strip_protocol(self.url).rstrip("/") + "/"
        with store_errors_as(self.url, StoreError):
            files.invalidate_cache()  # fsspec remembers listings, and other machines write meanwhile
            try:
                found = files.find(self._at(prefix), detail=True)
            except FileNotFoundError:
                return {}
        return {name.removeprefix(base): int(info["size"]) for name, info in sorted(found.items())}

    def read(self, name: str) -> bytes | None:
        """Read a small file; None if it is not there."""
        with store_errors_as(self._at(name), StoreError):
            try:
                return bytes(file_system(self.url).cat_file(self._at(name)))
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
        with store_errors_as(self._at(name), StoreError):
            try:
                file_system(self.url).pipe_file(self._at(name), data, mode="create")
            except FileExistsError:
                return False
            except NotImplementedError:
                # fsspec raises it for stores without an exclusive create: there, two callers at once may both write.
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
        with store_errors_as(self._at(name), StoreError):
            file_system(self.url).invalidate_cache()  # else the size may be that of a file that was there before
            arrived = int(file_system(self.url).size(self._at(name)))
        if arrived != local.stat().st_size:
            raise StoreError(
                f"{arrived} of {local.stat().st_size} bytes arrived", path=self._at(name), remedy=TRY_AGAIN
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
        # With the process id, because two workers of a machine may fetch the same file at once
        temporary = local.with_name(f".{local.name}.{os.getpid()}.tmp")
        try:
            with store_errors_as(self._at(name), StoreError):
                file_system(self.url).get_file(self._at(name), str(temporary))
            temporary.replace(local)
        finally:
            temporary.unlink(missing_ok=True)
        return local

    def remove(self, names: list[str]) -> None:
        """Remove files; one that is not there is no error."""
        files = file_system(self.url)
        with store_errors_as(self.url, StoreError):
            for name in names:
                with contextlib.suppress(FileNotFoundError):
                    files.rm_file(self._at(name))

    def _put(self, name: str, put: Callable[[Any, str], None]) -> None:
        """Write a file in one step, or under another name and rename it, so that nobody sees half of it."""
        files, url = file_system(self.url), self._at(name)
        with store_errors_as(url, StoreError):
            if self._is_object_store:
                put(files, url)
                return
            files.makedirs(posixpath.dirname(url), exist_ok=True)
            temporary = f"{posixpath.dirname(url)}/.{posixpath.basename(url)}.{os.getpid()}.tmp"
            put(files, temporary)
            files.mv(temporary, url)

    def _at(self, name: str) -> str:
        return f"{self.url}/{name}" if name else self.url
