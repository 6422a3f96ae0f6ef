"""The pictures of samples: where they lie, which of them can be used, and their vectors."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from schemas.dataset import input_digest
from schemas.errors import InputError
from schemas.image_files import find_image
from schemas.records import Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["SamplePictures", "images_digest"]

_MAX_IMAGE_BYTES = 50_000_000


def images_digest(samples: Sequence[Sample], folder: Path) -> str:
    """Identify the pictures that are there by name and size: one that is added later makes another cache."""
    digest = hashlib.sha256()
    for split, name in dict.fromkeys((row.split, row.image) for row in samples if row.image is not None):
        path = find_image(folder, split, name)
        digest.update(f"{split}/{name}:{path.stat().st_size if path else None}\n".encode())
    return digest.hexdigest()


class SamplePictures:
    """The pictures of some samples; each file is decoded and encoded once.

    Args:
        samples: with or without an image.
        folder: of their images.
    """

    def __init__(self, samples: Sequence[Sample], folder: Path) -> None:
        self._samples = samples
        self.paths = [None if row.image is None else find_image(folder, row.split, row.image) for row in samples]
        self._vectors: dict[Path, NDArray[np.float32]] = {}
        self._broken: set[Path] = set()

    def encode(
        self, paths: Sequence[Path], encoder: Callable[[Sequence[Image.Image]], NDArray[np.float32]]
    ) -> tuple[list[Path], NDArray[np.float32]]:
        """Return the paths whose pictures can be used, and the vectors [n, dim] of these."""
        import numpy as np

        new = {path: _read(path) for path in paths if path not in self._vectors}
        pictures = {path: picture for path, picture in new.items() if picture is not None}
        self._broken.update(new.keys() - pictures.keys())
        if pictures:
            self._vectors.update(zip(pictures, encoder(list(pictures.values())), strict=True))
        usable = [path for path in paths if path in self._vectors]
        return usable, np.array([self._vectors[path] for path in usable], dtype=np.float32)

    def statuses(self) -> list[str]:
        """Say why a sample has no usable picture: no_image, missing_image or broken_image; "" where it has one."""
        return [
            "no_image" if row.image is None else "missing_image" if path is None else _BROKEN[path in self._broken]
            for row, path in zip(self._samples, self.paths, strict=True)
        ]

    def by_digest(self) -> dict[str, NDArray[np.float32]]:
        """Return the vectors [dim] by the digest of their sample."""
        return {
            input_digest(row): self._vectors[path]
            for row, path in zip(self._samples, self.paths, strict=True)
            if path is not None and path in self._vectors
        }


_BROKEN = {True: "broken_image", False: ""}


def _read(path: Path) -> Image.Image | None:
    from indexer.encoders import decode_image

    try:
        if path.stat().st_size > _MAX_IMAGE_BYTES:
            return None
        return decode_image(path.read_bytes())
    except (InputError, OSError):
        return None
