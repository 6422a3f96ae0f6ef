"""The pictures of samples: their files, which of them can be used, and their vectors."""

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


def images_digest(samples: Sequence[Sample], folder: Path) -> str:
    """Return a digest of the names and sizes of the pictures: a picture that is added later makes another cache."""
    digest = hashlib.sha256()
    for split, name in dict.fromkeys((row.split, row.image) for row in samples if row.image is not None):
        path = find_image(folder, split, name)
        digest.update(f"{split}/{name}:{path.stat().st_size if path else None}\n".encode())
    return digest.hexdigest()


class SamplePictures:
    """The pictures of a list of samples; each file is decoded and encoded once, however many samples name it.

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
        """Encode the pictures that have no vector yet.

        Args:
            paths: of pictures of the samples.
            encoder: pictures -> vectors [n, dim].

        Returns:
            The paths whose pictures can be used, and their vectors [n, dim].
        """
        import numpy as np

        new = {path: _read(path) for path in paths if path not in self._vectors}
        pictures = {path: picture for path, picture in new.items() if picture is not None}
        self._broken.update(new.keys() - pictures.keys())
        if pictures:
            self._vectors.update(zip(pictures, encoder(list(pictures.values())), strict=True))
        usable = [path for path in paths if path in self._vectors]
        return usable, np.array([self._vectors[path] for path in usable], dtype=np.float32)

    def statuses(self) -> list[str]:
        """Return why each sample has no usable picture: no_image, missing_image or broken_image; "" if it has one."""
        return [self._status(row, path) for row, path in zip(self._samples, self.paths, strict=True)]

    def _status(self, sample: Sample, path: Path | None) -> str:
        if sample.image is None:
            return "no_image"
        if path is None:
            return "missing_image"
        return "broken_image" if path in self._broken else ""

    def by_digest(self) -> dict[str, NDArray[np.float32]]:
        """Return the vectors [dim] by the digest of their sample."""
        return {
            input_digest(row): self._vectors[path]
            for row, path in zip(self._samples, self.paths, strict=True)
            if path is not None and path in self._vectors
        }


def _read(path: Path) -> Image.Image | None:
    from indexer.encoders import ImageLimits, decode_image

    try:
        if path.stat().st_size > ImageLimits().size_bytes:  # before the file is read
            return None
        return decode_image(path.read_bytes())
    except (InputError, OSError):
        return None
