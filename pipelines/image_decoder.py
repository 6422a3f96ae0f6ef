"""Pictures are decoded in a child process: one that hangs, crashes or eats memory costs itself, never the build."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from indexer.pixels import ImageRefused, decode_image, displayed_size, with_displayed_size
from pipelines.guard import GuardedParser
from schemas.records import Reject

if TYPE_CHECKING:
    from PIL import Image

    from pipelines.page_xml import Page

__all__ = ["DECODE_MEMORY_BYTES", "DECODE_TIMEOUT_S", "GuardedDecoder"]

DECODE_TIMEOUT_S = 60.0
"""Many times what the worst picture within the bounds of `indexer.pixels` takes on a busy machine."""
DECODE_MEMORY_BYTES = 3 * 2**30
"""Address space; the worst picture within the bounds of `indexer.pixels` peaks at 1.6 GB."""

_REASONS = {"parser_timeout": "too_slow", "parser_memory": "too_large", "parser_died": "broken"}


@dataclass(frozen=True, slots=True)
class _Bytes:
    """What the guard sends to its child; the names are those that the guard shows."""

    data: bytes
    page_id: int = 0
    title: str = "picture"


@dataclass(frozen=True, slots=True)
class _Pixels:
    """What comes back: 8-bit RGB in rows, its size, and the size as displayed; or a refusal."""

    rgb: bytes
    size: tuple[int, int]
    displayed: tuple[int, int]
    refusal: ImageRefused | None = None


class GuardedDecoder:
    """Decodes as `decode_image` does, bounded in seconds and memory too.

    Args:
        timeout_s: for one picture.
        memory_bytes: beyond what the child has when it starts (Linux).
    """

    def __init__(self, timeout_s: float = DECODE_TIMEOUT_S, memory_bytes: int = DECODE_MEMORY_BYTES) -> None:
        self._guard: GuardedParser[_Pixels] = GuardedParser(_decode, timeout_s, memory_bytes)  # type: ignore[arg-type]

    def decode(self, data: bytes) -> Image.Image:
        """Decode a picture.

        Raises:
            ImageRefused: with a reason of `decode_image`, or too_slow.
        """
        from PIL import Image

        pixels = self._guard.parse(cast("Page", _Bytes(data)))
        if isinstance(pixels, Reject):
            raise ImageRefused(f"{_REASONS.get(pixels.reason, 'broken')}: {pixels.detail}")
        if pixels.refusal is not None:
            raise pixels.refusal
        return with_displayed_size(Image.frombytes("RGB", pixels.size, pixels.rgb), pixels.displayed)

    def close(self) -> None:
        """End the child."""
        self._guard.close()


def _decode(item: _Bytes) -> _Pixels:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, on pictures that are refused for the same reason
            image = decode_image(item.data)
    except ImageRefused as error:
        return _Pixels(b"", (0, 0), (0, 0), error)
    return _Pixels(image.tobytes(), image.size, displayed_size(image))
