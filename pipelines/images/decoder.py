"""Decodes pictures in a child process: one on which the decoder hangs, crashes or eats memory is refused, no more."""

from __future__ import annotations

import contextlib
import os
import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from indexer.encoders import ImageRefused, decode_image, displayed_size, with_displayed_size
from pipelines.sandbox import Failure, GuardedFunction

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["DECODE_MEMORY_BYTES", "DECODE_TIMEOUT_S", "GuardedDecoder"]

DECODE_TIMEOUT_S = 60.0
"""Many times what the worst picture that `decode_image` allows takes on a busy machine."""
DECODE_MEMORY_BYTES = 3 * 2**30
"""Address space; the worst picture that `decode_image` allows peaks at 1.6 GB."""

_KEPT_BYTES = 4 * 2**20
"""Shared memory above this is released after each picture; below it, it is kept for the next one."""

_REASONS = {"timeout": "too_slow", "memory": "too_large"}


@dataclass(frozen=True, slots=True)
class _Pixels:
    """What the child returns: a picture, or why it was refused.

    Args:
        rgb: 8-bit RGB in rows; b"": they are in the shared file.
        size: width and height of the pixels.
        displayed: width and height of the picture before it was scaled down for decoding.
        refusal: None if there is a picture.
    """

    rgb: bytes
    size: tuple[int, int]
    displayed: tuple[int, int]
    refusal: ImageRefused | None = None


class GuardedDecoder:
    """Decodes as `decode_image` does, and bounds the seconds and the memory that a picture may take.

    Args:
        timeout_s: for one picture.
        memory_bytes: beyond what the child has when it starts (Linux).
    """

    def __init__(self, timeout_s: float = DECODE_TIMEOUT_S, memory_bytes: int = DECODE_MEMORY_BYTES) -> None:
        # Pixels come back through a file in memory, which has no name and ends with this process: a megabyte through a
        # pipe takes 16 switches between the processes and five copies. The file is read and never mapped, so that a
        # child that shortens it causes a short read here, and not a crash.
        self._shared = os.memfd_create("pixels") if hasattr(os, "memfd_create") else -1
        path = f"/proc/{os.getpid()}/fd/{self._shared}" if self._shared >= 0 else ""
        # "parser" is the word that stands in the rejects tables of indexes
        self._guard = GuardedFunction(partial(_decode, shared=path), "parser", timeout_s, memory_bytes)

    def decode(self, data: bytes) -> Image.Image:
        """Decode a picture.

        Raises:
            ImageRefused: with a reason of `decode_image`, or too_slow.
        """
        from PIL import Image

        pixels = self._guard.run(data)
        if isinstance(pixels, Failure):
            raise ImageRefused(f"{_REASONS.get(pixels.reason, 'broken')}: {pixels.detail}")
        if pixels.refusal is not None:
            raise pixels.refusal
        rgb = pixels.rgb or self._read_shared(3 * pixels.size[0] * pixels.size[1])
        return with_displayed_size(Image.frombytes("RGB", pixels.size, rgb), pixels.displayed)

    def _read_shared(self, size_bytes: int) -> bytes:
        rgb = os.pread(self._shared, size_bytes, 0)
        if len(rgb) != size_bytes:
            raise ImageRefused("broken: the decoder left no pixels")
        if size_bytes > _KEPT_BYTES:
            os.ftruncate(self._shared, 0)
        return rgb

    def close(self) -> None:
        """End the child."""
        self._guard.close()
        if self._shared >= 0:
            os.close(self._shared)
            self._shared = -1


def _decode(data: bytes, shared: str = "") -> _Pixels:
    """Decode a picture in the child; write the pixels into the file at `shared`, or return them if there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of pictures that are then refused for the same reason
            image = decode_image(data)
    except ImageRefused as error:
        return _Pixels(b"", (0, 0), (0, 0), error)
    rgb = image.tobytes()
    if shared:
        with contextlib.suppress(OSError):  # no /proc, or no memory: the pixels are returned instead
            with open(shared, "r+b", buffering=0) as file:
                is_whole = file.write(rgb) == len(rgb)
            rgb = b"" if is_whole else rgb
    return _Pixels(rgb, image.size, displayed_size(image))
