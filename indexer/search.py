"""The vocabulary of a search: parameters, hits and answers; and how a search goes on until k answers differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from schemas.errors import UsageError
from schemas.records import DEFAULT_K

__all__ = ["Answer", "Hit", "SearchParams", "Searcher", "View", "search_distinct"]

View = Literal["text", "image"]
AnyQuery = TypeVar("AnyQuery", contravariant=True)
OneQuery = TypeVar("OneQuery")
AnyHit = TypeVar("AnyHit")
Key = TypeVar("Key", bound=Hashable)
_GROWTH = 4
"""Factor by which a repeated search asks for more hits: few repetitions, and no more than four times too many hits."""


@dataclass(frozen=True, slots=True)
class SearchParams:
    """How to search.

    Args:
        k: number of hits, at least 1.
        title_boost: the text view adds the BM25 score of the document's title, multiplied by this, and finds documents
            by their title alone too; 0 searches the text only.

    Source: the entity mode of KB-NER (Wang et al., SemEval 2022), whose boost is 2.
    """

    k: int = DEFAULT_K
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
    """One ranked document of a searcher.

    Args:
        rank: counts from 1.
        score: BM25 (text view) or inner product (image view).
        doc_id: a sentence_id (text view) or a file (image view).
    """

    rank: int
    score: float
    doc_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A hit together with the text that it stands for, as a person or a trainer reads it.

    Args:
        view: which index answered.
        rank: counts from 1.
        score: of the hit.
        doc_id: the paragraph_id (text view) or the page_id (image view).
        title: of the article.
        matched: the sentence or the file that matched the query.
        text: the paragraph or the introduction of the article.
        section: of the article, in which the paragraph or the picture stands.
        file: of the picture; None in the text view.
        caption: of the picture; "" in the text view.
        description: what the article says of itself in a few words, as in "American rapper"; "" if nothing.
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
    description: str = ""


class Searcher(Protocol[AnyQuery]):
    """Anything that ranks documents for a batch of queries. A query never changes the searcher."""

    def search(self, queries: Sequence[AnyQuery], params: SearchParams) -> list[list[Hit]]:
        """Rank at most params.k hits for each of the queries, in their order."""
        ...


def search_distinct(
    queries: Sequence[OneQuery],
    search: Callable[[Sequence[OneQuery], int], list[list[AnyHit]]],
    keys_of: Callable[[AnyHit], Sequence[Key]],
    k: int,
    *,
    first: int,
    most: int | None = None,
) -> list[list[tuple[Key, AnyHit]]]:
    """Find the k best distinct keys of each query, each with its best hit.

    Several hits may share a key. Queries that found too few keys are searched again for four times as many hits, as
    long as the last search was full, so that there may be more.

    Args:
        queries: q queries.
        search: returns at most n hits of each query, best first.
        keys_of: the keys of a hit: none, one or several.
        k: keys to find.
        first: hits of the first search.
        most: hits of the last search; None searches as long as there are more.

    Returns:
        q lists of at most k pairs (key, hit), best first.

    >>> search_distinct(["abacad"], lambda words, n: [list(word[:n]) for word in words], list, 3, first=2)
    [[('a', 'a'), ('b', 'b'), ('c', 'c')]]
    """
    found: list[list[tuple[Key, AnyHit]]] = [[] for _ in queries]
    open_queries, n = list(range(len(queries))), first
    while open_queries and (most is None or n <= most):
        unfilled = []
        ranked = search([queries[number] for number in open_queries], n)
        for number, hits in zip(open_queries, ranked, strict=True):
            best: dict[Key, AnyHit] = {}
            for hit in hits:
                for key in keys_of(hit):
                    best.setdefault(key, hit)
            found[number] = list(best.items())[:k]
            if len(best) < k and len(hits) >= n:
                unfilled.append(number)
        open_queries, n = unfilled, _GROWTH * n
    return found
