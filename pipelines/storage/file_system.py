"""The file systems behind URLs (s3://, gs://, hdfs://, memory://). The only file that imports fsspec."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from schemas.errors import InputError, MissingDependency, StoreError

__all__ = ["STORES", "TRY_AGAIN", "file_system", "store_errors_as"]

_PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs"}
STORES = ("s3", "s3a", "gs", "gcs", "hdfs", "memory")
"""Schemes of URLs that are read. Not http: a dump is downloaded once and whole, by the rules of its site."""

TRY_AGAIN = "try again; if it stays, check the address, the credentials and the permissions"


def file_system(url: str) -> Any:
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
        package = _PACKAGES.get(scheme, f"what fsspec asks for ({error})")
        raise MissingDependency(
            f"{scheme}:// needs a package that is not installed: {package}",
            remedy=f"pip install {package}" if scheme in _PACKAGES else "install it, or use another kind of path",
        ) from error


@contextlib.contextmanager
def store_errors_as(path: str, kind: type[StoreError] | type[InputError]) -> Iterator[None]:
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
        raise kind(f"the store does not do it ({text})", path=path, remedy=TRY_AGAIN) from error
