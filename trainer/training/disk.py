"""A write that fails (a full disk) as an error of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from schemas.errors import StoreError

__all__ = ["writing"]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failed write (a full disk) into our error; what was there before is still there.

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
