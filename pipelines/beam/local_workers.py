"""The worker processes of a job on this machine: how Beam starts them, and what happens when one is killed."""

from __future__ import annotations

import pipelines.beam.quiet_import  # noqa: F401  # isort: skip

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
from pipelines.beam.worker_spawner import WorkerSpawner
from schemas.errors import MieError

__all__ = ["LocalWorkers"]

_URN = "mie:environment:forked_worker:v1"
_END_S = 2.0
"""Time for a worker to end after Beam has stopped it; Beam itself would wait without limit."""
_names = itertools.count()


class LocalWorkers:
    """Starts worker processes for Beam in milliseconds each, and ends them with the job.

    They are forked from one process (`worker_process`), which starts with the first stage that needs several workers.

    Args:
        log: file for what the workers print.
    """

    # Beam copies an environment as bytes, so that the handler below finds this object by its name
    _by_name: dict[str, LocalWorkers] = {}  # noqa: RUF012

    def __init__(self, log: Path) -> None:
        self._log = log
        self._name = str(next(_names))
        self._spawner = WorkerSpawner()
        self._sockets: set[socket.socket] = set()  # one for each worker that runs
        self._has_lost_worker = False

    def __enter__(self) -> LocalWorkers:
        self._by_name[self._name] = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._by_name[self._name]
        self._end_all()
        self._spawner.close()

    def environment(self) -> Environment:
        """Describe to Beam where its workers come from."""
        return _ForkedEnvironment(self._name)

    @contextlib.contextmanager
    def raising_if_lost(self) -> Iterator[None]:
        """Stop the block when a worker is killed: the FnApiRunner would wait for it for ever.

        Beam's runner waits in the main thread, in a lock without a time-out. Another thread can only get it out of
        there by a signal to this process: Python runs the handler in the main thread, and the handler raises
        KeyboardInterrupt out of the lock. So a lost worker becomes an interrupt of our own:

            main thread                         thread of the lost worker (`_watch`)
            runs the pipeline, waits            its socket closes without DONE
                                                _has_lost_worker = True
            KeyboardInterrupt  <-- SIGINT ----  os.kill(this process, SIGINT)
            raises MieError, because _has_lost_worker tells it from the user's Ctrl-C

        (`_thread.interrupt_main` sends no real signal, and so does not wake a thread that waits in a lock.)

        Raises:
            MieError: a worker process died.
        """
        self._has_lost_worker = False
        before, threading.excepthook = threading.excepthook, self._log_failure
        # A job in the background of a script ignores interrupts, and so would ignore ours
        ignores_interrupts = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        if ignores_interrupts:
            signal.signal(signal.SIGINT, self._interrupt_if_lost)
        try:
            yield
        except KeyboardInterrupt:
            if not self._has_lost_worker:
                raise
            raise MieError(
                "a worker process was ended from outside (by the system, for want of memory?)",
                path=self._log,
                remedy="run the same command again, with fewer --workers: it goes on where it stopped",
            ) from None
        finally:
            threading.excepthook = before
            if ignores_interrupts:
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _interrupt_if_lost(self, number: int, frame: FrameType | None) -> None:
        """Handle an interrupt where interrupts are ignored: let only our own through."""
        if self._has_lost_worker:
            signal.default_int_handler(number, frame)

    def _log_failure(self, failure: threading.ExceptHookArgs) -> None:
        """Write into the log that a thread of Beam's failed: those that talk to a killed worker do."""
        with open(self._log, "a", encoding="utf-8") as log:
            traceback.print_exception(failure.exc_type, failure.exc_value, failure.exc_traceback, file=log)

    def start(self, environ: dict[str, str]) -> threading.Thread:
        """Start a worker.

        Args:
            environ: environment variables by which Beam's worker finds its runner.

        Returns:
            A thread that ends when the worker does.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            self._spawner.fork(theirs)
        ours.sendall(json.dumps({"environ": environ, "log": str(self._log)}).encode() + b"\n")
        self._sockets.add(ours)
        watcher = threading.Thread(target=self._watch, args=(ours,), daemon=True)
        watcher.start()
        return watcher

    def _watch(self, worker: socket.socket) -> None:
        """Wait until a worker ends; if it was killed, end the others and the stage."""
        with contextlib.suppress(OSError):
            if worker.recv(1) == DONE:
                self._sockets.discard(worker)
                worker.close()
        # Not in the set: it ended well, or we ended it ourselves
        if worker in self._sockets and not self._has_lost_worker:
            self._has_lost_worker = True
            self._end_all()  # the runner would wait for them to finish their shards
            os.kill(os.getpid(), signal.SIGINT)

    def _end_all(self) -> None:
        """End the workers that still run, at once."""
        sockets = list(self._sockets)
        self._sockets.clear()
        for worker in sockets:
            with contextlib.suppress(OSError):
                worker.shutdown(socket.SHUT_RDWR)  # close alone would not wake the thread that reads from it
            worker.close()

    def end_after(self, watcher: threading.Thread) -> None:
        """Wait for a worker that Beam has stopped; after a while end all that run."""
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
        self._workers = LocalWorkers._by_name[name.decode()]
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
