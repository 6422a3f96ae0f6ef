"""The searcher of the image view: unit vectors in Faiss, and the files and pages that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.images.faiss_file import FLAT, Header, read_header
from indexer.search import Hit, SearchParams
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, InputError, UsageError
from schemas.tables import IMAGE_IDS, check_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["IDS_NAME", "INDEX_NAME", "DenseSearcher", "to_hits"]

INDEX_NAME = "index.faiss"
IDS_NAME = "ids.parquet"
_PROBED_K = 20
"""Hits for which the nprobe of the build gives its recall, measured at ten; more hits need more lists."""
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."


class DenseSearcher:
    """Ranks the files of an image index by inner product: all of a flat index, of another those in the nearest lists.

    Lists are mapped into memory, so only those that are searched are read.

    Args:
        folder: holds index.faiss and ids.parquet.
        dim: the dimension that the manifest or the encoder states; None accepts that of the index.

    Raises:
        IndexNotFound: a file is not there.
        IndexCorrupt: the files are not those of a build, or their lengths differ.
        IndexMismatch: another dimension or schema version.
    """

    def __init__(self, folder: str | Path, *, dim: int | None = None) -> None:
        folder = Path(folder)
        for name in (INDEX_NAME, IDS_NAME):
            if not (folder / name).is_file():
                raise IndexNotFound("the image index is not here", path=folder / name, remedy=_REBUILD)
        self.header = read_header(folder / INDEX_NAME)
        self.dim, self.vectors = self.header.dim, self.header.vectors
        if dim is not None and dim != self.dim:
            raise IndexMismatch(f"{self.dim} dimensions, {dim} expected", path=folder / INDEX_NAME, remedy=_REBUILD)
        ids = _read_ids(folder / IDS_NAME, self.vectors)
        self._files = ids.column("file")
        self._page_ids = ids.column("page_ids")
        self.names_bytes = int(ids.nbytes)
        self._path = folder / INDEX_NAME
        self._index = _read_index(self._path, self.header)

    def search(self, queries: NDArray[np.float32] | Sequence[Any], params: SearchParams) -> list[list[Hit]]:
        """Rank files by inner product with each query; files of equal score are ordered by name.

        Args:
            queries: [q, dim] float32, none of them zero or with a NaN or an infinity.
            params: k may exceed the number of vectors.

        Returns:
            q lists of at most k hits; doc_id is the file.

        Raises:
            InputError: a query has another dimension, or is zero or not finite.
            UsageError: k is below 1.
        """
        import numpy as np

        if params.k < 1:
            raise UsageError(f"k is {params.k}", remedy="give k of at least 1")
        if len(queries) == 0:
            return []
        vectors = np.ascontiguousarray(queries, dtype=np.float32)
        _check_queries(vectors, self.dim)
        if self.vectors == 0:
            return [[] for _ in vectors]
        scores, positions = self._find(vectors, min(params.k, self.vectors))
        return [to_hits(p, s, self._files) for p, s in zip(positions, scores, strict=True)]

    def _find(self, vectors: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Search as many lists as k hits need; a query whose lists hold fewer than k is repeated in all lists."""
        if self.header.kind == FLAT:
            return self._checked(self._index.search(vectors, k))
        nlist = self.header.nlist
        nprobe = min(nlist, self.header.nprobe * max(1, -(-k // _PROBED_K)))
        scores, positions = self._checked(self._index.search(vectors, k, params=_ivf_params(nprobe)))
        short = (positions[:, -1] < 0).nonzero()[0]
        if len(short) and nprobe < nlist:
            again = self._index.search(vectors[short], k, params=_ivf_params(nlist))
            scores[short], positions[short] = self._checked(again)
        return scores, positions

    def _checked(self, found: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Check that positions are those of vectors; others mean that the ids in the lists are damaged.

        Raises:
            IndexCorrupt: a position is not in the index.
        """
        scores, positions = found
        if positions.size and not -1 <= positions.min() <= positions.max() < self.vectors:
            raise IndexCorrupt("a list holds a vector that is not there", path=self._path, remedy=_REBUILD)
        return scores, positions

    def page_ids(self, file: str) -> list[int]:
        """Return the ids of the pages that use an indexed file, ascending; empty if it is not indexed."""
        low, high = 0, self.vectors  # a binary search in the Arrow column, which is sorted: no list of names in memory
        while low < high:
            middle = (low + high) // 2
            if self._files[middle].as_py() < file:
                low = middle + 1
            else:
                high = middle
        if low == self.vectors or self._files[low].as_py() != file:
            return []
        return cast("list[int]", self._page_ids[low].as_py())


def to_hits(positions: NDArray[np.int64], scores: NDArray[np.float32], doc_ids: Any) -> list[Hit]:
    """Rank Faiss positions [k] int64 and scores [k] float32; -1 padding ends the list.

    Args:
        positions: indexes into doc_ids, best first, -1 where Faiss found nothing more.
        scores: inner products.
        doc_ids: sequence of strings, or an Arrow array of them.

    >>> import numpy as np
    >>> to_hits(np.array([1, 0, -1]), np.array([0.9, 0.5, -3e38], np.float32), ["a", "b"])[0]
    Hit(rank=1, score=0.8999999761581421, doc_id='b')
    """
    # Positions are in the order of the names, so sorting by position orders equal scores by name.
    ranked = sorted(
        (-float(score), int(position)) for position, score in zip(positions, scores, strict=True) if position >= 0
    )
    return [Hit(rank, -score, str(doc_ids[position])) for rank, (score, position) in enumerate(ranked, start=1)]


def _check_queries(vectors: NDArray[np.float32], dim: int) -> None:
    import numpy as np

    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise InputError(
            f"queries of shape {vectors.shape}, the index has {dim} dimensions",
            remedy="encode the query with the encoder that the manifest names",
        )
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1))
    if len(bad):
        raise InputError(
            "the vector is zero or not finite", place=f"query {int(bad[0])}", remedy="encode the image again"
        )


def _read_ids(path: Path, vectors: int) -> pa.Table:
    """Read the table of ids: row n belongs to vector n.

    Raises:
        IndexCorrupt: it has another number of rows, or they are not ordered by name.
    """
    rows = check_table(path, IMAGE_IDS)
    if rows != vectors:
        raise IndexCorrupt(f"{rows} ids for {vectors} vectors", path=path, remedy=_REBUILD)
    import pyarrow.compute as pc

    ids = pq.read_table(path).combine_chunks()
    files = ids.column("file")
    if files.null_count or (rows > 1 and not pc.all(pc.less(files[:-1], files[1:])).as_py()):
        raise IndexCorrupt("the files are not in ascending order", path=path, remedy=_REBUILD)
    return ids


def _ivf_params(nprobe: int) -> Any:
    import faiss

    make: Any = faiss.SearchParametersIVF
    return make(nprobe=nprobe)


def _read_index(path: Path, header: Header) -> Any:
    import faiss

    try:
        if header.kind == FLAT:
            return faiss.read_index(str(path))
        index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
        lists: Any = faiss.downcast_InvertedLists(index.invlists)
        lists.prefetch_nthread = 0  # to start threads that read ahead takes longer than a query
        return index
    except RuntimeError as error:
        raise IndexCorrupt(f"Faiss cannot read it ({error})", path=path, remedy=_REBUILD) from error
