"""How a command ends: the message on stderr and the exit code of an error."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable

from schemas.errors import EXIT_INTERRUPT, MieError, StoreError

__all__ = ["exit_on_error"]

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The disk is full, the user's quota is used up, or the file is as large as the file system allows."""


def exit_on_error(run: Callable[[], object]) -> None:
    """Run a command, and end the process with one line on stderr and an exit code if it fails.

    This is for our errors, a full disk and an interrupt. Any other exception is a bug, and keeps its traceback.

    Args:
        run: the command without arguments, for instance a typer application.

    Raises:
        SystemExit: with the error's exit code (`schemas.errors`), or 130 after an interrupt.
    """
    try:
        run()
    except MieError as error:
        print(f"error: {_on_one_line(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        full = StoreError(
            f"cannot be written ({error.strerror})", path=error.filename, remedy="make room and give the command again"
        )
        print(f"error: {_on_one_line(str(full))}", file=sys.stderr)
        sys.exit(full.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPT)


def _on_one_line(text: str) -> str:
    r"""Replace characters that control a terminal: the name of a file or page may hold them.

    >>> _on_one_line("a\x1b[31m\nb")
    'a?[31m?b'
    """
    return "".join(char if char.isprintable() else "?" for char in text)
