"""The installed commands' main functions, run in this process: it saves the import of torch each time."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

__all__ = ["mie_index", "mie_train"]


def mie_train(*arguments: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `mie-train`, and show what it said where it ended otherwise than wanted."""
    from trainer.cli import main

    return _run(main, "mie-train", arguments, cwd, code)


def mie_index(*arguments: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `mie-index` likewise."""
    from indexer.cli import main

    return _run(main, "mie-index", arguments, cwd, code)


def _run(
    main: Callable[[], None], name: str, arguments: tuple[object, ...], cwd: Path, code: int
) -> subprocess.CompletedProcess[str]:
    words = [name, *map(str, arguments)]
    out, err, ended = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        patch.chdir(cwd)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as error:
                ended = int(error.code or 0)
    assert ended == code, err.getvalue()
    return subprocess.CompletedProcess(words, ended, out.getvalue(), err.getvalue())
