"""The process that imports the job once and forks a Beam worker for each request: its side of the protocol.

    driver (LocalWorkers, WorkerSpawner)        this process               worker, a fork of it
    a pair of sockets for each worker
      == one byte and one of the pair =====>    fork  ----------------->   holds that socket
      == {"environ": ..., "log": ...} =================================>   sets itself up, works for Beam
      <= DONE ==========================================================   has ended well
      <= the socket closes =============================================   has ended otherwise, or was killed
      == the socket closes ============================================>   ends at once

Workers are forked because a new interpreter needs more than a second of processor time to import Beam, and a fork of
one that has imported it needs milliseconds. They are forked from a process that does nothing else, not from the driver:
the driver has threads (Beam's servers), and locks that other threads hold at a fork stay locked in the fork for ever.

python -m pipelines.beam.worker_process DESCRIPTOR
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import threading
from importlib import import_module

__all__ = ["DONE", "serve"]

_IMPORTED = (
    "pipelines.beam.quiet_import",
    "apache_beam.runners.worker.sdk_worker_main",
    "pipelines.beam.transforms",
)
DONE = b"0"
"""What a worker sends before it ends well. If it is killed, its socket closes without it."""


def serve(control: socket.socket) -> None:
    """Fork a worker for each descriptor that comes, until the other end closes.

    A worker ends at once when its socket closes, and the kernel closes it however the driver ends: no worker is left
    behind.

    Args:
        control: brings one byte and one descriptor (the worker's socket) for each worker.
    """
    for module in _IMPORTED:
        import_module(module)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver decides what an interrupt means
    signal.signal(signal.SIGCHLD, _reap)
    gc.collect()
    gc.freeze()  # the collector writes into the objects that it visits, and each page that is written is copied
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not request:
            return
        if os.fork() == 0:
            control.close()
            _work(socket.socket(fileno=descriptors[0]))
        os.close(descriptors[0])


def _reap(_signal: int, _frame: object) -> None:
    """Collect the workers that have ended, so that their processor time is counted and no zombie stays."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _work(driver: socket.socket) -> None:
    """Be a worker until Beam ends it, then end the process."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        request = json.loads(driver.makefile("rb").readline())
        log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(request["environ"])
        threading.Thread(target=_end_with, args=(driver,), daemon=True).start()
        from apache_beam.runners.worker import sdk_worker_main

        sdk_worker_main.main([])
        driver.sendall(DONE)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # sys.exit would run the exit handlers of the process that this is a fork of


def _end_with(driver: socket.socket) -> None:
    """End this process when the driver closes its end."""
    with contextlib.suppress(OSError):
        driver.recv(1)
    os._exit(1)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
