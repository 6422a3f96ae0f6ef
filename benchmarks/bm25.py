"""BM25: sentences indexed a second and time of a query, beside bm25s and tantivy in the same run."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.bm25 import Bm25Searcher, build_bm25
from indexer.presets import PRESETS
from indexer.searcher import SearchParams
from schemas.tables import SENTENCES

K = 10
K1, B = PRESETS["more"].k1, PRESETS["more"].b
Ask = Callable[[str], Sequence[str]]


def make_texts(index: Path, count: int) -> list[str]:
    """Make sentences of real length and words: the first half of one of the index, the second half of another."""
    texts = pq.read_table(index / "sentences", columns=["text"]).column("text").to_pylist()
    halves = [(words[: len(words) // 2], words[len(words) // 2 :]) for words in (text.split() for text in texts)]
    dice = random.Random(0)
    return [" ".join(dice.choice(halves)[0] + dice.choice(halves)[1]) for _ in range(count)]


def make_queries(texts: Sequence[str], count: int) -> list[str]:
    """Make queries of 3 to 12 plain words, each from one sentence."""
    dice = random.Random(1)
    queries = []
    for text in dice.sample(texts, len(texts)):
        words = [word for word in text.split() if word.isalpha() and word.isascii()]
        if len(words) >= 12:
            queries.append(" ".join(dice.sample(words, dice.randint(3, 12))))
        if len(queries) == count:
            break
    return queries


def use_ours(texts: Sequence[str], folder: Path) -> Ask:
    ids = [str(number) for number in range(len(texts))]
    columns = {"sentence_id": ids, "paragraph_id": ids, "page_id": range(len(texts)), "title": [""] * len(texts)}
    pq.write_table(pa.table({**columns, "text": texts}, schema=SENTENCES), folder / "sentences.parquet")
    build_bm25([folder / "sentences.parquet"], folder / "bm25", "more")
    searcher = Bm25Searcher(folder / "bm25", PRESETS["more"])
    return lambda query: [hit.doc_id for hit in searcher.search([query], SearchParams(K))[0]]


def use_bm25s(texts: Sequence[str], _folder: Path) -> Ask:
    import bm25s

    def tokenize(some: list[str], kind: str) -> Any:
        return bm25s.tokenize(some, stopwords=None, return_ids=kind == "ids", show_progress=False)

    retriever = bm25s.BM25(k1=K1, b=B, method="lucene")
    retriever.index(tokenize(list(texts), "ids"), show_progress=False)

    def ask(query: str) -> list[str]:
        found, _ = retriever.retrieve(tokenize([query], "words"), k=K, show_progress=False)
        return [str(number) for number in found[0]]

    return ask


def use_tantivy(texts: Sequence[str], folder: Path) -> Ask:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    builder.add_text_field("text", stored=False, tokenizer_name="default", index_option="freq")
    index = tantivy.Index(builder.build(), path=str(folder))
    writer = index.writer(heap_size=128_000_000, num_threads=1)
    for number, text in enumerate(texts):
        writer.add_document(tantivy.Document(id=str(number), text=text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def ask(query: str) -> list[str]:
        found = searcher.search(index.parse_query(query, ["text"]), K).hits
        return [searcher.doc(place)["id"][0] for _, place in found]

    return ask


ENGINES: dict[str, Callable[[Sequence[str], Path], Ask]] = {
    "mie-context": use_ours,
    "bm25s": use_bm25s,
    "tantivy": use_tantivy,
}


def measure(engine: str, texts: Sequence[str], queries: Sequence[str]) -> tuple[float, list[float], list[list[str]]]:
    """Index the texts and ask every query; give sentences a second, seconds of each query, and the answers."""
    folder = Path(tempfile.mkdtemp())
    try:
        start = time.perf_counter()
        ask = ENGINES[engine](texts, folder)
        rate = len(texts) / (time.perf_counter() - start)
        answers = [list(ask(query)) for query in queries]  # also warms up
        times = []
        for query in queries:
            start = time.perf_counter()
            ask(query)
            times.append(time.perf_counter() - start)
        return rate, times, answers
    finally:
        shutil.rmtree(folder)


def overlap(ours: list[list[str]], theirs: list[list[str]]) -> float:
    """Give the mean share of our top answers that a peer has too."""
    return statistics.mean(len(set(a) & set(b)) / len(a) for a, b in zip(ours, theirs, strict=True) if a)


def main() -> int:
    """Print a row per engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, default=Path("demo/index"), help="made by: make demo")
    parser.add_argument("--sentences", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--runs", type=int, default=3, help="the engines take turns; medians are printed")
    arguments = parser.parse_args()
    texts = make_texts(arguments.index, arguments.sentences)
    queries = make_queries(texts, arguments.queries)
    runs = [{engine: measure(engine, texts, queries) for engine in ENGINES} for _ in range(arguments.runs)]
    print(
        f"{len(texts):,} sentences, {len(queries)} queries, top {K}; median of {len(runs)} runs; {os.cpu_count()} cores"
    )
    print("| engine | indexed a second | query p50 ms | query p95 ms | our top 10 found |\n|---|---|---|---|---|")
    for engine in ENGINES:
        rate = statistics.median(run[engine][0] for run in runs)
        p50 = statistics.median(statistics.median(run[engine][1]) for run in runs) * 1e3
        p95 = statistics.median(statistics.quantiles(run[engine][1], n=20)[-1] for run in runs) * 1e3
        same = overlap(runs[0]["mie-context"][2], runs[0][engine][2])
        name = f"{engine} {metadata.version(engine)}"
        print(f"| {name} | {rate:,.0f} | {p50:.2f} | {p95:.2f} | {same:.0%} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
