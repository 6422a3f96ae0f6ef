"""The image index: unit vectors in Faiss, and the files and pages that they belong to."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.faiss_header import KIND, METRIC, read_header
from indexer.searcher import Hit, SearchParams
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, InputError, UsageError
from schemas.tables import IMAGE_IDS, IMAGES, check_table, embeddings_schema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["IDS_NAME", "INDEX_NAME", "KIND", "METRIC", "DenseSearcher", "build_dense", "to_hits"]

INDEX_NAME = "index.faiss"
IDS_NAME = "ids.parquet"
FLAT_IS_FAST_BELOW = 200_000
"""Vectors up to which comparing with all of them answers in tens of milliseconds."""

_BATCH_ROWS = 4096
_UNIT_TOLERANCE = 1e-3
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."
_log = logging.getLogger(__name__)


def build_dense(
    embedding_files: Sequence[Path],
    images_files: Sequence[Path],
    out_dir: Path,
    *,
    encoder: str,
    encoder_fingerprint: str,
) -> dict[str, Any]:
    """Write index.faiss (every vector, 16-bit floats, inner product) and ids.parquet, ordered by file name.

    Only files that an article uses are indexed. Vectors pass through in batches; beside them only file names
    and page ids are held in memory. The folder is built under a temporary name and renamed.

    Args:
        embedding_files: Parquet shards of ImageEmbedding, at least one.
        images_files: Parquet shards of ArticleImage.
        out_dir: the folder to make; one that exists is replaced.
        encoder: the encoder's spec.
        encoder_fingerprint: what identifies its weights.

    Returns:
        The manifest's `image_index`: encoder, encoder_fingerprint, dim, metric, kind, vectors, unused_vectors.

    Raises:
        InputError: there is no embedding shard.
        IndexCorrupt: a shard differs from the contract, a file has two vectors, or a vector is not a unit vector.
    """
    dim = _dim_of(embedding_files)
    pages = _pages_by_file(images_files)
    positions, unused = _order_files(embedding_files, pages, dim)
    temporary = out_dir.with_name(f".{out_dir.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    codes_path = temporary / "codes.bin"
    _write_codes(codes_path, embedding_files, positions, dim)
    _write_index(codes_path, temporary / INDEX_NAME, len(positions), dim)
    codes_path.unlink()
    _write_ids(temporary / IDS_NAME, list(positions), pages)
    DenseSearcher(temporary)
    shutil.rmtree(out_dir, ignore_errors=True)
    temporary.replace(out_dir)
    if len(positions) >= FLAT_IS_FAST_BELOW:
        _log.warning("%d image vectors in a flat index: a query compares with all of them", len(positions))
    return {
        "encoder": encoder,
        "encoder_fingerprint": encoder_fingerprint,
        "dim": dim,
        "metric": METRIC,
        "kind": KIND,
        "vectors": len(positions),
        "unused_vectors": unused,
    }


class DenseSearcher:
    """Exact search by inner product over the vectors of an image index folder.

    Args:
        folder: holds index.faiss and ids.parquet.
        dim: the dimension that the manifest or the encoder states; None takes the index's word.

    Raises:
        IndexNotFound: a file is not there.
        IndexCorrupt: the files are not what `build_dense` writes, or their lengths differ.
        IndexMismatch: another dimension or schema version.
    """

    def __init__(self, folder: str | Path, *, dim: int | None = None) -> None:
        folder = Path(folder)
        for name in (INDEX_NAME, IDS_NAME):
            if not (folder / name).is_file():
                raise IndexNotFound("the image index is not here", path=folder / name, remedy=_REBUILD)
        self.dim, self.vectors = read_header(folder / INDEX_NAME)
        if dim is not None and dim != self.dim:
            raise IndexMismatch(f"{self.dim} dimensions, {dim} expected", path=folder / INDEX_NAME, remedy=_REBUILD)
        ids = _read_ids(folder / IDS_NAME, self.vectors)
        self._files = ids.column("file")
        self._page_ids = ids.column("page_ids")
        self._index = _read_index(folder / INDEX_NAME)

    def search(self, queries: NDArray[np.float32] | Sequence[Any], params: SearchParams) -> list[list[Hit]]:
        """Rank files by inner product with each query; equal scores are ordered by file name.

        Args:
            queries: [q, dim] float32, none of them zero or with a NaN or an infinity.
            params: k may exceed the number of vectors.

        Returns:
            q lists of at most k hits; doc_id is the file.

        Raises:
            InputError: a query has another dimension, or no direction.
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
        scores, positions = self._index.search(vectors, min(params.k, self.vectors))
        return [to_hits(p, s, self._files) for p, s in zip(positions, scores, strict=True)]

    def page_ids(self, file: str) -> list[int]:
        """Give the ids of the pages that use an indexed file, ascending; empty if it is not indexed."""
        low, high = 0, self.vectors
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
    found = [(-float(score), int(position)) for position, score in zip(positions, scores, strict=True) if position >= 0]
    names = [(score, str(doc_ids[position])) for score, position in sorted(found)]
    return [Hit(rank, -score, name) for rank, (score, name) in enumerate(names, start=1)]


