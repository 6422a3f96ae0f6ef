"""The image index at scale: time, memory, recall and query time for a million vectors and more, built in parts.

The vectors resemble embeddings of pictures. All share a direction (the mean cosine of two is about 0.4). They lie
around subjects, some of which are far more frequent than others (Zipf). Around its subject a vector varies along a few
dozen directions of falling strength, which are the same for all, and a little along every other. Each step runs in a
process of its own, so that its memory can be measured; Faiss's own kinds of index hold the same vectors in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from indexer.images import INDEX_NAME, DenseSearcher, build_dense
from indexer.search import SearchParams
from schemas.tables import IMAGES, embeddings_schema

ROWS_PER_SHARD, ROWS_PER_GROUP = 100_000, 1_000
SUBJECTS_PER_MILLION, VARYING, K = 20_000, 48, 10
PEERS = {"flat": "SQfp16", "PQ refined": "IVF{nlist},PQ64x4fs,Refine(SQfp16)", "bare PQ": "IVF{nlist},PQ64"}


def make_vectors(dim: int, subjects: int, rows: int, seed: int) -> np.ndarray:
    """Make unit vectors [rows, dim] as said above; subjects and directions are the same for every seed."""
    world, dice = np.random.default_rng(0), np.random.default_rng(seed + 1)
    scale, strengths = np.float32(1 / np.sqrt(dim)), np.arange(1, VARYING + 1, dtype=np.float32) ** np.float32(-0.8)
    common = scale * world.standard_normal(dim, np.float32)
    directions = scale * world.standard_normal((VARYING, dim), np.float32) * strengths[:, None]
    centres = scale * world.standard_normal((subjects, dim), np.float32)
    chosen = np.minimum((subjects ** dice.random(rows)).astype(np.int64), subjects) - 1  # frequency falls as 1 / rank
    vectors = dice.standard_normal((rows, dim), np.float32)
    vectors *= np.float32(0.1) * scale
    vectors += dice.standard_normal((rows, VARYING), np.float32) @ (np.float32(0.5) * directions)
    vectors += np.float32(0.9) * common + np.float32(0.8) * centres[chosen]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def write_shards(folder: Path, vectors: int, dim: int) -> None:
    """Write embeddings and the articles that use them, a shard at a time; shards that are there stay."""
    folder.mkdir(parents=True, exist_ok=True)
    subjects = max(100, SUBJECTS_PER_MILLION * vectors // 1_000_000)
    for number in range(-(-vectors // ROWS_PER_SHARD)):
        path = folder / f"e{number:04d}.parquet"
        if path.exists():
            continue
        rows = min(ROWS_PER_SHARD, vectors - number * ROWS_PER_SHARD)
        first = number * ROWS_PER_SHARD
        files = [f"{(first + row) * 2654435761 % 2**32:08x} some picture {first + row}.jpg" for row in range(rows)]
        made = make_vectors(dim, subjects, rows, number)
        columns = {"file": files, "vector": pa.FixedSizeListArray.from_arrays(made.ravel(), dim), "sha256": [""] * rows}
        columns |= dict.fromkeys(("width", "height"), pa.array([1] * rows, pa.int32()))
        columns |= dict.fromkeys(("source", "page_url"), [""] * rows)
        pages = range(first, first + rows)
        uses = dict.fromkeys(IMAGES.names, [""] * rows) | {"file": files, "page_id": pages, "position": [0] * rows}
        pq.write_table(pa.table(uses, schema=IMAGES), folder / f"i{number:04d}.parquet")
        temporary = path.with_suffix(".tmp")
        table = pa.table(columns, schema=embeddings_schema(dim))
        pq.write_table(table, temporary, row_group_size=ROWS_PER_GROUP, compression="none", use_dictionary=False)
        temporary.replace(path)


def used() -> dict[str, float]:
    """Return this process's own figures: processor seconds and peak of resident memory."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": own.ru_utime + own.ru_stime, "peak_mb": own.ru_maxrss / 1024}


