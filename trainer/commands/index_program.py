"""The program `mie-index`, run by the trainer, which opens no index and decodes no picture itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import which

from schemas.errors import InputError, MieError, MissingDependency, StoreError, UsageError

__all__ = ["run_index_program"]

_ERRORS: dict[int, type[MieError]] = {
    kind.exit_code: kind for kind in (UsageError, InputError, StoreError, MissingDependency)
}
"""Exit code of `mie-index` -> the error that ends this command with the same code."""


def run_index_program(arguments: Sequence[str], what: str) -> None:
    """Run `mie-index` in a process of its own; its errors become ours.

    Args:
        arguments: its command and options.
        what: the subject of an error, as in "retrieval failed".

    Raises:
        MieError: of the kind that the exit code names.
    """
    # beside the Python that runs first: another environment's program on the PATH may be of another version
    program = Path(sys.executable).with_name("mie-index")
    command = str(program) if program.exists() else which("mie-index")
    if command is None:
        raise MissingDependency("the program mie-index is not installed", remedy="pip install mie-context")
    done = subprocess.run(  # noqa: S603
        [command, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        last_line = (done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1]
        kind = _ERRORS.get(done.returncode, InputError)
        raise kind(f"{what} failed: {last_line.removeprefix('error: ')}")
