"""Topics: the terms of the ELBO by hand, planted vocabularies, and no statistic of test text."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from indexer.corpus.prod_lda import ProdLda, fit_topics, gaussian_kl, reconstruction, to_bags, topic_words
from indexer.corpus.topics import TopicSettings, bag_words, fit_vocabulary, make_topics
from schemas.context_cache import read_cache, read_context_rows
from schemas.dataset import write_dataset
from schemas.errors import InputError, UsageError
from schemas.records import Sample

SEA = ("harbour", "sailor", "anchor", "vessel", "island", "captain")
STAR = ("planet", "comet", "orbit", "galaxy", "rocket", "lunar")


def planted(count: int, split: str, seed: int) -> list[Sample]:
    """Posts about the sea and about stars, in turns."""
    generator = torch.Generator().manual_seed(seed)
    samples = []
    for number in range(count):
        words = (SEA, STAR)[number % 2]
        chosen = torch.randint(0, len(words), (5,), generator=generator).tolist()
        tokens = tuple(words[i] for i in chosen)
        samples.append(Sample(f"{split}-{number}", tokens, tags=("O",) * 5, split=split))
    return samples


def test_a_post_of_n_words_under_even_chances_costs_n_log_v() -> None:
    bags = torch.tensor([[3.0, 0.0, 2.0, 0.0, 0.0, 0.0]])
    even = torch.full((1, 6), 1 / 6).log()
    assert reconstruction(bags, even).item() == pytest.approx(5 * math.log(6), abs=1e-5)


def test_a_posterior_that_is_the_prior_costs_nothing() -> None:
    prior = 1 - 1 / 10
    assert gaussian_kl(torch.zeros(10), torch.full((10,), prior).log(), prior).item() == pytest.approx(0, abs=1e-6)
    one_off = gaussian_kl(torch.full((1,), 1.0), torch.zeros(1), 1.0)
    assert one_off.item() == pytest.approx(0.5)


def test_topics_part_two_planted_vocabularies() -> None:
    train, test = planted(200, "train", 1), planted(40, "test", 2)
    vocabulary = fit_vocabulary(train, TopicSettings(most_share=1.0))
    assert set(vocabulary) == {*SEA, *STAR}
    bags = to_bags([bag_words(sample.tokens) for sample in train], vocabulary)
    model, elbo = fit_topics(bags, topics=2, epochs=100, seed=1)
    found = model.shares(to_bags([bag_words(sample.tokens) for sample in test], vocabulary)).argmax(1)
    assert set(found[::2].tolist()) != set(found[1::2].tolist()) and len(set(found[::2].tolist())) == 1
    assert {frozenset(words) for words in topic_words(model, vocabulary, 6)} == {frozenset(SEA), frozenset(STAR)}
    assert fit_topics(bags, topics=2, epochs=1, seed=1)[1] < elbo < 0


def test_the_topic_of_a_post_does_not_hang_on_the_other_posts() -> None:
    torch.manual_seed(1)
    model = ProdLda(12, 2)
    bags = torch.randint(0, 3, (6, 12)).float()
    model(bags)  # the statistics of a training batch
    assert torch.allclose(model.shares(bags)[:2], model.shares(bags[:2]), atol=1e-6)


def write(folder: Path, test: list[Sample]) -> Path:
    splits = {"train": planted(60, "train", 1), "test": test}
    write_dataset(folder, splits, name="planted", task="ner", labels=["PER"], inputs=[], counters={})
    return folder


def test_contexts_of_train_do_not_know_the_test_split(tmp_path: Path) -> None:
    settings = TopicSettings(topics=2, words=3, most_share=1.0, epochs=5)
    rows = []
    for name, test in (("a", planted(4, "test", 2)), ("b", planted(30, "test", 3))):
        info, elbo = make_topics(write(tmp_path / name, test), tmp_path / f"{name}-topics", settings=settings)
        assert info.parameters["elbo"] == round(elbo, 6)
        kept = read_context_rows(tmp_path / f"{name}-topics")
        rows.append([(row.sample_id, row.text, row.score) for row in kept if row.sample_id.startswith("train")])
    assert rows[0] == rows[1] and len(rows[0]) == 60 and len(rows[0][0][1].split()) == 3


def test_a_post_without_a_word_of_the_vocabulary_has_no_topic(tmp_path: Path) -> None:
    silent = Sample("test-0", ("zzz", "."), tags=("O", "O"), split="test")
    settings = TopicSettings(topics=2, most_share=1.0, epochs=2)
    make_topics(write(tmp_path / "set", [silent]), tmp_path / "out", settings=settings)
    assert "test-0" not in {row.sample_id for row in read_context_rows(tmp_path / "out")}
    source = read_cache(tmp_path / "out").sources["topics"]
    assert (source.samples, source.contexts) == (61, 60)


def test_what_cannot_be_fitted_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "set", planted(2, "test", 1))
    with pytest.raises(InputError, match="no word of the training samples is common enough"):
        make_topics(folder, tmp_path / "out", settings=TopicSettings(least_samples=1000))
    with pytest.raises(UsageError, match="two topics or more"):
        make_topics(folder, tmp_path / "out", settings=TopicSettings(topics=1))
    only = {"test": planted(2, "test", 1)}
    write_dataset(tmp_path / "test", only, name="t", task="ner", labels=["PER"], inputs=[], counters={})
    with pytest.raises(UsageError, match="fitted to the split train"):
        make_topics(tmp_path / "test", tmp_path / "out")
