"""Pictures that people ask with: decoded and encoded once, then held as a small copy and a vector; nothing on disk."""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.encoders import ImageLimits, decode_image, displayed_size
from indexer.index import WikiIndex
from indexer.web.http import Lane, Refused

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["MAX_BODY_BYTES", "AskedPicture", "AskedPictures", "to_jpeg"]

MAX_BODY_BYTES = 20_000_000
"""Largest picture that is taken: a camera's JPEG has 5 to 15 MB."""
_LIMITS = ImageLimits(size_bytes=MAX_BODY_BYTES)
_HELD = 64
_WAITING = 8
"""Pictures that may wait for the encoder: with their bytes at most 160 MB."""
_SIDE_PX = 320
_QUALITY = 82


@dataclass(frozen=True, eq=False)
class AskedPicture:
    """A picture that was asked with.

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


class AskedPictures:
    """The pictures asked with last, by the hash of their bytes.

    Args:
        index: whose encoder reads them.
        held: how many; the one not asked with for longest goes first.
    """

    def __init__(self, index: WikiIndex, held: int = _HELD) -> None:
        self._index, self._most = index, held
        self._held: OrderedDict[str, AskedPicture] = OrderedDict()
        self.lane = Lane("encode", _WAITING)

    async def add(self, data: bytes) -> AskedPicture:
        """Decode and encode a picture, one at a time.

        Raises:
            ImageRefused: the bytes are no picture that can be used.
            StoreError, MissingDependency: the index has no pictures, or this machine not their encoder.
            Overloaded: too many wait.
        """
        name = hashlib.sha256(data).hexdigest()
        found = self._held.get(name)
        if found is None:
            found = await self.lane.call(lambda: self._read(name, data))
            self._held[name] = found
        self._held.move_to_end(name)
        while len(self._held) > self._most:
            self._held.popitem(last=False)
        return found

    def get(self, name: str) -> AskedPicture:
        """Return the picture of a hash.

        Raises:
            Refused: it is not held.
        """
        if name not in self._held:
            message = "this picture is not held here (any more)"
            raise Refused(404, message, f"send it again; the last {self._most} are held until the server ends")
        self._held.move_to_end(name)
        return self._held[name]

    def _read(self, name: str, data: bytes) -> AskedPicture:
        _ = self._index.image_searcher  # an index without pictures is said before the picture is read
        picture = decode_image(data, limits=_LIMITS)
        width, height = displayed_size(picture)
        (vector,) = self._index.encode_images([picture])
        return AskedPicture(name, width, height, to_jpeg(picture), vector)


def to_jpeg(picture: Image.Image, side_px: int = _SIDE_PX) -> bytes:
    """Write a small JPEG of an RGB picture: what is shown is never what somebody sent."""
    small = picture.copy()
    small.thumbnail((side_px, side_px))
    small.info = {}
    out = io.BytesIO()
    small.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
