"""Where the image of a sample lies: in the folder of images, or in its subfolder of the split."""

from __future__ import annotations

from pathlib import Path

__all__ = ["find_image"]

_SUBFOLDERS = {"train": ("train",), "dev": ("dev", "val", "valid"), "test": ("test",)}


def find_image(folder: Path, split: str, image: str) -> Path | None:
    """Give the path of an image file, or null where there is none.

    Args:
        folder: of the data set's images.
        split: train, dev or test: some sets part their images by split.
        image: the file name in the sample.
    """
    candidates = [folder / image, *(folder / name / image for name in _SUBFOLDERS.get(split, ()))]
    return next((path for path in candidates if path.is_file()), None)
