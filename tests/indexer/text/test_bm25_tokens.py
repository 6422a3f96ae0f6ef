"""Tokens of the preset `more`: those of Elasticsearch's `standard`, held against an independent word segmentation."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from uniseg.wordbreak import words

from indexer.text import PRESETS, Bm25Searcher, build_bm25
from tests.support.index_folders import write_sentences

pytestmark = pytest.mark.integration

SENTENCES_COMPARED = 1_000


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Bm25Searcher:
    return searcher_of(tmp_path_factory.mktemp("tokens"), "more")


@pytest.fixture(scope="module")
def anserini(tmp_path_factory: pytest.TempPathFactory) -> Bm25Searcher:
    return searcher_of(tmp_path_factory.mktemp("tokens"), "anserini")


def searcher_of(folder: Path, preset: str) -> Bm25Searcher:
    shard = write_sentences(folder / "sentences.parquet", ["a"])
    build_bm25([shard], folder / "bm25", preset)
    return Bm25Searcher(folder / "bm25", PRESETS[preset])


def is_token(segment: str) -> bool:
    """A segment of UAX #29 is a token of the standard tokenizer if it holds a letter or a decimal digit."""
    return any(unicodedata.category(char)[0] == "L" or char.isdecimal() for char in segment)


def reference_tokens(text: str) -> list[str]:
    """UAX #29 by an independent library, then Java's lower case, which knows no two-character results."""
    return ["".join("i" if char == "İ" else char.lower() for char in word) for word in words(text) if is_token(word)]


def is_thai(text: str) -> bool:
    return any("\u0e00" <= char <= "\u0e7f" for char in text)


def test_real_sentences_have_the_tokens_of_an_independent_segmentation(more: Bm25Searcher, slice_index: Path) -> None:
    texts = pq.read_table(slice_index / "sentences", columns=["text"]).column("text").to_pylist()
    texts = [text for text in texts if not is_thai(text)]  # its words need a dictionary; the next test has one
    sample = texts[:: max(1, len(texts) // SENTENCES_COMPARED)]
    assert len(sample) >= 500
    assert [more.tokens(text) for text in sample] == [reference_tokens(text) for text in sample]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Rocky's O'Neil isn’t", ["rocky's", "o'neil", "isn’t"]),
        ("the U.S.A. and the U.K.", ["the", "u.s.a", "and", "the", "u.k"]),
        ("3.14 1,000 1,000.5 10:30 5%", ["3.14", "1,000", "1,000.5", "10", "30", "5"]),
        ("wi-fi e-mail@x.org", ["wi", "fi", "e", "mail", "x.org"]),
        ("#hashtag @user foo_bar C++ AT&T", ["hashtag", "user", "foo_bar", "c", "at", "t"]),
        ("http://t.co/aB1", ["http", "t.co", "ab1"]),
        ("H2O R2D2 4th", ["h2o", "r2d2", "4th"]),
        ("snow ❄ 😀 👍🏽 🇫🇷", ["snow", "❄", "😀", "👍🏽", "🇫🇷"]),
        ("東京タワー ひらがな", ["東", "京", "タワー", "ひ", "ら", "が", "な"]),
        ("한국어 ภาษาไทย", ["한국어", "ภาษาไทย"]),
        ("ولد محمد في القاهرة، 1970", ["ولد", "محمد", "في", "القاهرة", "1970"]),
        ("𠀀𠀁 𐐀𐐁", ["𠀀", "𠀁", "𐐨𐐩"]),
        ("NAÏVE Éd. İzmir STRASSE ß", ["naïve", "éd", "izmir", "strasse", "ß"]),
        ("... -- !? ()", []),
        ("x\0y \ud800z", ["x", "y", "z"]),
        ("to be or not to be", ["to", "be", "or", "not", "to", "be"]),
    ],
)
def test_hard_cases_are_cut_as_the_standard_analyzer_cuts_them(
    more: Bm25Searcher, text: str, tokens: list[str]
) -> None:
    assert more.tokens(text) == tokens


def test_a_token_of_more_than_255_characters_is_cut(more: Bm25Searcher) -> None:
    assert [len(token) for token in more.tokens("a" * 600)] == [255, 255, 90]


def test_the_preset_anserini_stems_and_drops_stop_words_and_possessives(anserini: Bm25Searcher) -> None:
    assert anserini.tokens("The dog's houses were running to Paris") == ["dog", "hous", "were", "run", "pari"]
