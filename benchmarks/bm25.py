"""BM25: sentences indexed a second from Parquet, and the time of a query, beside bm25s and tantivy in the same run."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.million_sentences import read_real, read_tweets, write_tables
from indexer.search import SearchParams
from indexer.text import PRESETS, Bm25Searcher, build_bm25, merge_bm25
from schemas.records import DEFAULT_K

K, OURS = DEFAULT_K, "mie-context"
BATCH_QUERIES = 256
K1, B = PRESETS["more"].k1, PRESETS["more"].b
WORD = re.compile(r"[^\W_]+")
Ask = Callable[[str], Sequence[str]]


def use_ours(shards: Sequence[Path], folder: Path) -> Ask:
    build_bm25(shards, folder / "bm25", "more")
    searcher = Bm25Searcher(folder / "bm25", PRESETS["more"])
    return lambda query: [hit.doc_id for hit in searcher.search([query], SearchParams(K))[0]]


def use_ours_in_shards(shards: Sequence[Path], folder: Path) -> Ask:
    for number, shard in enumerate(shards):
        build_bm25([shard], folder / str(number), "more")
    merge_bm25([folder / str(number) for number in range(len(shards))], folder / "bm25", "more")
    searcher = Bm25Searcher(folder / "bm25", PRESETS["more"])
    return lambda query: [hit.doc_id for hit in searcher.search([query], SearchParams(K))[0]]


def read_texts(shards: Sequence[Path]) -> tuple[list[str], list[str]]:
    """Read ids and texts, for an engine that has no reader of Parquet."""
    table = pa.concat_tables(pq.read_table(path, columns=["sentence_id", "text"]) for path in shards)
    return table["sentence_id"].to_pylist(), table["text"].to_pylist()


def use_bm25s(shards: Sequence[Path], _folder: Path) -> Ask:
    import bm25s

    def tokenize(texts: list[str], kind: str) -> Any:
        return bm25s.tokenize(texts, stopwords=None, return_ids=kind == "ids", show_progress=False)

    ids, sentences = read_texts(shards)
    retriever = bm25s.BM25(k1=K1, b=B, method="lucene")
    retriever.index(tokenize(sentences, "ids"), show_progress=False)

    def ask(query: str) -> list[str]:
        found, _ = retriever.retrieve(tokenize([query], "words"), k=K, show_progress=False)
        return [ids[number] for number in found[0]]

    return ask


def use_tantivy(shards: Sequence[Path], folder: Path) -> Ask:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    builder.add_text_field("text", stored=False, tokenizer_name="default", index_option="freq")
    index = tantivy.Index(builder.build(), path=str(folder))
    writer = index.writer(heap_size=128_000_000, num_threads=1)
    for sentence_id, text in zip(*read_texts(shards), strict=True):
        writer.add_document(tantivy.Document(id=sentence_id, text=text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def ask(query: str) -> list[str]:
        words = " ".join(WORD.findall(query)).lower()  # its query language has operators
        found = searcher.search(index.parse_query(words, ["text"]), K).hits if words else []
        return [searcher.doc(place)["id"][0] for _, place in found]

    return ask


ENGINES: dict[str, Callable[[Sequence[Path], Path], Ask]] = {
    OURS: use_ours,
    "mie-context, 8 shards merged": use_ours_in_shards,
    "bm25s": use_bm25s,
    "tantivy": use_tantivy,
}


@dataclass(frozen=True)
class Measured:
    """The figures of one engine.

    Args:
        rate: sentences indexed a second of wall time.
        cpu_rate: sentences indexed a second of processor time.
        wall_ms: wall time of each query.
        cpu_ms: processor time of each query.
        answers: ids of the hits of each query.
        batch_ms: wall time of a query where a call has BATCH_QUERIES, as `mie-index retrieve` does; of ours only.
    """

    rate: float
    cpu_rate: float
    wall_ms: list[float]
    cpu_ms: list[float]
    answers: list[list[str]]
    batch_ms: float | None


def measure(engine: str, shards: Sequence[Path], sentences: int, queries: Sequence[str]) -> Measured:
    """Index the shards from Parquet and ask every query three times; the last time is measured."""
    folder = Path(tempfile.mkdtemp())
    try:
        start, begun = time.perf_counter(), time.process_time()
        ask = ENGINES[engine](shards, folder)
        rate, cpu_rate = sentences / (time.perf_counter() - start), sentences / (time.process_time() - begun)
        answers = [list(ask(query)) for query in queries]
        for query in queries:
            ask(query)
        wall, own = [], []
        for query in queries:
            start, begun = time.perf_counter(), time.thread_time()
            ask(query)
            wall.append(1e3 * (time.perf_counter() - start))
            own.append(1e3 * (time.thread_time() - begun))
        batch_ms = time_batches(folder / "bm25", queries) if engine == OURS else None
        return Measured(rate, cpu_rate, wall, own, answers, batch_ms)
    finally:
        shutil.rmtree(folder)


def time_batches(folder: Path, queries: Sequence[str]) -> float:
    """Return the ms of a query where all are asked in calls of BATCH_QUERIES; the third round is measured."""
    searcher = Bm25Searcher(folder, PRESETS["more"])
    for _ in range(3):
        start = time.perf_counter()
        for first in range(0, len(queries), BATCH_QUERIES):
            searcher.search(queries[first : first + BATCH_QUERIES], SearchParams(K))
        seconds = time.perf_counter() - start
    return 1e3 * seconds / len(queries)


def overlap(ours: list[list[str]], theirs: list[list[str]]) -> float:
    """Return the mean share of our top hits that another engine finds too."""
    return statistics.mean(len(set(a) & set(b)) / len(a) for a, b in zip(ours, theirs, strict=True) if a)


def print_table(runs: Sequence[dict[str, Measured]]) -> None:
    """Print a row for each engine: medians of the runs."""
    print(
        "| engine | indexed a second | a second of processor time | query p50 ms | p95 ms | p50 ms of processor time "
        "| p95 | our top 10 found |\n|---|---|---|---|---|---|---|---|"
    )
    for engine in runs[0]:
        figures_of = [run[engine] for run in runs]
        rates = [statistics.median(getattr(one, name) for one in figures_of) for name in ("rate", "cpu_rate")]
        times = [
            statistics.median(pick(getattr(one, name)) for one in figures_of)
            for name in ("wall_ms", "cpu_ms")
            for pick in (statistics.median, lambda ms: statistics.quantiles(ms, n=20)[-1])
        ]
        same = overlap(runs[0][OURS].answers, figures_of[0].answers)
        package = engine.partition(",")[0]
        name = engine.replace(package, f"{package} {metadata.version(package)}")
        figures = [f"{rate:,.0f}" for rate in rates] + [f"{ms:.2f}" for ms in times]
        print(f"| {name} | {' | '.join(figures)} | {same:.0%} |")
    batch_ms = statistics.median(run[OURS].batch_ms or 0.0 for run in runs)
    alone = statistics.median(statistics.mean(run[OURS].wall_ms) for run in runs)
    print(f"\n{OURS}, mean of a query: {alone:.2f} ms alone, {batch_ms:.2f} in calls of {BATCH_QUERIES}")


def main() -> int:
    """Print a row for each engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, default=Path("demo/index"), help="made by: make demo")
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--tweets", type=Path, required=True, help="queries: a CoNLL file of Twitter-2015")
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--runs", type=int, default=3, help="the engines take turns; medians are printed")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES), help="ours is always one")
    arguments = parser.parse_args()
    queries = read_tweets(arguments.tweets, arguments.queries)
    engines = [OURS, *(engine for engine in arguments.engines if engine != OURS)]
    with tempfile.TemporaryDirectory() as folder:
        write_tables(Path(folder), read_real(arguments.index), arguments.sentences)
        shards = sorted((Path(folder) / "sentences").iterdir())
        runs = [
            {engine: measure(engine, shards, arguments.sentences, queries) for engine in engines}
            for _ in range(arguments.runs)
        ]
    words = statistics.mean(len(query.split()) for query in queries)
    print(f"{arguments.sentences:,} sentences from Parquet, {len(queries)} tweets of {words:.1f} tokens, top {K}")
    print(f"median of {len(runs)} runs; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print_table(runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
