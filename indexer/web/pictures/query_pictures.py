"""Pictures that people search with: decoded and encoded once, then kept as a small copy and a vector."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.encoders import ImageLimits, ImageRefused, decode_image, displayed_size
from indexer.index import WikiIndex
from indexer.web.given import NotFound
from indexer.web.http import TooLarge, WorkerThread
from indexer.web.pictures.previews import to_jpeg

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MAX_BODY_BYTES", "QueryPicture", "QueryPictures"]

MAX_BODY_BYTES = 20_000_000
"""Largest picture that may be sent: a camera's JPEG has 5 to 15 MB."""
_LIMITS = ImageLimits(size_bytes=MAX_BODY_BYTES)
_TOO_LARGE = ("too_large", "extreme_shape", "too_slow")
"""Reasons of `ImageRefused` for pictures that are sound, but would cost too much."""
_MAX_KEPT = 64
_MAX_WAITING = 8
"""Pictures that may wait for the encoder: with their bytes at most 160 MB."""


@dataclass(frozen=True, eq=False)
class QueryPicture:
    """A picture that was sent for a search.

    Args:
        sha256: of the bytes that were sent.
        width: of the picture, in pixels, as displayed.
        height: likewise.
        preview: a small JPEG of it.
        vector: [dim] float32, by the encoder of the index.
    """

    sha256: str
    width: int
    height: int
    preview: bytes
    vector: NDArray[np.float32]


class QueryPictures:
    """The pictures that were sent last, by the hash of their bytes; the one not used for longest goes first.

    Args:
        index: whose encoder reads them.
        max_kept: how many are kept.
    """

    def __init__(self, index: WikiIndex, max_kept: int = _MAX_KEPT) -> None:
        self._index, self._max_kept = index, max_kept
        self._kept: OrderedDict[str, QueryPicture] = OrderedDict()
        self.encoder_thread = WorkerThread("encoder", _MAX_WAITING)

    async def add(self, data: bytes) -> QueryPicture:
        """Decode and encode a picture, one at a time.

        Raises:
            TooLarge: it would cost too much to decode.
            ImageRefused: the bytes are not a picture that can be used.
            StoreError, MissingDependency: the index has no pictures, or this machine not their encoder.
            QueueFull: too many are waiting.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        picture = self._kept.get(sha256)
        if picture is None:
            picture = await self.encoder_thread.run(lambda: self._read(sha256, data))
            self._kept[sha256] = picture
        self._kept.move_to_end(sha256)
        while len(self._kept) > self._max_kept:
            self._kept.popitem(last=False)
        return picture

    def get(self, sha256: str) -> QueryPicture:
        """Return the picture of a hash.

        Raises:
            NotFound: it is not kept.
        """
        if sha256 not in self._kept:
            remedy = f"send it again; the last {self._max_kept} are held until the server ends"
            raise NotFound("this picture is not held here (any more)", remedy=remedy)
        self._kept.move_to_end(sha256)
        return self._kept[sha256]

    def _read(self, sha256: str, data: bytes) -> QueryPicture:
        _ = self._index.image_searcher  # raises for an index without pictures, before a picture is decoded in vain
        try:
            picture = decode_image(data, limits=_LIMITS)
        except ImageRefused as error:
            if error.reason in _TOO_LARGE:
                raise TooLarge(error.message, remedy=error.remedy) from error
            raise
        width, height = displayed_size(picture)
        (vector,) = self._index.encode_images([picture])
        return QueryPicture(sha256, width, height, to_jpeg(picture), vector)
