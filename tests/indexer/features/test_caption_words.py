"""The words of captions as vectors: whose they are, how many, what is absent, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.contexts import import_captions
from indexer.encoders import WordEncoder
from indexer.features.caption_words import WordSettings, make_words
from indexer.features.score_table import import_scores
from schemas.dataset import read_samples, write_dataset
from schemas.errors import IndexMismatch, InputError, MissingDependency, UsageError
from schemas.feature_store import StoreInfo, read_feature_samples, read_view
from schemas.records import Sample
from tests.support.tiny_encoder import write_contexts
from trainer.inputs import read_features

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
DIM = 384


@pytest.fixture(scope="module")
def encoder() -> WordEncoder:
    try:
        return WordEncoder()
    except MissingDependency as error:
        pytest.skip(str(error))


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    images = ("1.jpg", "2.jpg", "1.jpg", None, "3.jpg")
    rows = [Sample(f"test-{number}", ("word", str(number)), image) for number, image in enumerate(images, start=1)]
    write_dataset(tmp_path / "set", {"test": rows}, name="set", task="ner", labels=(), inputs=(), counters={})
    return tmp_path / "set"


def captions(folder: Path, samples: Path, source: str, text: str) -> Path:
    (folder / f"{source}.txt").write_text(text)
    import_captions(folder / f"{source}.txt", samples, folder / source, source)
    return folder / source


def rows_of(store: Path, view: str = "words") -> dict[str, dict[str, Any]]:
    table = read_view(store, view, DIM).to_pydict()
    rows = {name: row for name, (_, row, _) in read_feature_samples(store).items()}
    return {name: {key: table[key][row] for key in table} for name, row in rows.items() if row >= 0}


def test_words_are_the_embeddings_of_their_pieces_and_a_picture_has_one_row(
    tmp_path: Path, samples: Path, encoder: WordEncoder
) -> None:
    cache = captions(tmp_path, samples, "blip", "1.jpg :A dog sleeps\n2.jpg :a cat on the very big red bed\n")
    info = make_words(samples, [cache], tmp_path / "store", settings=WordSettings(most_words=4))
    rows = rows_of(tmp_path / "store")
    assert set(rows) == {"test-1", "test-2", "test-3"}
    assert rows["test-1"] == rows["test-3"]
    assert rows["test-1"]["picture"] == "1.jpg"
    assert rows["test-1"]["names"] == ["a", "dog", "sleeps"]
    assert rows["test-2"]["names"] == ["a", "cat", "on", "the"]
    (expected,) = encoder.encode(["a dog sleeps"], "embeddings", 4)
    np.testing.assert_array_equal(np.array(rows["test-1"]["values"]), expected.values.astype(np.float16))
    assert all(math.isnan(value) for box in rows["test-1"]["boxes"] for value in box)
    facts = info.views["words"]
    assert (facts.dim, facts.columns, facts.vectors, facts.encoder) == (DIM, 4, 7, "all-minilm-l6-v2 embeddings")
    assert facts.encoder_fingerprint == encoder.fingerprint
    assert {name: count for name, count in info.counts.items() if "samples_" in name or "without" in name} == {
        "samples_ok": 3,
        "samples_no_image": 1,
        "samples_no_caption": 1,
        "samples_without_score": 0,
        "words_without_caption": 2,
    }


def test_a_sample_without_a_caption_is_absent_in_the_batch_by_its_mask(tmp_path: Path, samples: Path) -> None:
    blip = captions(tmp_path, samples, "blip", "1.jpg :a dog\n")
    long = captions(tmp_path, samples, "long", "1.jpg :a brown dog\n3.jpg :the sea\n")
    make_words(samples, [blip, long], tmp_path / "store")
    found = read_features([str(tmp_path / "store")], read_samples(samples, "test"))
    assert found is not None
    assert [name.rpartition("/")[2] for name in found.names] == ["words", "words-2"]
    features = found.read_rows(range(5))
    assert features.present.int().tolist() == [
        [1, 1, 1, 1, 1],
        [0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1],
        [0, 0, 0, 0, 0],
        [0, 0, 1, 1, 0],
    ]
    assert features.view.tolist() == [0, 0, 1, 1, 1]
    assert features.boxes is None and features.score is None
    assert not bool(features.values[~features.present].any())


def test_sources_are_views_in_their_order_and_share_no_row_by_chance(tmp_path: Path, samples: Path) -> None:
    caches = [captions(tmp_path, samples, name, f"1.jpg :a {name}\n2.jpg :the {name}\n") for name in ("dog", "cat")]
    make_words(samples, caches, tmp_path / "store", settings=WordSettings(sources=("cat", "dog")))
    assert rows_of(tmp_path / "store")["test-1"]["names"] == ["a", "cat"]
    assert rows_of(tmp_path / "store", "words-2")["test-2"]["names"] == ["the", "dog"]


def test_texts_of_a_post_are_keyed_by_the_post_and_several_share_the_words(tmp_path: Path) -> None:
    rows = [Sample(f"test-{n}", ("anna", "rome", str(n)), "1.jpg", split="test") for n in (1, 2)]
    write_dataset(tmp_path / "set", {"test": rows}, name="set", task="ner", labels=(), inputs=(), counters={})
    cache = write_contexts(tmp_path / "cache", rows)
    make_words(tmp_path / "set", [cache], tmp_path / "store", settings=WordSettings(captions=2, most_words=5))
    found = rows_of(tmp_path / "store")
    assert [found[f"test-{n}"]["picture"] for n in (1, 2)] == ["test-1", "test-2"]
    assert found["test-1"]["names"] == ["anna", "the", "person", "rome", "the"]


def test_the_three_kinds_of_vectors(tmp_path: Path, encoder: WordEncoder) -> None:
    texts = ["a dog", "a dog sleeps in the sun", ""]
    pieces = encoder.encode(texts, "embeddings", 3)
    states = encoder.encode(texts, "states", 3)
    means = encoder.encode(texts, "mean", 3)
    assert [len(row.values) for row in pieces] == [len(row.values) for row in states] == [2, 3, 0]
    assert [len(row.values) for row in means] == [1, 1, 0] and means[0].names == ["a dog"]
    np.testing.assert_array_equal(pieces[0].values, pieces[1].values[:2])  # they do not hang on the other words
    assert np.abs(states[0].values - states[1].values[:2]).max() > 0.05
    alone = encoder.encode(["a dog"], "states", 3)[0]
    np.testing.assert_allclose(alone.values, states[0].values, atol=1e-5)  # nor on the batch and its padding


def test_a_score_stands_beside_each_word_and_a_missing_one_is_counted(tmp_path: Path, samples: Path) -> None:
    cache = captions(tmp_path, samples, "blip", "1.jpg :a dog\n2.jpg :a cat\n")
    (tmp_path / "weak.txt").write_text("1.jpg\t0.25\n")
    import_scores(tmp_path / "weak.txt", samples, tmp_path / "s.parquet")
    settings = WordSettings(score="weak")
    info = make_words(samples, [cache], tmp_path / "store", settings=settings, scores=tmp_path / "s.parquet")
    rows = rows_of(tmp_path / "store")
    assert rows["test-1"]["scores"] == [0.25, 0.25] and info.counts["samples_without_score"] == 1
    assert all(math.isnan(value) for value in rows["test-2"]["scores"])
    with pytest.raises(UsageError, match="a score needs its name and its table"):
        make_words(samples, [cache], tmp_path / "other", settings=settings)
    with pytest.raises(UsageError, match="no score 'strong'"):
        wrong = WordSettings(score="strong")
        make_words(samples, [cache], tmp_path / "other", settings=wrong, scores=tmp_path / "s.parquet")


def test_an_interrupted_run_continues_and_a_finished_one_is_left_alone(tmp_path: Path, samples: Path) -> None:
    cache = captions(tmp_path, samples, "blip", "1.jpg :a dog\n2.jpg :a cat\n3.jpg :a bed\n")
    settings = WordSettings(part=1)

    def stop(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_words(samples, [cache], tmp_path / "store", settings=settings, progress=stop)
    assert len(list((tmp_path / "store.partial").glob("part-*.json"))) == 2
    kept = (tmp_path / "store.partial" / "words-00000.parquet").stat().st_mtime_ns
    told: list[StoreInfo] = [make_words(samples, [cache], tmp_path / "store", settings=settings)]
    assert kept < (tmp_path / "store" / "words.parquet").stat().st_mtime_ns
    told.append(make_words(samples, [cache], tmp_path / "store", settings=settings))
    assert told[0] == told[1]
    whole = make_words(samples, [cache], tmp_path / "whole")
    assert whole.fingerprint == told[0].fingerprint
    with pytest.raises(UsageError, match="other samples or settings"):
        make_words(samples, [cache], tmp_path / "store", settings=WordSettings(most_words=1))


def test_what_does_not_fit_is_refused(tmp_path: Path, samples: Path) -> None:
    cache = captions(tmp_path, samples, "blip", "1.jpg :a dog\n")
    with pytest.raises(UsageError, match="no cache has the source 'cogvlm'"):
        make_words(samples, [cache], tmp_path / "store", settings=WordSettings(sources=("cogvlm",)))
    with pytest.raises(UsageError, match="no vectors 'ids'"):
        make_words(samples, [cache], tmp_path / "store", settings=WordSettings(vectors="ids"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least 1"):
        make_words(samples, [cache], tmp_path / "store", settings=WordSettings(most_words=0))
    rows = [Sample("test-1", ("another", "text"), "1.jpg")]
    write_dataset(tmp_path / "two", {"test": rows}, name="two", task="ner", labels=(), inputs=(), counters={})
    with pytest.raises(IndexMismatch, match="made for other samples than test-1"):
        make_words(tmp_path / "two", [cache], tmp_path / "store")
    empty = captions(tmp_path, samples, "empty", "1.jpg :\n")
    with pytest.raises(InputError, match="no sample has a caption"):
        make_words(samples, [empty], tmp_path / "store")
