"""Samples and runs in the inspector: processor time of the first and of later pages, and memory, for 5,000 posts."""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

from benchmarks.serve_start import Server
from schemas.context_cache import CacheInfo, summarise, write_cache, write_rows
from schemas.dataset import input_digest, write_dataset
from schemas.records import Context, Query, Sample
from schemas.tables import CONTEXTS, QUERIES
from tests.support.run_folders import write_expert, write_predictions
from trainer.inputs import LabelSet

POSTS, TOKENS, CONTEXTS_EACH, CONTEXT_WORDS = 5000, 18, 10, 60
TYPES = ["PER", "LOC", "ORG", "OTHER"]
LATER = 20
WORDS = [f"word{number}" for number in range(20_000)]


def main() -> None:
    """Write a set, a cache and runs, serve them, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path, help="any index: the server does not start without one")
    parser.add_argument("--runs", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options_of_server = _write(Path(folder), options.runs)
        with Server(options.index, options_of_server) as server:
            time.sleep(5)
            _report(server, "at the start", 0.0)
            for name, path in (
                ("first list", "/samples"), ("later list", "/samples?kind=missed&change=worse"),
                ("first sample", "/samples/test/test-7"), ("later sample", "/samples/test/test-8?change=fixed"),
                ("first comparison", "/runs"), ("later comparison", "/runs"),
            ):  # fmt: skip
                times = [_processor_s(server, path) for _ in range(LATER if name.startswith("later") else 1)]
                _report(server, name, statistics.fmean(times))


def _processor_s(server: Server, path: str) -> float:
    before = server.processor_s()
    with urlopen(server.url + path) as response:
        response.read()
    return server.processor_s() - before


def _report(server: Server, name: str, seconds: float) -> None:
    print(f"{name:<18} {1000 * seconds:8.0f} ms of processor time   {server.memory_mb()[1]:6.0f} MB")


def _write(folder: Path, runs: int) -> list[str]:
    draw = random.Random(1)
    labels = LabelSet("ner", ("O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI")))
    samples = [
        Sample(f"test-{n}", tuple(draw.choices(WORDS, k=TOKENS)), None, tags=_tags(draw), split="test")
        for n in range(POSTS)
    ]
    write_dataset(folder / "set", {"test": samples}, name="drawn", task="ner", labels=TYPES, inputs=[], counters={})
    words = ["--samples", str(folder / "set"), "--contexts", str(_write_contexts(folder / "cache", samples, draw))]
    for number in range(runs):
        run = folder / f"run-{number}"
        write_expert(run, labels)
        predicted = [row.tags if draw.random() < 0.6 and row.tags else _tags(draw) for row in samples]
        write_predictions(run, labels, samples, predicted)
        words += ["--run", str(run)]
    return words


def _tags(draw: random.Random) -> tuple[str, ...]:
    tags = ["O"] * TOKENS
    for start in draw.sample(range(0, TOKENS, 4), 2):
        kind = draw.choice(TYPES)
        tags[start : start + 2] = [f"B-{kind}", f"I-{kind}"]
    return tuple(tags)


def _write_contexts(folder: Path, samples: list[Sample], draw: random.Random) -> Path:
    folder.mkdir()
    texts = [" ".join(draw.choices(WORDS, k=CONTEXT_WORDS)) for _ in range(POSTS * 2)]
    rows = [
        Context(row.sample_id, "text", rank, 9.0 - rank, f"{rank}#0", "Title", draw.choice(texts), "")
        for row in samples
        for rank in range(1, CONTEXTS_EACH + 1)
    ]
    queries = [Query(row.sample_id, "text", input_digest(row), "hit", CONTEXTS_EACH) for row in samples]
    write_rows(folder / "contexts.parquet", CONTEXTS, rows)
    write_rows(folder / "queries.parquet", QUERIES, queries)
    write_cache(folder, CacheInfo("drawn", {}, summarise(queries), None, {}, {}))
    return folder


if __name__ == "__main__":
    main()