def resident_mb() -> float:
    """Return the resident memory of this process without mapped files, in MiB."""
    text = Path("/proc/self/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("RssAnon")).split()[1]) / 1024


def build(folder: Path, _words: str, _queries: int) -> dict[str, Any]:
    """Build our index; parts that an interrupted run left are used."""
    shards, images = sorted(folder.glob("e*.parquet")), sorted(folder.glob("i*.parquet"))
    start = time.perf_counter()
    section = build_dense(shards, images, folder / "faiss", encoder="synthetic", encoder_fingerprint="none")
    return {**section, "wall_s": time.perf_counter() - start, **used()}


def ask(folder: Path, _words: str, count: int) -> dict[str, Any]:
    """Ask one query after another, in one thread."""
    import faiss

    faiss.omp_set_num_threads(1)
    queries = read_queries(folder, count)
    searcher = DenseSearcher(folder / "faiss")
    times = time_each(lambda query: searcher.search(query, SearchParams(K)), queries)
    return {
        **times,
        "anon_mb": resident_mb(),
        "index_mb": (folder / "faiss" / INDEX_NAME).stat().st_size / 2**20,
        **used(),
    }


def peer(folder: Path, words: str, count: int) -> dict[str, Any]:
    """Build another kind of Faiss index in memory, and ask it with the smallest nprobe that reaches our recall."""
    import faiss

    index: Any = faiss.index_factory(read_queries(folder, 1).shape[1], words, faiss.METRIC_INNER_PRODUCT)
    shards = sorted(folder.glob("e*.parquet"))
    sample = np.concatenate([read_vectors(path)[:: max(1, len(shards) // 2)] for path in shards])
    index.train(sample)
    del sample
    for path in shards:
        index.add(read_vectors(path))
    truth_of = exact(folder, shards)
    queries = read_queries(folder, len(truth_of))
    recall, nprobe = 0.0, 0
    for nprobe in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        faiss.ParameterSpace().set_index_parameter(index, "nprobe", nprobe) if "IVF" in words else None
        found = index.search(queries, K)[1]
        recall = float(np.mean([len(set(a) & set(b)) / K for a, b in zip(found, truth_of, strict=True)]))
        if recall >= 0.99 or "IVF" not in words:
            break
    faiss.omp_set_num_threads(1)
    times = time_each(lambda query: index.search(query, K), read_queries(folder, count))
    return {**times, "recall": recall, "nprobe": nprobe, "anon_mb": resident_mb(), **used()}


def exact(folder: Path, shards: list[Path], count: int = 200) -> np.ndarray:
    """Return the ten nearest rows of the first queries by brute force over the unrounded vectors."""
    queries, best, rows = read_queries(folder, count), [], []
    for number, path in enumerate(shards):
        scores = queries @ read_vectors(path).T
        top = np.argpartition(-scores, K, axis=1)[:, :K]
        best.append(np.take_along_axis(scores, top, axis=1))
        rows.append(top + number * ROWS_PER_SHARD)
    order = np.argsort(-np.concatenate(best, axis=1), axis=1)[:, :K]
    return np.take_along_axis(np.concatenate(rows, axis=1), order, axis=1)


def read_vectors(path: Path) -> np.ndarray:
    """Read the vectors [n, dim] of a shard."""
    column = pq.read_table(path, columns=["vector"]).column("vector").combine_chunks()
    values: np.ndarray = column.flatten().to_numpy()
    return values.reshape(len(column), -1)


def read_queries(folder: Path, count: int) -> np.ndarray:
    """Make queries that are not in the index, around the same subjects."""
    vectors = sum(pq.read_metadata(path).num_rows for path in folder.glob("e*.parquet"))
    dim = pq.read_schema(folder / "e0000.parquet").field("vector").type.list_size
    return make_vectors(dim, max(100, SUBJECTS_PER_MILLION * vectors // 1_000_000), count, 10**6)


def time_each(search: Callable[[np.ndarray], Any], queries: np.ndarray) -> dict[str, float]:
    """Search every query alone, after a tenth of them as a warm-up; return median and 95th percentile in ms."""
    for query in queries[: len(queries) // 10]:
        search(query[None])
    wall, own = [], []
    for query in queries:
        start, begun = time.perf_counter(), time.thread_time()
        search(query[None])
        wall.append((time.perf_counter() - start) * 1e3)
        own.append((time.thread_time() - begun) * 1e3)
    return {
        "p50_ms": statistics.median(wall),
        "p95_ms": statistics.quantiles(wall, n=20)[-1],
        "p50_cpu_ms": statistics.median(own),
        "p95_cpu_ms": statistics.quantiles(own, n=20)[-1],
    }


STEPS: dict[str, Callable[[Path, str, int], dict[str, Any]]] = {"build": build, "ask": ask, "peer": peer}


def run_step(name: str, folder: Path, queries: int, words: str = "") -> dict[str, Any]:
    """Run a step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.faiss_scale", "--folder", str(folder), "--queries", str(queries)]
    command += ["--step", name, "--words", words]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    result: dict[str, Any] = json.loads(told)
    print(f"{name} {words}: " + ", ".join(f"{key} {show(value)}" for key, value in result.items()), flush=True)
    return result


def show(value: Any) -> str:
    """Write a figure."""
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def main() -> int:
    """Make the vectors, build, ask; then the peers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("faiss-scale"), help="made and left: 2 kB a vector, twice")
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--queries", type=int, default=1_000, help="asked one by one")
    parser.add_argument("--peers", action="store_true", help="Faiss's own kinds, in memory")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--words", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(STEPS[arguments.step](arguments.folder, arguments.words, arguments.queries)))
        return 0
    write_shards(arguments.folder, arguments.vectors, arguments.dim)
    print(f"{arguments.vectors:,} vectors of {arguments.dim}, {os.cpu_count()} cores")
    section = run_step("build", arguments.folder, arguments.queries)
    run_step("ask", arguments.folder, arguments.queries)
    for name, words in PEERS.items() if arguments.peers else ():
        print(name)
        run_step("peer", arguments.folder, arguments.queries, words.format(nlist=section["nlist"]))
    shutil.rmtree(arguments.folder / "faiss")
    return 0


if __name__ == "__main__":
    sys.exit(main())
