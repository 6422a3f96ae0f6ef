"""The clock of items: what is read while it is written is a time and a position that were written together."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from pipelines.sandbox.clock import ItemClock

WRITER = """
import sys
from pipelines.sandbox.clock import ItemClock
clock = ItemClock(int(sys.argv[1]))
print(flush=True)
while True:
    clock.begin(7)
"""


def test_a_time_that_is_read_while_it_is_written_is_never_torn() -> None:
    """A time of 0 would be an item that is over its time: a picture in five thousand was once lost so."""
    with tempfile.TemporaryFile() as file:
        file.write(ItemClock.initial_bytes())
        file.flush()
        clock, begun = ItemClock(file.fileno()), time.monotonic()
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
    assert {position for _, position in read} == {7}
    assert begun <= min(began for began, _ in read) <= max(began for began, _ in read) <= time.monotonic()
    assert len({began for began, _ in read}) > 1, "the writer wrote meanwhile"
