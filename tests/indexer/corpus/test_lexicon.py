"""Words of a lexicon: the longest match as by brute force, and no training sample that finds its own name alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from indexer.corpus.lexicon import Trie, find_words, make_lexicon
from schemas.context_cache import read_context_rows
from schemas.dataset import write_dataset
from schemas.errors import InputError, UsageError
from schemas.records import Sample


def by_force(tokens: list[str], words: set[tuple[str, ...]]) -> list[tuple[int, int]]:
    found, start = [], 0
    while start < len(tokens):
        ends = [end for end in range(start + 1, len(tokens) + 1) if tuple(tokens[start:end]) in words]
        if ends:
            found.append((start, max(ends)))
        start = max(ends) if ends else start + 1
    return found


def test_the_longest_words_are_those_that_brute_force_finds() -> None:
    draw = random.Random(1)
    for _ in range(200):
        words = {tuple(draw.choices("abc", k=draw.randint(1, 4))) for _ in range(draw.randint(1, 8))}
        tokens = draw.choices("abcd", k=draw.randint(0, 12))
        assert list(find_words(tokens, Trie(words))) == by_force(tokens, words)


def test_an_empty_word_and_an_empty_token_match_nothing() -> None:
    assert list(find_words(["a", "", "b"], Trie([(), ("b",)]))) == [(2, 3)]


def sample(split: str, number: int, text: str, tags: str) -> Sample:
    return Sample(f"{split}-{number}", tuple(text), tags=tuple(tags.split()), split=split)


@pytest.fixture
def chinese(tmp_path: Path) -> Path:
    splits = {
        "train": [
            sample("train", 1, "我在北京", "O O B-LOC I-LOC"),
            sample("train", 2, "北京和上海", "B-LOC I-LOC O B-LOC I-LOC"),
        ],
        "test": [sample("test", 1, "上海北京人", "B-LOC I-LOC B-LOC I-LOC O"), sample("test", 2, "你好", "O O")],
    }
    write_dataset(tmp_path / "set", splits, name="posts", task="ner", labels=["LOC"], inputs=[], counters={})
    return tmp_path / "set"


def texts(folder: Path) -> dict[str, str]:
    return {row.sample_id: row.text for row in read_context_rows(folder)}


def test_a_training_sample_does_not_find_a_name_that_it_alone_has(chinese: Path, tmp_path: Path) -> None:
    info = make_lexicon(chinese, tmp_path / "out")
    assert texts(tmp_path / "out") == {"train-1": "北京", "train-2": "北京", "test-1": "上海 , 北京"}
    assert info.parameters["count"] == 2


def test_a_file_of_words_is_split_into_characters_where_tokens_are(chinese: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("上海北京\n\n你好\n", encoding="utf-8")
    make_lexicon(chinese, tmp_path / "out", words=tmp_path / "words.txt")
    assert texts(tmp_path / "out") == {"test-1": "上海北京", "test-2": "你好"}
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(InputError, match="no word stands here"):
        make_lexicon(chinese, tmp_path / "other", words=tmp_path / "empty.txt")


def test_without_entities_there_is_no_lexicon(tmp_path: Path) -> None:
    splits = {"train": [Sample("train-1", ("in", "Rome"), tags=("O", "O"), split="train")]}
    write_dataset(tmp_path / "set", splits, name="none", task="ner", labels=["LOC"], inputs=[], counters={})
    with pytest.raises(UsageError, match="no training sample has an entity"):
        make_lexicon(tmp_path / "set", tmp_path / "out")
