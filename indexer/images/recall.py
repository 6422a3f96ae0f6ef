"""How much of the true ten nearest an image index finds, and how many lists it must search to find enough."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.images.faiss_file import read_header, set_nprobe
from indexer.images.parts import EXACT, Part
from indexer.images.plan import Plan
from indexer.images.searcher import INDEX_NAME, DenseSearcher
from indexer.search import Hit, SearchParams

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["RECALL_WANTED", "Recall", "choose_nprobe"]

RECALL_WANTED = 0.99
"""Share of the true ten nearest that a query must find, on average over the queries of the plan."""
_K = 10
_SAME = 1e-6
"""Scores nearer than this are a tie: a copy of a picture answers as well as the picture."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recall:
    """Mean share of the true ten nearest found, over a number of queries; None where there was nothing to find."""

    value: float | None
    queries: int


def choose_nprobe(
    folder: Path, plan: Plan, parts: Sequence[Part], positions: Sequence[NDArray[np.int64]], ids: pa.Table
) -> Recall:
    """Search more and more lists until the recall is RECALL_WANTED; write their number into the index.

    The truth is the exact inner product with the unrounded vectors. A query is a row of the embeddings; its own file
    is no answer to it, so to the index it is a picture never seen.

    Args:
        folder: holds index and ids.
        plan: has the queries.
        parts: have their exact neighbours.
        positions: of the rows of each part in the index, -1 where it is not in it.
        ids: the ids table.
    """
    truths = _truths(plan, parts, positions, ids.column("file"))
    asked = [number for number, truth in enumerate(truths) if truth]
    header = read_header(folder / INDEX_NAME)
    value = None
    for nprobe in _ladder(header.nlist):
        if header.nlist > 1:
            set_nprobe(folder / INDEX_NAME, nprobe)
        if not asked:
            break
        hits = DenseSearcher(folder).search(plan.queries[asked], SearchParams(_K + 1))
        value = sum(_share(truths[at], plan.query_files[at], found) for at, found in zip(asked, hits, strict=True))
        value /= len(asked)
        _log.info("recall@10 %.4f with %d of %d lists", value, nprobe, header.nlist)
        if value >= RECALL_WANTED:
            break
    return Recall(None if value is None else round(value, 4), len(asked))


def _ladder(nlist: int) -> Iterator[int]:
    """Return the numbers of lists that are tried.

    >>> list(_ladder(20))
    [1, 2, 3, 4, 6, 8, 12, 16, 20]
    """
    step = 1
    while step < nlist:
        yield step
        if step > 1 and step + step // 2 < nlist:
            yield step + step // 2
        step *= 2
    yield nlist


def _truths(
    plan: Plan, parts: Sequence[Part], positions: Sequence[NDArray[np.int64]], files: pa.ChunkedArray
) -> list[dict[str, float]]:
    """Return the nearest files of each query with their exact scores; none where they cannot be told."""
    return [_truth(plan.query_files[number], number, parts, positions, files) for number in range(len(plan.queries))]


def _truth(
    own: str, number: int, parts: Sequence[Part], positions: Sequence[NDArray[np.int64]], files: pa.ChunkedArray
) -> dict[str, float]:
    scored: dict[str, float] = {}
    unseen = -2.0  # the best score that a row which no part has kept may have
    for part, places in zip(parts, positions, strict=True):
        scores, rows = part.exact_scores[number], part.exact_rows[number]
        if len(part.files) > EXACT:
            unseen = max(unseen, float(scores[-1]))
        for score, row in zip(scores, rows, strict=True):
            if places[row] >= 0:
                scored[str(files[int(places[row])])] = float(score)
    scored.pop(own, None)
    best = dict(sorted(scored.items(), key=lambda item: -item[1]))
    is_whole = unseen < -1 or (len(best) >= _K and sorted(best.values())[-_K] >= unseen)
    return best if is_whole else {}


def _share(truth: dict[str, float], own: str, hits: Sequence[Hit]) -> float:
    """Return the share of the ten nearest that were found; a copy with the score of the tenth counts as it."""
    k = min(_K, len(truth))
    enough = sorted(truth.values(), reverse=True)[k - 1] - _SAME
    found = [hit.doc_id for hit in hits if hit.doc_id != own][:k]
    return sum(truth.get(name, -2.0) >= enough for name in found) / k
