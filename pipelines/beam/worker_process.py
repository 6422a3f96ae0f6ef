"""The nursery: a process that has imported the job once and forks a Beam worker whenever it is asked for one.

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

_NEEDED = ("apache_beam.runners.worker.sdk_worker_main", "pipelines.beam.transforms")
DONE = b"0"
"""What a worker says before it ends well; its line closes without it if it is killed."""


def serve(control: socket.socket) -> None:
    """Fork a worker for each descriptor that comes, until the other end closes.

    A worker's line brings its environment and the file for its talk as one line of JSON, and ends the worker at once
    when it closes: nothing outlives the job, however that ends.

    Args:
        control: brings one byte and one descriptor (the worker's line) for each worker.
    """
    for module in _NEEDED:
        import_module(module)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the job decides what an interrupt means
    signal.signal(signal.SIGCHLD, _reap)
    gc.collect()
    gc.freeze()  # pages that the collector never touches stay shared with the workers
    while True:
        asked, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not asked:
            return
        if os.fork() == 0:
            control.close()
            _work(socket.socket(fileno=descriptors[0]))
        os.close(descriptors[0])


def _reap(_signal: int, _frame: object) -> None:
    """Take note of the workers that have ended, so that their time is counted and none stays as a zombie."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _work(line: socket.socket) -> None:
    """Be a worker, and end."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        request = json.loads(line.makefile("rb").readline())
        log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(request["environ"])
        threading.Thread(target=_end_with, args=(line,), daemon=True).start()
        from apache_beam.runners.worker import sdk_worker_main

        sdk_worker_main.main([])
        line.sendall(DONE)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)  # nothing of the nursery may run a second time


def _end_with(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.recv(1)
    os._exit(1)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
