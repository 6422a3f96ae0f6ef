"""Parse rate: MB of XML a second on one core, from compressed bytes to records, beside peers in the same run.

With --against, beside another checkout of this project: each run is a process of its own, and the two take turns.
Processes find their modules as byte code, as those of an installed package do.
"""

from __future__ import annotations

import argparse
import bz2
import os
import pickle
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module, metadata
from pathlib import Path

from benchmarks.parse_peers import PEERS, Peer, articles
from benchmarks.repeated_dump import find_slice
from pipelines.dump import decompress, find_streams, read_pages
from pipelines.stages import parse_page
from pipelines.storage import ShardWriter
from pipelines.wikitext import CleaningRules, parse_article, split_article
from schemas.tables import TABLES

CHUNK_BYTES = 1 << 20
OURS = ("this package", "its whole stage")
RUN_ONE = """
import os, sys
from pathlib import Path
from benchmarks.parse_peers import PEERS
import pyarrow.parquet
def used():
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
started = used()
PEERS[sys.argv[1]].run(Path(sys.argv[2]))
print(used() - started)
"""
"""Reads the dump once with the tree in which it runs, and prints the processor seconds, without the imports."""


def processor_seconds() -> float:
    """Return the processor time of this process and of its children that have ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


@contextmanager
def byte_code() -> Iterator[None]:
    """Let processes that are started keep byte code in a folder for the time being, whatever the environment says."""
    kept = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(kept)


def measure(peers: dict[str, Peer], dump: Path, repeats: int, long_s: float) -> dict[str, list[float] | str]:
    """Run all peers in turns, so that the load of the machine falls on all of them alike.

    Args:
        peers: by name.
        dump: the file that each one reads.
        repeats: how many turns.
        long_s: a peer whose run takes longer takes no further turn.

    Returns:
        The processor seconds of each peer's runs, or why there are none.
    """
    found: dict[str, list[float] | str] = {name: [] for name in peers}
    for _ in range(repeats):
        for name, peer in peers.items():
            seconds = found[name]
            if isinstance(seconds, list) and max(seconds, default=0) <= long_s:
                try:
                    import_module(peer.module)
                    started = processor_seconds()
                    peer.run(dump)
                    seconds.append(processor_seconds() - started)
                except ImportError as error:
                    found[name] = f"not installed ({error.name or peer.package})"
                except Exception as error:
                    found[name] = f"failed ({type(error).__name__}: {error})"
    return found


def print_rates(dump: Path, size: int, peers: dict[str, Peer], repeats: int, long_s: float) -> None:
    """Print the medians; "its / ours" compares runs of the same turn, because the load changes from turn to turn."""
    print(f"{'':<30} {'version':<9} {'runs':>4} {'seconds':>8} {'MB/s':>6} {'its / ours':>10}  output")
    found = measure(peers, dump, repeats, long_s)
    first = next((seconds for seconds in found.values() if isinstance(seconds, list)), [])
    for name, seconds in found.items():
        if isinstance(seconds, str):
            print(f"{name:<30} skipped: {seconds}")
            continue
        version, median = metadata.version(peers[name].package), statistics.median(seconds)
        ratio = statistics.median(its / ours for its, ours in zip(seconds, first, strict=False))
        rate = f"{len(seconds):>4} {median:>8.2f} {size / median / 1e6:>6.2f} {ratio:>10.2f}"
        print(f"{name:<30} {version:<9} {rate}  {peers[name].output}")


def tree_seconds(tree: Path, name: str, dump: Path) -> float:
    """Run one of ours once, with the code of a checkout, and return its processor seconds."""
    paths = [str(tree), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", RUN_ONE, name, str(dump)]
    done = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def print_against(other: Path, dump: Path, size: int, repeats: int) -> None:
    """Print what this checkout and another one need: the best and the median run, and the other's time by ours."""
    trees = {"this": Path(__file__).resolve().parents[1], "other": other.resolve()}
    for tree in trees.values():
        tree_seconds(tree, OURS[1], dump)  # writes the byte code
    print(f"{'':<18} {'checkout':<9} {'runs':>4} {'best, s':>8} {'median, s':>9} {'MB/s':>6} {'other / this':>17}")
    for name in OURS:
        runs: dict[str, list[float]] = {which: [] for which in trees}
        for _ in range(repeats):
            for which, tree in trees.items():
                runs[which].append(tree_seconds(tree, name, dump))
        best = min(runs["other"]) / min(runs["this"])
        turns = statistics.median(its / ours for its, ours in zip(runs["other"], runs["this"], strict=True))
        for which, seconds in runs.items():
            median = statistics.median(seconds)
            ratio = f"{best:.2f} best, {turns:.2f}" if which == "other" else ""
            rate = f"{min(seconds):>8.2f} {median:>9.2f} {size / median / 1e6:>6.2f} {ratio:>17}"
            print(f"{name:<18} {which:<9} {len(seconds):>4} {rate}")


