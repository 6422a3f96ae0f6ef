"""The layout of our two kinds of Faiss files: written here in one pass, and checked before Faiss may read them.

    flat    index | quantizer | length | codes of all vectors

    lists   index | nlist, nprobe | coarse index | length | centroids | direct map | quantizer | sizes of the lists
            | codes of list 0 | ids of list 0 | codes of list 1 | ids of list 1 | ...

Faiss itself writes an index only from memory, and its on-disk lists put the vectors into a second file whose path the
index holds (docs/decisions/0012). It trusts the lengths in a file that it reads: a foreign or damaged file can end the
process or allocate all memory, so every length is checked first. Source: the bytes that Faiss 1.15 writes for `SQfp16`
and `IVF{nlist},SQfp16` by inner product, not by residual; tests compare them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from schemas.errors import IndexCorrupt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FLAT", "IVF", "METRIC", "Header", "read_header", "set_nprobe", "write_flat_head", "write_ivf_head"]

FLAT, IVF = "flat_fp16", "ivf_fp16"
METRIC = "inner_product"
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."

_INDEX = struct.Struct("<4siqqq?i")
"""Begins every index: fourcc (its kind), dim, vectors, two unused fields, is trained, metric."""
_QUANTIZER = struct.Struct("<iifQQQ")
"""Scalar quantizer: type, kind of range, argument of the range, dim, bytes of a code, number of trained values."""
_LISTS = struct.Struct("<QQ")
"""Inverted file: nlist and nprobe."""
_LENGTH = struct.Struct("<Q")
_DIRECT_MAP = struct.Struct("<bQ")
_IVF_CODES = struct.Struct("<Q?4sQQ4sQ")
"""Bytes of a code, is by residual, `ilar` (lists in arrays), nlist, bytes of a code, `full` (a size for every list),
nlist; the sizes of the lists follow."""
_UNUSED, _INNER_PRODUCT, _QT_FP16 = 1 << 20, 0, 4
_NPROBE_AT = _INDEX.size + 8
_ID_BYTES = 8


@dataclass(frozen=True)
class Header:
    """The kind and the size of an index. A flat one has nlist 1 and nprobe 1: one list, which is always searched."""

    kind: str
    dim: int
    vectors: int
    nlist: int = 1
    nprobe: int = 1

    @property
    def factory(self) -> str:
        """The index as Faiss's index_factory describes it."""
        return "SQfp16" if self.kind == FLAT else f"IVF{self.nlist},SQfp16"


def write_flat_head(file: BinaryIO, dim: int, vectors: int) -> None:
    """Write the beginning of a flat index; its codes [vectors, dim] float16 follow."""
    file.write(_INDEX.pack(b"IxSQ", dim, vectors, _UNUSED, _UNUSED, True, _INNER_PRODUCT))
    file.write(_QUANTIZER.pack(_QT_FP16, 0, 0.0, dim, 2 * dim, 0))
    file.write(_LENGTH.pack(vectors * 2 * dim))


def write_ivf_head(
    file: BinaryIO, centroids: NDArray[np.float32], list_sizes: NDArray[np.int64], nprobe: int = 1
) -> None:
    """Write the beginning of an inverted file; codes [size, dim] float16 and ids int64 of each list follow."""
    nlist, dim = centroids.shape
    file.write(_INDEX.pack(b"IwSq", dim, int(list_sizes.sum()), _UNUSED, _UNUSED, True, _INNER_PRODUCT))
    file.write(_LISTS.pack(nlist, nprobe))
    file.write(_INDEX.pack(b"IxFI", dim, nlist, _UNUSED, _UNUSED, True, _INNER_PRODUCT))
    file.write(_LENGTH.pack(nlist * dim))
    file.write(centroids.astype("<f4").tobytes())
    file.write(_DIRECT_MAP.pack(0, 0))
    file.write(_QUANTIZER.pack(_QT_FP16, 0, 0.0, dim, 2 * dim, 0))
    file.write(_IVF_CODES.pack(2 * dim, False, b"ilar", nlist, 2 * dim, b"full", nlist))
    file.write(list_sizes.astype("<u8").tobytes())


