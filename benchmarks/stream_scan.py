"""Find the streams of a multistream dump by scanning: MB a second, beside reading the file and doing nothing else."""

from __future__ import annotations

import argparse
import bz2
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.repeated_dump import find_slice, read_export, repeated
from pipelines.dump import scan_bz2

PAGES_PER_STREAM = 100


def write_streams(path: Path, dump: Path, size_bytes: int) -> list[int]:
    """Write real streams again and again until the file is large enough.

    Returns:
        The offset of each stream.
    """
    _, pages = read_export(dump)
    copies = list(repeated(pages, 4))
    streams = [
        bz2.compress(b"".join(copies[at : at + PAGES_PER_STREAM])) for at in range(0, len(copies), PAGES_PER_STREAM)
    ]
    offsets = []
    with open(path, "wb") as file:
        while file.tell() < size_bytes:
            for stream in streams:
                offsets.append(file.tell())
                file.write(stream)
    return offsets


def read_all(path: Path) -> int:
    with open(path, "rb") as file:
        return sum(len(chunk) for chunk in iter(lambda: file.read(8 * 2**20), b""))


def measure(run: Callable[[Path], object], path: Path, repeats: int) -> tuple[float, float]:
    """Return the medians of wall and processor seconds of a run."""
    walls, processor = [], []
    for _ in range(repeats):
        wall, used = time.perf_counter(), time.process_time()
        run(path)
        walls.append(time.perf_counter() - wall)
        processor.append(time.process_time() - used)
    return statistics.median(walls), statistics.median(processor)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dump", type=Path, help="a .xml.bz2 file; default: the slice that gensim carries")
    options.add_argument("--megabytes", type=int, default=500, help="size of the file that is scanned (default: 500)")
    options.add_argument("--repeats", type=int, default=5, help="runs of which the median counts (default: 5)")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dump.xml.bz2"
        expected = write_streams(path, arguments.dump or find_slice(), arguments.megabytes * 10**6)
        if scan_bz2(path) != expected:
            raise SystemExit("the scan does not find the streams that were written")
        size = path.stat().st_size / 1e6
        print(f"{size:.0f} MB, {len(expected)} streams, all found; medians of {arguments.repeats}; in the page cache\n")
        print(f"{'':<12} {'wall s':>8} {'MB/s':>8} {'processor s':>12} {'MB/s':>8}")
        for name, run in (("read alone", read_all), ("scan", scan_bz2)):
            wall, used = measure(run, path, arguments.repeats)
            print(f"{name:<12} {wall:>8.2f} {size / wall:>8.0f} {used:>12.2f} {size / used:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
