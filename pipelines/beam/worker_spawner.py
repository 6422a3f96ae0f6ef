"""The driver's side of the process that workers are forked from: start it, ask it for workers, end it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from types import TracebackType

__all__ = ["WorkerSpawner"]


class WorkerSpawner:
    """A process that imports the job once and forks workers (`worker_process`). It starts with the first worker."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the process, without waiting for it; start it again if it was killed."""
        if self._process is not None and self._process.poll() is None:
            return
        if self._control is not None:
            self._control.close()
        self._control, theirs = socket.socketpair()
        command = [sys.executable, "-m", "pipelines.beam.worker_process", str(theirs.fileno())]
        environ = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # this process has nothing to say; its workers write into the job's log
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=environ,
            )

    def fork(self, driver: socket.socket) -> None:
        """Have a worker forked.

        Args:
            driver: the worker's end of a pair of sockets; the caller may close it afterwards.
        """
        self.start()
        assert self._control is not None
        socket.send_fds(self._control, [b"w"], [driver.fileno()])

    def close(self) -> None:
        """End the process. Workers end when the driver closes their sockets."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> WorkerSpawner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