def set_nprobe(path: Path, nprobe: int) -> None:
    """Set the number of lists that an inverted file searches."""
    with open(path, "r+b") as file:
        file.seek(_NPROBE_AT)
        file.write(_LENGTH.pack(nprobe))


def read_header(path: Path) -> Header:
    """Read what index a file holds, after checking that it is one of ours and has exactly the length that it states.

    Raises:
        IndexCorrupt: it is not one of ours, or its lengths contradict each other or the size of the file.
    """
    size_bytes = path.stat().st_size
    try:
        with open(path, "rb") as file:
            fourcc, dim, vectors = _read_index(file)
            if fourcc == b"IxSQ":
                header, expected = _read_flat(file, dim, vectors)
            elif fourcc == b"IwSq":
                header, expected = _read_ivf(file, dim, vectors, size_bytes)
            else:
                raise _NotOurs("not one of our kinds")
    except (_NotOurs, struct.error, OverflowError) as error:
        raise IndexCorrupt(f"not a {FLAT} or {IVF} Faiss index ({error})", path=path, remedy=_REBUILD) from error
    if size_bytes != expected:
        message = f"{size_bytes} bytes, {expected} expected for {vectors} vectors"
        raise IndexCorrupt(message, path=path, remedy=_REBUILD)
    return header


class _NotOurs(Exception):
    """A file that `write_flat_head` and `write_ivf_head` do not begin like this."""


def _read_index(file: BinaryIO) -> tuple[bytes, int, int]:
    fourcc, dim, vectors, _, _, trained, metric = _take(file, _INDEX)
    if dim < 1 or vectors < 0 or (trained, metric) != (True, _INNER_PRODUCT):
        raise _NotOurs(f"not by {METRIC}, or impossible lengths")
    return fourcc, dim, vectors


def _read_quantizer(file: BinaryIO, dim: int) -> None:
    kind, _, _, quantizer_dim, code_size, trained = _take(file, _QUANTIZER)
    if (kind, quantizer_dim, code_size, trained) != (_QT_FP16, dim, 2 * dim, 0):
        raise _NotOurs("not 16-bit floats, or lengths that contradict each other")


def _read_flat(file: BinaryIO, dim: int, vectors: int) -> tuple[Header, int]:
    _read_quantizer(file, dim)
    (codes,) = _take(file, _LENGTH)
    if codes != vectors * 2 * dim:
        raise _NotOurs("lengths that contradict each other")
    return Header(FLAT, dim, vectors), file.tell() + codes


def _read_ivf(file: BinaryIO, dim: int, vectors: int, size_bytes: int) -> tuple[Header, int]:
    nlist, nprobe = _take(file, _LISTS)
    inner = _read_index(file)
    (values,) = _take(file, _LENGTH)
    if inner != (b"IxFI", dim, nlist) or not 1 <= nprobe <= nlist or values != nlist * dim:
        raise _NotOurs("lists that contradict each other")
    if 4 * values + _LENGTH.size * nlist > size_bytes:  # before anything of that length is read
        raise _NotOurs("more lists than bytes")
    file.seek(4 * values, 1)
    if _take(file, _DIRECT_MAP) != (0, 0):
        raise _NotOurs("it has a direct map")
    _read_quantizer(file, dim)
    if _take(file, _IVF_CODES) != (2 * dim, False, b"ilar", nlist, 2 * dim, b"full", nlist):
        raise _NotOurs("not plain inverted lists of codes")
    sizes = struct.unpack(f"<{nlist}Q", file.read(_LENGTH.size * nlist))
    if sum(sizes) != vectors:
        raise _NotOurs("the lists do not sum to the vectors")
    return Header(IVF, dim, vectors, nlist, nprobe), file.tell() + vectors * (2 * dim + _ID_BYTES)


def _take(file: BinaryIO, layout: struct.Struct) -> tuple[Any, ...]:
    return layout.unpack(file.read(layout.size))
