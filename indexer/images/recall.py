"""The recall of an image index: the share of the true nearest that it finds, and the lists to search for enough.

The truth is brute force: while a part is made, each query of the plan is compared with every unrounded vector of its
shard, and the best EXACT rows are kept. Merged over the parts they are the true neighbours, as far as they are deep
enough (`_truth`):

    part 1   q1: rows and scores, best first, 32   --+
    part 2   q1: rows and scores, best first, 32   --+-->  q1's true ten  --compared with-->  the index's ten
    ...                                            --+
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.images.faiss_file import read_header, set_nprobe
from indexer.images.parts import EXACT, IndexPart
from indexer.images.plan import IndexPlan
from indexer.images.searcher import INDEX_NAME, DenseSearcher
from indexer.search import Hit, SearchParams

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["MIN_RECALL", "Recall", "choose_nprobe"]

MIN_RECALL = 0.99
"""Share of the true ten nearest that the index must find, as the mean over the queries of the plan."""
_K = 10
"""Of recall@10. It is part of the name `recall_at_10` in manifests, whatever number of hits a search asks for."""
_TIE = 1e-6
"""Scores that differ by less are a tie: a copy of a picture is as good a hit as the picture."""
_BELOW_ALL = -2.0
"""Below every inner product of unit vectors."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recall:
    """The mean share of the true ten nearest that was found, over the queries; None where no query has a neighbour."""

    value: float | None
    queries: int


def choose_nprobe(
    folder: Path, plan: IndexPlan, parts: Sequence[IndexPart], positions: Sequence[NDArray[np.int64]], ids: pa.Table
) -> Recall:
    """Search more and more lists until the recall is MIN_RECALL, and write their number into the index.

    A query is a vector of the embeddings. Its own file does not count as a hit, so that it is like a new picture.

    Args:
        folder: holds the index and its ids.
        plan: has the queries.
        parts: have the exact neighbours of the queries.
        positions: of the rows of each part in the index, -1 where a row is not in it.
        ids: the table of ids.
    """
    truths = _truths(plan, parts, positions, ids.column("file"))
    measured = [number for number, truth in enumerate(truths) if truth]
    header = read_header(folder / INDEX_NAME)
    value = None
    for nprobe in _nprobes(header.nlist):
        if header.nlist > 1:
            set_nprobe(folder / INDEX_NAME, nprobe)
        if not measured:
            break
        # One hit more than ten, because the query's own file is taken out.
        hits = DenseSearcher(folder).search(plan.queries[measured], SearchParams(_K + 1))
        value = sum(_share(truths[at], plan.query_files[at], found) for at, found in zip(measured, hits, strict=True))
        value /= len(measured)
        _log.info("recall@10 %.4f with %d of %d lists", value, nprobe, header.nlist)
        if value >= MIN_RECALL:
            break
    return Recall(None if value is None else round(value, 4), len(measured))


def _nprobes(nlist: int) -> Iterator[int]:
    """Return the numbers of lists to try: powers of two, and one and a half times each.

    >>> list(_nprobes(20))
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
    plan: IndexPlan, parts: Sequence[IndexPart], positions: Sequence[NDArray[np.int64]], files: pa.ChunkedArray
) -> list[dict[str, float]]:
    """Return the nearest files of each query with their exact scores; none where the parts hold too few (`_truth`)."""
    return [_truth(plan.query_files[number], number, parts, positions, files) for number in range(len(plan.queries))]


def _truth(
    own: str, number: int, parts: Sequence[IndexPart], positions: Sequence[NDArray[np.int64]], files: pa.ChunkedArray
) -> dict[str, float]:
    """Return the nearest files of query `number`, best first, with their exact scores.

    A part keeps EXACT rows of each query. A row that it did not keep scores at most what its last kept row scores, so
    the ten best are true only if the tenth is at least as good as that bound of every part. Else the result is empty.
    """
    scored: dict[str, float] = {}
    bound = _BELOW_ALL
    for part, part_positions in zip(parts, positions, strict=True):
        scores, rows = part.exact_scores[number], part.exact_rows[number]
        if len(part.files) > EXACT:
            bound = max(bound, float(scores[-1]))
        for score, row in zip(scores, rows, strict=True):
            if part_positions[row] >= 0:
                scored[str(files[int(part_positions[row])])] = float(score)
    scored.pop(own, None)
    best = dict(sorted(scored.items(), key=lambda item: -item[1]))
    has_all_rows = bound == _BELOW_ALL
    is_deep_enough = len(best) >= _K and sorted(best.values())[-_K] >= bound
    return best if has_all_rows or is_deep_enough else {}


def _share(truth: dict[str, float], own: str, hits: Sequence[Hit]) -> float:
    """Return the share of the ten nearest that the hits hold; a file that ties with the tenth counts as it does."""
    k = min(_K, len(truth))
    score_of_last = sorted(truth.values(), reverse=True)[k - 1] - _TIE
    found = [hit.doc_id for hit in hits if hit.doc_id != own][:k]
    return sum(truth.get(name, _BELOW_ALL) >= score_of_last for name in found) / k
