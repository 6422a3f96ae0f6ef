"""The worker processes of a job on this machine: how Beam starts them, and what happens when one is killed."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from apache_beam.portability.api import endpoints_pb2
from apache_beam.runners.portability.fn_api_runner.worker_handlers import GrpcWorkerHandler, WorkerHandler
from apache_beam.transforms.environments import Environment, python_sdk_capabilities
from google.protobuf import json_format, text_format

from pipelines.beam.worker_process import DONE
from pipelines.beam.worker_spawner import Nursery
from schemas.errors import MieError

__all__ = ["LocalWorkers"]

_URN = "mie:environment:forked_worker:v1"
_END_S = 2.0
_numbers = itertools.count()


class LocalWorkers:
    """Gives Beam worker processes that start in milliseconds, and ends them with the job.

    They are forked from one process, because a new interpreter needs more than a second of processor time to import
    Beam. That process starts with the first stage that wants several workers, if it does not run already.

    Args:
        log: file for what the workers print.
        nursery: that process, which is closed with this; None: one of its own.
    """

    _all: dict[str, LocalWorkers] = {}  # noqa: RUF012  # by name: Beam carries bytes only

    def __init__(self, log: Path, nursery: Nursery | None = None) -> None:
        self._log = log
        self._name = str(next(_numbers))
        self._nursery = nursery or Nursery()
        self._lines: set[socket.socket] = set()
        self._lost = False

    def __enter__(self) -> LocalWorkers:
        self._all[self._name] = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._all[self._name]
        self._end_all()
        self._nursery.close()

    def environment(self) -> Environment:
        """Describe to Beam where its workers come from."""
        return _ForkedEnvironment(self._name)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Stop the block when a worker is killed: the FnApiRunner would wait for it for ever.

        Raises:
            MieError: a worker process died.
        """
        self._lost = False
        before, threading.excepthook = threading.excepthook, self._log_failure
        is_deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # started in the background of a script
        if is_deaf:
            signal.signal(signal.SIGINT, self._interrupt_if_lost)
        try:
            yield
        except KeyboardInterrupt:
            if not self._lost:
                raise
            raise MieError(
                "a worker process was ended from outside (by the system, for want of memory?)",
                path=self._log,
                remedy="run the same command again, with fewer --workers: it goes on where it stopped",
            ) from None
        finally:
            threading.excepthook = before
            if is_deaf:
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _interrupt_if_lost(self, number: int, frame: FrameType | None) -> None:
        """Let our own signal through and go on ignoring the user's."""
        if self._lost:
            signal.default_int_handler(number, frame)

    def _log_failure(self, failure: threading.ExceptHookArgs) -> None:
        """Write down that a thread of Beam's failed, as those do that talk to a worker that is killed."""
        with open(self._log, "a", encoding="utf-8") as log:
            traceback.print_exception(failure.exc_type, failure.exc_value, failure.exc_traceback, file=log)

    def start(self, environ: dict[str, str]) -> threading.Thread:
        """Start a worker; the thread that is given ends with it."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._nursery.fork(theirs)
        ours.sendall(json.dumps({"environ": environ, "log": str(self._log)}).encode() + b"\n")
        self._lines.add(ours)
        watcher = threading.Thread(target=self._watch, args=(ours,), daemon=True)
        watcher.start()
        return watcher

    def _watch(self, line: socket.socket) -> None:
        """Wait until a worker ends; if it was killed, end the others and the stage."""
        with contextlib.suppress(OSError):
            if line.recv(1) == DONE:
                self._lines.discard(line)
                line.close()
        if line in self._lines and not self._lost:
            self._lost = True
            self._end_all()  # the runner would wait for them to end their shards
            os.kill(os.getpid(), signal.SIGINT)  # a real signal: the main thread waits in a lock

    def _end_all(self) -> None:
        """End the workers that still run, at once."""
        lines = list(self._lines)
        self._lines.clear()
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads it, too
            line.close()

    def end_after(self, watcher: threading.Thread) -> None:
        """Wait for a worker that has been told to end; after a while end it."""
        watcher.join(_END_S)
        if watcher.is_alive():
            self._end_all()


@Environment.register_urn(_URN, bytes)
class _ForkedEnvironment(Environment):  # type: ignore[misc]
    """Names a LocalWorkers of this process."""

    def __init__(self, name: str) -> None:
        super().__init__(python_sdk_capabilities(), ())
        self._name = name

    def to_runner_api_parameter(self, _context: object) -> tuple[str, bytes]:
        return _URN, self._name.encode()

    @staticmethod
    def from_runner_api_parameter(payload: bytes, *_: object) -> _ForkedEnvironment:
        return _ForkedEnvironment(payload.decode())


@WorkerHandler.register_environment(_URN, bytes)
class _ForkedWorker(GrpcWorkerHandler):  # type: ignore[misc]
    """Beam's side of one worker. Source: SubprocessSdkWorker of Beam 2.77, whose environment variables these are."""

    def __init__(self, name: bytes, state: Any, provision_info: Any, grpc_server: Any) -> None:
        super().__init__(state, provision_info, grpc_server)
        self._workers = LocalWorkers._all[name.decode()]
        self._watcher: threading.Thread | None = None

    def start_worker(self) -> None:
        control = endpoints_pb2.ApiServiceDescriptor(url=self.control_address)
        environ = {
            "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(control),
            "PIPELINE_OPTIONS": json_format.MessageToJson(self.provision_info.provision_info.pipeline_options),
            "WORKER_ID": self.worker_id,
        }
        self._watcher = self._workers.start(environ)

    def stop_worker(self) -> None:
        if self._watcher is not None:
            self._workers.end_after(self._watcher)
