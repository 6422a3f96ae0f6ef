"""Small copies of pictures, for pages: made one at a time, the last ones kept in memory."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from indexer.web.http import WorkerThread

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["PREVIEW_HEADERS", "PreviewCache", "to_jpeg"]

PREVIEW_HEADERS = {"cache-control": "private, max-age=3600"}
_MAX_KEPT = 512
"""Copies in memory: some 5 to 60 kB each."""
_MAX_WAITING = 1024
"""Copies that may be asked for at once: a page of 100 answers asks for 100."""
_SIDE_PX = 320
_QUALITY = 82


class PreviewCache:
    """Small JPEGs by key; the one not used for longest goes first.

    Args:
        thread_name: of the thread that makes them, one at a time, because a large picture takes much memory.
    """

    def __init__(self, thread_name: str) -> None:
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._worker = WorkerThread(thread_name, _MAX_WAITING)

    async def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return the JPEG of a key, which a function makes where it is not kept.

        Raises:
            QueueFull: too many are waiting.
        """
        if key not in self._kept:
            self._kept[key] = await self._worker.run(make)
        jpeg = self._kept[key]
        self._kept.move_to_end(key)
        while len(self._kept) > _MAX_KEPT:
            self._kept.popitem(last=False)
        return jpeg


def to_jpeg(picture: Image.Image, side_px: int = _SIDE_PX) -> bytes:
    """Return a small JPEG of an RGB picture, so that no page ever shows the bytes that somebody sent."""
    small = picture.copy()
    small.thumbnail((side_px, side_px))
    small.info = {}  # Pillow would write the comment of the sender's file again
    out = io.BytesIO()
    small.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()
