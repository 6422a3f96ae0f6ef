"""What every searcher takes and gives: frozen parameters in, ranked hits out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from schemas.errors import UsageError

__all__ = ["Answer", "Hit", "SearchParams", "Searcher", "View"]

View = Literal["text", "image"]
Query = TypeVar("Query", contravariant=True)


@dataclass(frozen=True, slots=True)
class SearchParams:
    """How to search.

    Args:
        k: hits wanted, at least 1.
        title_boost: the text view adds that many times the BM25 score of the document's title, and finds documents by
            their title alone too; 0 asks the text only.

    Source: the entity mode of KB-NER (Wang et al., SemEval 2022), whose boost is 2.
    """

    k: int = 10
    title_boost: float = 0.0

    def check(self) -> None:
        """Check the ranges.

        Raises:
            UsageError: k is below 1, or the boost is no finite number of at least 0.
        """
        if self.k < 1:
            raise UsageError(f"k is {self.k}", remedy="give k of at least 1")
        if not 0 <= self.title_boost < math.inf:
            raise UsageError(f"the title boost is {self.title_boost}", remedy="give a number of at least 0")


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked key. rank counts from 1; doc_id is a sentence_id (text view) or a file (image view)."""

    rank: int
    score: float
    doc_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A hit with its value: what a person or a trainer reads.

    doc_id is the paragraph_id (text view) or the page_id (image view); matched is the sentence or the file;
    text is the paragraph or the article's introduction; file is None in the text view.
    """

    view: View
    rank: int
    score: float
    doc_id: str
    title: str
    matched: str
    text: str
    section: str = ""
    file: str | None = None
    caption: str = ""


class Searcher(Protocol[Query]):
    """Anything that ranks keys for a batch of queries. A query never changes the searcher."""

    def search(self, queries: Sequence[Query], params: SearchParams) -> list[list[Hit]]:
        """Rank at most params.k hits for each of the queries, in their order."""
        ...
