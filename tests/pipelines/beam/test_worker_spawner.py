"""The process that workers are forked from: started once, started again if it is killed, gone with the job."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.beam import Nursery

pytestmark = pytest.mark.integration


def process_of(nursery: Nursery) -> subprocess.Popen[bytes]:
    assert nursery._process is not None
    return nursery._process


def count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_it_is_started_once_and_ended_with_the_block() -> None:
    with Nursery() as nursery:
        nursery.start()
        process = process_of(nursery)
        nursery.start()
        assert process_of(nursery) is process and process.poll() is None
    assert process.poll() == -signal.SIGKILL
    nursery.close()


def test_one_that_was_killed_is_started_again_and_forks_workers() -> None:
    with Nursery() as nursery:
        nursery.start()
        first = process_of(nursery)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                nursery.fork(theirs)
            assert process_of(nursery).pid != first.pid
            ours.sendall(b"no environment\n")
            ours.settimeout(60)
            assert ours.recv(1) == b""  # a worker read that, could not use it, and ended


def test_a_build_that_needs_no_workers_starts_none() -> None:
    with Nursery() as nursery:
        pass
    assert nursery._process is None


def test_the_drivers_side_imports_nothing_heavy() -> None:
    script = (
        "import sys, pipelines.beam.worker_spawner; "
        "sys.exit(bool({'apache_beam', 'numpy', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")
def test_nothing_stays_open() -> None:
    before = count_descriptors()
    with Nursery() as nursery:
        nursery.start()
    assert count_descriptors() == before
