"""Our errors on their way from a worker to the driver. Runners carry exceptions as text, so the error is put into it.

    worker                                      runner               driver
    InputError(message, path, ...)
      -> RuntimeError("mie-error {JSON} ...")   copies the text,  -> carried_error(text)
                                                adds its own           -> InputError(message, path, ...)

Beam rebuilds an exception with a longer message and drops its other attributes; a worker process sends a traceback
alone. So the class and the fields of our error have to stand in the text, between marks that survive both.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
from collections.abc import Iterator
from os import PathLike

from schemas import errors
from schemas.errors import MieError, StoreError

__all__ = ["carried_error", "carry_errors", "full_disk"]

_CARRIED = re.compile(r"mie-error (\{.*?\}) end of mie-error")


@contextlib.contextmanager
def carry_errors(output: str | PathLike[str] | None = None) -> Iterator[None]:
    """Turn our errors (and a full disk) into an exception whose text holds all of them.

    Args:
        output: the folder that is written to, for the message about its full disk.

    Raises:
        RuntimeError: in place of one of our errors.
    """
    try:
        yield
    except MieError as error:
        raise RuntimeError(_to_text(error)) from error
    except OSError as error:
        full = full_disk(error, output)
        if full is None:
            raise
        raise RuntimeError(_to_text(full)) from error


def full_disk(error: OSError, path: str | PathLike[str] | None = None) -> StoreError | None:
    """Return our error for a disk that is full; None for another error."""
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    is_full = is_full or "No space left on device" in str(error)  # Arrow's errors have no errno
    if not is_full:
        return None
    return StoreError(
        "no space left on the disk of the output",
        path=path or error.filename,
        remedy="free space and run the same command again: it goes on where it stopped",
    )


def _to_text(error: MieError) -> str:
    """Write an error as one line.

    >>> carried_error(_to_text(errors.InputError("ends early", path="a.bz2", remedy="fetch it again")))
    InputError('ends early')
    """
    parts = [type(error).__name__, error.message, error.path, error.place, error.remedy]
    values = dict(zip(("kind", "message", "path", "place", "remedy"), parts, strict=True))
    return f"mie-error {json.dumps(values)} end of mie-error"


def carried_error(text: str) -> MieError | None:
    """Find one of our errors in the text of a runner's exception; None if there is none.

    >>> carried_error("Traceback (most recent call last): ...")
    """
    match = _CARRIED.search(text)
    if match is None:
        return None
    values = json.loads(match.group(1))
    kind = values.pop("kind")
    if kind not in errors.__all__ or kind.startswith("EXIT"):  # only a class of ours is made from a text
        return None
    error: MieError = getattr(errors, kind)(values.pop("message"), **values)
    return error
