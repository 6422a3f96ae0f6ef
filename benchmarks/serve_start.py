"""From the start of `mie-index serve` to its first answer: wall and processor time, memory; limit 3 s for text."""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import quote_plus
from urllib.request import urlopen

__all__ = ["Server"]

RUNS = 5
LIMIT_S = 3.0
QUERY = "Rocky loves the snow"


class Server:
    """The installed command in a process of its own, from its start to its end.

    Args:
        index: folder.
        options: more words of the command.
    """

    def __init__(self, index: Path, options: list[str]) -> None:
        self.command = [str(Path(sys.executable).with_name("mie-index")), "serve", str(index), "--port", "0", *options]

    def __enter__(self) -> Server:
        self.log = tempfile.TemporaryFile("w+")
        self.began = time.perf_counter()
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip().rstrip("/")
        if not self.url.startswith("http://"):
            self.log.seek(0)
            raise SystemExit(f"{' '.join(self.command)} did not start: {self.log.read()}")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=30)
        self.log.close()

    def search(self, text: str) -> int:
        """Search by words and return the number of answers."""
        with urlopen(f"{self.url}/api/search?text={quote_plus(text)}") as response:
            return len(json.load(response)["answers"])

    def memory_mb(self) -> tuple[float, float]:
        """Return its memory in MB: with shared pages divided among the processes (PSS), and with all of them (RSS)."""
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()
        sizes = {name: int(rest.split()[0]) * 1024 / 1e6 for name, rest in (line.split(":") for line in lines[1:])}
        return sizes["Pss"], sizes["Rss"]

    def processor_s(self) -> float:
        """Return the processor seconds that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Start it RUNS times, ask each once, and print the medians; exit with 1 if the limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", nargs="?", type=Path, default=Path("demo/index"), help="folder; default demo/index")
    parser.add_argument("--text", default=QUERY)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("options", nargs="*", help="more options of mie-index serve, behind --")
    arguments = parser.parse_args()
    start(arguments)  # the first one reads the disk
    runs = [start(arguments) for _ in range(arguments.runs)]
    print(f"| median of {arguments.runs} | address printed | first answer | slowest | processor | PSS | RSS |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    ready, answer, processor, pss, rss = (statistics.median(column) for column in zip(*runs, strict=True))
    slowest = max(run[1] for run in runs)
    times = f"{ready:.2f} s | {answer:.2f} s | {slowest:.2f} s | {processor:.2f} s"
    print(f"| {arguments.text} | {times} | {pss:.0f} MB | {rss:.0f} MB |")
    return int(answer > LIMIT_S)


def start(arguments: argparse.Namespace) -> tuple[float, float, float, float, float]:
    """Start it once; return seconds to the address and to the first answer, processor seconds, and memory in MB."""
    with Server(arguments.index, arguments.options) as server:
        ready_s = time.perf_counter() - server.began
        if not server.search(arguments.text):
            raise SystemExit(f"no answer to {arguments.text!r}")
        answer_s = time.perf_counter() - server.began
        return ready_s, answer_s, server.processor_s(), *server.memory_mb()


if __name__ == "__main__":
    sys.exit(main())
