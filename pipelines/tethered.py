"""A process that runs a module and ends when its parent does, however the parent ends, or when a file appears.

python -m pipelines.tethered MODULE STOP_FILE
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

__all__ = ["run_tethered"]

_LOOK_S = 1.0


def run_tethered(module: str, stop: Path) -> None:
    """Run a module as __main__ while the process that started this one lives and there is no stop file.

    Beam's own worker processes stay for ever when the job's process is killed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    parent = os.getppid()
    threading.Thread(target=_end_with, args=(parent, stop), daemon=True).start()
    sys.argv = [module]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with(parent: int, stop: Path) -> None:
    while os.getppid() == parent and not stop.exists():
        time.sleep(_LOOK_S)
    os._exit(1)


if __name__ == "__main__":
    run_tethered(sys.argv[1], Path(sys.argv[2]))
