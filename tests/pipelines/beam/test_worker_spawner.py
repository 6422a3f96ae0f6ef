"""The process that workers are forked from starts once, starts again if it is killed, and ends with the job."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.beam.worker_spawner import WorkerSpawner

pytestmark = pytest.mark.integration


def process_of(spawner: WorkerSpawner) -> subprocess.Popen[bytes]:
    assert spawner._process is not None
    return spawner._process


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_it_is_started_once_and_ended_with_the_block() -> None:
    with WorkerSpawner() as spawner:
        spawner.start()
        process = process_of(spawner)
        spawner.start()
        assert process_of(spawner) is process and process.poll() is None
    assert process.poll() == -signal.SIGKILL
    spawner.close()


def test_one_that_was_killed_is_started_again_and_forks_workers() -> None:
    with WorkerSpawner() as spawner:
        spawner.start()
        first = process_of(spawner)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                spawner.fork(theirs)
            assert process_of(spawner).pid != first.pid
            ours.sendall(b"no environment\n")
            ours.settimeout(60)
            assert ours.recv(1) == b""  # a worker read that, could not use it, and ended


def test_a_build_that_needs_no_workers_starts_none() -> None:
    with WorkerSpawner() as spawner:
        pass
    assert spawner._process is None


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")
def test_nothing_stays_open() -> None:
    before = count_descriptors()
    with WorkerSpawner() as spawner:
        spawner.start()
    assert count_descriptors() == before