def _check_queries(vectors: NDArray[np.float32], dim: int) -> None:
    import numpy as np

    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise InputError(
            f"queries of shape {vectors.shape}, the index has {dim} dimensions",
            remedy="encode the query with the encoder that the manifest names",
        )
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1))
    if len(bad):
        raise InputError("the vector is zero or not finite", place=f"query {int(bad[0])}", remedy=_ENCODE_AGAIN)


_ENCODE_AGAIN = "encode the image again"


def _dim_of(embedding_files: Sequence[Path]) -> int:
    if not embedding_files:
        raise InputError("there is no embedding shard to index", remedy=_REBUILD)
    try:
        kind = pq.read_schema(embedding_files[0]).field("vector").type
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise IndexCorrupt(f"not a shard of embeddings ({error})", path=embedding_files[0], remedy=_REBUILD) from error
    if not pa.types.is_fixed_size_list(kind):
        raise IndexCorrupt(f"vectors of type {kind}", path=embedding_files[0], remedy=_REBUILD)
    return int(kind.list_size)


def _batches(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(batch_size=_BATCH_ROWS, columns=columns)


def _pages_by_file(images_files: Sequence[Path]) -> dict[str, list[int]]:
    pages: dict[str, set[int]] = {}
    for path in images_files:
        check_table(path, IMAGES)
        for batch in _batches(path, ["file", "page_id"]):
            for file, page in zip(batch["file"].to_pylist(), batch["page_id"].to_pylist(), strict=True):
                pages.setdefault(file, set()).add(page)
    return {file: sorted(ids) for file, ids in pages.items()}


def _order_files(embedding_files: Sequence[Path], pages: dict[str, list[int]], dim: int) -> tuple[dict[str, int], int]:
    """Give each used file its position by name, in that order, and count the vectors that no article uses."""
    used: set[str] = set()
    unused = 0
    for path in embedding_files:
        check_table(path, embeddings_schema(dim))
        for batch in _batches(path, ["file"]):
            for file in batch["file"].to_pylist():
                if file in used:
                    raise IndexCorrupt("a file has two vectors", path=path, place=file, remedy=_REBUILD)
                if file in pages:
                    used.add(file)
                else:
                    unused += 1
    return {file: position for position, file in enumerate(sorted(used))}, unused


def _write_codes(path: Path, embedding_files: Sequence[Path], positions: dict[str, int], dim: int) -> None:
    """Lay the vectors as 16-bit floats [n, dim] into a file, each at its position."""
    import numpy as np

    if not positions:
        path.touch()
        return
    codes = np.memmap(path, dtype=np.float16, mode="w+", shape=(len(positions), dim))
    for shard in embedding_files:
        for batch in _batches(shard, ["file", "vector"]):
            files = batch["file"].to_pylist()
            vectors = batch["vector"].flatten().to_numpy(zero_copy_only=False).reshape(-1, dim)
            norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
            bad = np.flatnonzero(~(np.abs(norms - 1) <= _UNIT_TOLERANCE))
            if len(bad):
                place = f"{files[int(bad[0])]}"
                raise IndexCorrupt("not a unit vector", path=shard, place=place, remedy=_REBUILD)
            rows = [row for row, file in enumerate(files) if file in positions]
            codes[[positions[files[row]] for row in rows]] = vectors[rows]
    codes.flush()


def _write_index(codes_path: Path, path: Path, vectors: int, dim: int) -> None:
    import faiss
    import numpy as np

    index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    if vectors:
        codes = np.memmap(codes_path, dtype=np.uint8, mode="r", shape=(vectors, 2 * dim))
        for start in range(0, vectors, _BATCH_ROWS):
            index.add_sa_codes(np.ascontiguousarray(codes[start : start + _BATCH_ROWS]))
    faiss.write_index(index, str(path))


def _write_ids(path: Path, files: list[str], pages: dict[str, list[int]]) -> None:
    with pq.ParquetWriter(path, IMAGE_IDS) as writer:
        for start in range(0, len(files), _BATCH_ROWS):
            part = files[start : start + _BATCH_ROWS]
            writer.write_table(pa.table({"file": part, "page_ids": [pages[f] for f in part]}, schema=IMAGE_IDS))


def _read_ids(path: Path, vectors: int) -> pa.Table:
    rows = check_table(path, IMAGE_IDS)
    if rows != vectors:
        raise IndexCorrupt(f"{rows} ids for {vectors} vectors", path=path, remedy=_REBUILD)
    import pyarrow.compute as pc

    ids = pq.read_table(path).combine_chunks()
    files = ids.column("file")
    if files.null_count or (rows > 1 and not pc.all(pc.less(files[:-1], files[1:])).as_py()):
        raise IndexCorrupt("the files are not in ascending order", path=path, remedy=_REBUILD)
    return ids


def _read_index(path: Path) -> Any:
    import faiss

    try:
        return faiss.read_index(str(path))
    except RuntimeError as error:
        raise IndexCorrupt(f"Faiss cannot read it ({error})", path=path, remedy=_REBUILD) from error
