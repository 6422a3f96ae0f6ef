"""The whole job at size: a large dump, its build, queries, a cold start, the check of all files, and an update.

One command does it all, stage by stage; what is finished is not done again (delete FOLDER/stages/NAME.json to repeat
a stage). It prints the page, and with --write puts it into benchmarks/results and computes docs/scale.md from it.

    python -m benchmarks.at_size --work FOLDER [--megabytes 10000] [--tweets FILE] [--write]

Disk: for each GB of XML 0.6 GB of dumps, 0.7 GB of index, and as much again while the update is built; the page says
how much it was. The dump is made of the real articles that gensim carries: see benchmarks/grown_dump.py.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.at_size_page import PAGE, RESULT, to_page
from benchmarks.cold_start import QUERY, ask
from benchmarks.grown_dump import write_both
from benchmarks.million_sentences import read_tweets
from benchmarks.repeated_dump import find_slice
from benchmarks.twitter2015 import SHARED
from benchmarks.watched import Watched, watch
from pipelines.storage import WorkFolder
from schemas.manifest import write_json_atomically

QUERIES, ROUNDS, COLD_RUNS = 1000, 3, 5
EARLIER, NEWER = "earlier.xml.bz2", "newer.xml.bz2"


def main() -> int:
    """Do what is missing, and print the page."""
    arguments = parse_arguments()
    work, index = arguments.work, arguments.work / "index"
    (work / "stages").mkdir(parents=True, exist_ok=True)
    found = {
        "dump": stage(work, "dump", lambda: write_both(work, arguments.megabytes, arguments.dump or find_slice())),
        "build": stage(work, "build", lambda: build(work, EARLIER, index)),
        "queries": stage(work, "queries", lambda: in_a_process(measure_queries, index, arguments.tweets)),
        "cold start": stage(work, "cold start", lambda: measure_cold_start(index)),
        "verify": stage(work, "verify", lambda: verify(work, index)),
        "update": stage(work, "update", lambda: update(work, index)),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "workers": os.cpu_count(),
    }
    print(to_page(found))
    if arguments.write:
        from benchmarks.scale import write_page

        write_json_atomically(RESULT, found)
        PAGE.write_text(to_page(found) + "\n", encoding="utf-8")
        write_page()
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep dumps and indexes in")
    parser.add_argument("--megabytes", type=float, default=10_000, help="of XML")
    parser.add_argument("--dump", type=Path, help="real articles, .xml.bz2; default: the slice that gensim carries")
    parser.add_argument(
        "--tweets", type=Path, default=SHARED / "twitter2015" / "test.txt", help="queries: a CoNLL file of tweets"
    )
    parser.add_argument("--write", action="store_true", help="write result file, page and docs/scale.md")
    return parser.parse_args()


def stage(work: Path, name: str, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Run a stage that is not finished, and return what it found."""
    path = work / "stages" / f"{name.replace(' ', '-')}.json"
    if not path.exists():
        started = time.monotonic()
        load = os.getloadavg()[0]
        print(f"{name} ...", file=sys.stderr, flush=True)
        found = run()
        found |= {"wall_s": round(time.monotonic() - started, 1), "load before": round(load, 1)}
        write_json_atomically(path, json.loads(json.dumps(found)))
        print(f"{name}: done in {found['wall_s']:,.0f} s", file=sys.stderr, flush=True)
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return result


def program(name: str) -> str:
    """Return the path of an installed command."""
    return str(Path(sys.executable).with_name(name))


def _checked(done: Watched, log: Path) -> dict[str, Any]:
    if done.code:
        raise SystemExit(f"the command ended with {done.code}: see {log}")
    return done.to_json()


def build(work: Path, dump: str, output: Path, *more: str) -> dict[str, Any]:
    """Build an index of a dump from the beginning, with a worker for each core."""
    shutil.rmtree(output, ignore_errors=True)
    unfinished, most, disk = WorkFolder(output / ".work"), 0, 0

    def read_bytes() -> float:
        nonlocal most, disk
        beats = unfinished.beats("parse").values()
        most = max(most, sum(beat.get("stream_bytes", 0) for beat in beats))
        disk = max(disk, size_of(output))
        return most

    command = [
        program("beam"),
        "run",
        "build_wiki_index",
        "--dump",
        str(work / dump),
        "--output",
        str(output),
        "--json",
    ]
    done = watch([*command, *more], work / f"{output.name}.log", read_bytes)
    found = _checked(done, work / f"{output.name}.log")
    summary = json.loads(done.out)
    kept = ("pages_read", "counts", "seconds")
    counters = {name: summary["counters"][name] for name in ("sentences", "paragraphs", "taken_over")}
    tables = sum(size_of(path) for path in output.iterdir() if path.is_dir() and path.name not in ("bm25", "faiss"))
    return {
        **found,
        "summary": {name: summary[name] for name in kept} | counters,
        "table_bytes": tables,
        "bm25_bytes": size_of(output / "bm25"),
        "most_bytes": max(disk, size_of(output)),
    }


def size_of(folder: Path) -> int:
    """Return the bytes of the files in a folder; those that vanish meanwhile count as nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_size  # noqa: PTH116, PTH118 - asked once a second
            except OSError:
                continue
    return total


def in_a_process(function: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """Call a function in a process of its own, which gets a Java of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def measure_queries(index: Path, tweets: Path) -> dict[str, Any]:
    """Ask tweets one by one, three rounds of them; the last is measured."""
    import resource

    from indexer.search import SearchParams
    from indexer.text import PRESETS, Bm25Searcher, java_class
    from schemas.records import DEFAULT_K

    queries = read_tweets(tweets, QUERIES)
    searcher = Bm25Searcher(index / "bm25", PRESETS["more"])
    times: list[float] = []
    for _ in range(ROUNDS):
        times = []
        for query in queries:
            started = time.perf_counter()
            searcher.search([query], SearchParams(DEFAULT_K))
            times.append(1e3 * (time.perf_counter() - started))
    terms = java_class("org.apache.lucene.index.MultiTerms").getTerms(searcher._searcher.getIndexReader(), "contents")
    return {
        "queries": len(queries),
        "words": statistics.mean(len(query.split()) for query in queries),
        "sentences": searcher.documents,
        "terms": int(terms.size()) if terms is not None else -1,
        "p50_ms": statistics.median(times),
        "p95_ms": statistics.quantiles(times, n=20)[-1],
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def measure_cold_start(index: Path) -> dict[str, Any]:
    """Ask in new processes: once with the index out of the page cache, then as it is found there."""
    command = [program("mie-index"), "query", str(index), "--json", "--text", QUERY]
    ask(command)  # Python's own files come from the cache in both
    for path in index.rglob("*"):
        if path.is_file() and hasattr(os, "posix_fadvise"):
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    from_disk = ask(command)
    warm = [ask(command) for _ in range(COLD_RUNS)]
    return {
        "from_disk_s": from_disk[0],
        "median_s": statistics.median(run[0] for run in warm),
        "memory_mb": max(run[2] for run in warm),
    }


def verify(work: Path, index: Path) -> dict[str, Any]:
    """Check every file, row and id."""
    log = work / "verify.log"
    return _checked(watch([program("mie-index"), "verify", str(index), "--json"], log), log)


def update(work: Path, index: Path) -> dict[str, Any]:
    """Build the newer dump from the index of the earlier one; the new index is removed when it is measured."""
    output = work / "updated"
    found = build(work, NEWER, output, "--update-from", str(index))
    shutil.rmtree(output)
    return found


if __name__ == "__main__":
    sys.exit(main())
