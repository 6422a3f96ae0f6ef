"""The clock of pages: what is read while it is written is a time and a place that were told."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from pipelines.sandbox.clock import PageClock

WRITER = """
import sys
from pipelines.sandbox.clock import PageClock
clock = PageClock(int(sys.argv[1]))
print(flush=True)
while True:
    clock.begin(7)
"""


def test_a_time_that_is_read_while_it_is_written_is_never_torn() -> None:
    """A time of 0 would be a page that is over its time: a picture in five thousand was once lost so."""
    with tempfile.TemporaryFile() as file:
        file.write(PageClock.allot())
        file.flush()
        clock, begun = PageClock(file.fileno()), time.monotonic()
        clock.begin(7)
        command = [sys.executable, "-c", WRITER, str(file.fileno())]
        with subprocess.Popen(command, pass_fds=[file.fileno()], stdout=subprocess.PIPE) as writer:
            try:
                assert writer.stdout is not None
                writer.stdout.read(1)
                read = [clock.read() for _ in range(50_000)]
            finally:
                writer.kill()
        clock.close()
    assert {place for _, place in read} == {7}
    assert begun <= min(since for since, _ in read) <= max(since for since, _ in read) <= time.monotonic()
    assert len({since for since, _ in read}) > 1, "the writer wrote meanwhile"
