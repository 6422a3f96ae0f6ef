"""The two presets of BM25: how text becomes tokens, and the constants k1 and b of the score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from indexer.text.jvm import java_class
from schemas.errors import IndexMismatch, UsageError

__all__ = ["PRESETS", "Preset", "preset_of"]


@dataclass(frozen=True, slots=True)
class Preset:
    """An analyzer, which makes tokens of text, and the two constants of the formula.

    Args:
        analyzer: `standard` is Lucene's StandardAnalyzer without stop words, which Elasticsearch calls `standard`;
            `english` is Anserini's DefaultEnglishAnalyzer (Porter stems, English stop words, possessives stripped).
        k1: how soon repeated words stop adding to the score, at least 0.
        b: how much the length of a sentence counts, 0 to 1.
    """

    analyzer: str
    k1: float
    b: float

    def make_analyzer(self) -> Any:
        """Make the Lucene analyzer.

        Raises:
            IndexMismatch: there is no analyzer of this name.
        """
        if self.analyzer == "standard":
            return java_class("org.apache.lucene.analysis.standard.StandardAnalyzer")()
        if self.analyzer == "english":
            return java_class("io.anserini.analysis.DefaultEnglishAnalyzer").newDefaultInstance()
        raise IndexMismatch(
            f"no analyzer {self.analyzer!r}", remedy="build the index again: beam run build_wiki_index --overwrite ..."
        )

    def make_similarity(self) -> Any:
        """Make Lucene's BM25 with these constants."""
        return java_class("org.apache.lucene.search.similarities.BM25Similarity")(self.k1, self.b)


PRESETS = {"more": Preset("standard", 1.2, 0.75), "anserini": Preset("english", 0.9, 0.4)}
"""more: the paper's search engine (Elasticsearch defaults). anserini: Anserini's defaults.

Source: KB-NER's Elasticsearch mapping; Anserini 1.x, IndexCollection and SearchCollection.
"""


def preset_of(name: str) -> Preset:
    """Return a preset by its name.

    Raises:
        UsageError: there is no preset of this name.

    >>> preset_of("more").k1
    1.2
    """
    if name not in PRESETS:
        raise UsageError(f"there is no BM25 preset {name!r}", remedy=f"use one of {', '.join(PRESETS)}")
    return PRESETS[name]
