"""The first bytes of a Faiss file: whether it may be given to Faiss at all."""

from __future__ import annotations

import struct
from pathlib import Path

from schemas.errors import IndexCorrupt

__all__ = ["KIND", "METRIC", "read_header"]

KIND = "flat_fp16"
METRIC = "inner_product"
_REBUILD = "build the index again: beam run build_wiki_index --overwrite ..."

_HEADER = struct.Struct("<4siqqq?iiifQQQQ")
"""IxSQ: fourcc, dim, vectors, two unused, trained, metric, quantizer type, range kind, range argument, dim,
code size, trained values, bytes of codes. Source: the bytes that Faiss 1.15 writes."""
_INNER_PRODUCT, _QT_FP16 = 0, 4


def read_header(path: Path) -> tuple[int, int]:
    """Check that a file is a flat fp16 inner-product index of its own length; give dim and number of vectors.

    Faiss trusts the lengths in a file: a foreign or damaged one can end the process or ask for all memory.
    """
    with open(path, "rb") as file:
        head = file.read(_HEADER.size)
    if len(head) < _HEADER.size or head[:4] != b"IxSQ":
        raise IndexCorrupt(f"not a {KIND} Faiss index", path=path, remedy=_REBUILD)
    _, dim, vectors, _, _, trained, metric, kind, _, _, quantizer_dim, code_size, extra, codes = _HEADER.unpack(head)
    if (trained, metric, kind, extra) != (True, _INNER_PRODUCT, _QT_FP16, 0):
        raise IndexCorrupt(f"not a {KIND} Faiss index by {METRIC}", path=path, remedy=_REBUILD)
    size_bytes = path.stat().st_size
    if dim < 1 or vectors < 0 or (quantizer_dim, code_size, codes) != (dim, 2 * dim, vectors * 2 * dim):
        raise IndexCorrupt("the lengths in the header contradict each other", path=path, remedy=_REBUILD)
    if size_bytes != _HEADER.size + codes:
        message = f"{size_bytes} bytes, {_HEADER.size + codes} expected for {vectors} vectors"
        raise IndexCorrupt(message, path=path, remedy=_REBUILD)
    return dim, vectors
