"""Words of a query marked in texts: every word that Lucene would match is looked at."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from indexer.report import WORD_PATTERN
from indexer.text import PRESETS, Bm25Searcher, build_bm25
from indexer.web.search.highlight import TermMarker, _may_match, _prefix_of
from tests.support.index_folders import write_sentences

pytestmark = pytest.mark.integration


def test_the_pieces_of_a_marked_text_are_the_text_again() -> None:
    marker = TermMarker(lambda texts: [text.lower().split() for text in texts])
    for text in ("", "tea", "Tea tea", "<i>tea, green tea", " no match "):
        (pieces,) = marker.mark("tea", [text])
        assert "".join(piece.text for piece in pieces) == text
        assert [piece.text.lower() for piece in pieces if piece.is_match] == ["tea"] * text.lower().count("tea")


@pytest.mark.parametrize("preset", ["more", "anserini"])
def test_no_word_of_a_real_dump_is_passed_over_when_words_of_a_query_are_marked(
    preset: str, slice_index: Path, tmp_path: Path
) -> None:
    """A page asks Lucene only for the tokens of words whose first letters fit a term of the query."""
    build_bm25([write_sentences(tmp_path / "sentences.parquet", ["a"])], tmp_path / "bm25", preset)
    searcher = Bm25Searcher(tmp_path / "bm25", PRESETS[preset])
    texts = pq.read_table(slice_index / "sentences", columns=["text"]).column("text").to_pylist()
    distinct_words = sorted({word for text in texts for word in WORD_PATTERN.findall(text)})
    assert len(distinct_words) > 20_000
    passed_over = [
        word
        for word, tokens in zip(distinct_words, searcher.tokens_of(distinct_words), strict=True)
        for token in tokens
        if not _may_match(word, {_prefix_of(token)})
    ]
    assert not passed_over