def step_seconds(dump: Path) -> dict[str, float]:
    """Measure the processor seconds of each step of the parse stage, one after the other in this process."""
    streams = find_streams(dump)
    pages = list(articles(dump))
    cleaned = [parse_article(page) for page in pages]
    rows = [parse_page(page, CleaningRules()) for page in pages]
    sent = [pickle.dumps(each, pickle.HIGHEST_PROTOCOL) for each in (*pages, *rows)]

    def write() -> None:
        schemas = {table: TABLES[table] for table in ("sentences", "paragraphs", "images")}
        with tempfile.TemporaryDirectory() as folder, ShardWriter(Path(folder), 0, schemas) as writer:
            for article in rows:
                for table in schemas:
                    if columns := getattr(article, table):
                        writer.add_columns(table, columns)

    steps: dict[str, Callable[[], object]] = {
        "decompress": lambda: [len(piece) for stream in streams for piece in decompress(stream)],
        "read pages": lambda: [item for stream in streams for item in read_pages(stream)],
        "clean": lambda: [parse_article(page) for page in pages],
        "cut": lambda: [split_article(article) for article in cleaned],
        "pass to the guard and back": lambda: sum(
            len(pickle.dumps(row, pickle.HIGHEST_PROTOCOL)) + (pickle.loads(data) is not None)
            for row, data in zip((*pages, *rows), sent, strict=True)
        ),
        "write Parquet": write,
    }
    seconds = {}
    for name, step in steps.items():
        started = time.process_time()
        step()
        seconds[name] = time.process_time() - started
    seconds["read pages"] -= seconds["decompress"]  # reading decompresses
    return seconds


def print_steps(dump: Path, size: int, repeats: int) -> None:
    runs = [step_seconds(dump) for _ in range(repeats)]
    medians = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    total = sum(medians.values())
    print(f"\n{'step':<30} {'seconds':>8} {'MB/s':>6} {'share':>6}")
    for name, seconds in medians.items():
        print(f"{name:<30} {seconds:>8.3f} {size / seconds / 1e6:>6.1f} {seconds / total:>6.0%}")
    print(f"{'sum':<30} {total:>8.3f} {size / total / 1e6:>6.2f}")


def xml_bytes(dump: Path) -> int:
    with bz2.open(dump) as file:
        return sum(len(chunk) for chunk in iter(lambda: file.read(CHUNK_BYTES), b""))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dump", type=Path, help="a .xml.bz2 file; default: the slice that gensim carries")
    options.add_argument("--repeats", type=int, default=5, help="runs of which the median counts (default: 5)")
    options.add_argument(
        "--long", type=float, default=20.0, metavar="SECONDS", help="a peer whose run takes more runs once"
    )
    options.add_argument("--only", nargs="*", choices=list(PEERS), help="leave the others out")
    options.add_argument("--steps", action="store_true", help="print also what each step of ours takes")
    options.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout: only the two are measured")
    args = options.parse_args()
    dump = args.dump or find_slice()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    size = xml_bytes(dump)
    with byte_code():
        if args.against:
            print_against(args.against, dump, size, args.repeats)
        else:
            print_peers(args, dump, size)
    return 0


def print_peers(args: argparse.Namespace, dump: Path, size: int) -> None:
    print(
        f"{dump.name}: {size / 1e6:.2f} MB of XML; one core, Python {platform.python_version()}, {platform.machine()}"
    )
    print(f"medians of up to {args.repeats} runs in turns, processor time of the process and its children;")
    print(f"a peer whose run takes more than {args.long:g} s runs once\n")
    print_rates(dump, size, {name: PEERS[name] for name in args.only or PEERS}, args.repeats, args.long)
    if args.steps:
        print_steps(dump, size, args.repeats)


if __name__ == "__main__":
    sys.exit(main())
