"""Text by id: time to fetch the sentences and paragraphs of ten hits from Parquet tables of a million sentences."""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.million_sentences import OF_PAGE, OF_PARAGRAPH, read_real, write_tables
from indexer.documents import Documents
from schemas.records import DEFAULT_K


def make_ids(count: int, dice: random.Random) -> list[str]:
    """Draw sentence ids from everywhere: hits of one query seldom share a row group."""
    numbers = [dice.randrange(count) for _ in range(DEFAULT_K)]
    return [f"{n // OF_PAGE}#{n % OF_PAGE // OF_PARAGRAPH}#{n % OF_PARAGRAPH}" for n in numbers]


def fetch_shown(documents: Documents, ids: list[str]) -> None:
    """Fetch the columns that an answer shows."""
    documents.sentence_texts(ids)
    documents.unlinked_paragraphs([doc_id.rpartition("#")[0] for doc_id in ids])


def fetch_whole(documents: Documents, ids: list[str]) -> None:
    """Fetch whole rows, links too."""
    documents.sentences(ids)
    documents.paragraphs([doc_id.rpartition("#")[0] for doc_id in ids])


FETCHES: dict[str, Callable[[Documents, list[str]], None]] = {
    "what an answer shows": fetch_shown,
    "whole rows": fetch_whole,
}
AGAIN = ", asked again"
"""The second time the row groups are in the cache, as for the frequent queries of a server."""


def main() -> int:
    """Print a row for each way to fetch; they take turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, default=Path("demo/index"), help="made by: make demo")
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=300)
    arguments = parser.parse_args()
    took: dict[str, list[tuple[float, float]]] = {name + again: [] for name in FETCHES for again in ("", AGAIN)}
    with tempfile.TemporaryDirectory() as folder:
        manifest = write_tables(Path(folder), read_real(arguments.index), arguments.sentences)
        documents = Documents(folder, manifest)
        dice = random.Random(2)
        fetch_whole(documents, make_ids(arguments.sentences, dice))  # opens the tables
        for _ in range(arguments.queries):
            for name, fetch in FETCHES.items():
                ids = make_ids(arguments.sentences, dice)
                for way in (name, name + AGAIN):
                    start, begun = time.perf_counter(), time.process_time()
                    fetch(documents, ids)
                    took[way].append((1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - begun)))
    print(f"top {DEFAULT_K} of {arguments.sentences:,} sentences, {arguments.queries} queries")
    print("| fetched | p50 ms | p95 ms | p50 ms of processor time |\n|---|---|---|---|")
    for name, times in took.items():
        wall, own = zip(*times, strict=True)
        print(
            f"| {name} | {statistics.median(wall):.1f} | {statistics.quantiles(wall, n=20)[-1]:.1f} "
            f"| {statistics.median(own):.1f} |"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
