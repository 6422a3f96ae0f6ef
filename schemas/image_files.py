"""Where the image file of a sample is: in the folder of images, or in the subfolder of its split."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

__all__ = ["find_image", "is_inside"]

_SUBFOLDERS = {"train": ("train",), "dev": ("dev", "val", "valid"), "test": ("test",)}


def find_image(folder: Path, split: str, image: str) -> Path | None:
    """Return the path of an image file; None if it does not exist.

    A name with ".." or a leading "/" is refused, so it cannot lead out of the folder. A link inside the folder can:
    `is_inside` tells.

    Args:
        folder: of the data set's images.
        split: train, dev or test; some data sets have a subfolder of images for each.
        image: the file name in the sample.
    """
    name = PurePosixPath(image)
    if name.is_absolute() or ".." in name.parts or "\0" in image:
        return None
    candidates = [folder / image, *(folder / part / image for part in _SUBFOLDERS.get(split, ()))]
    return next((path for path in candidates if _is_file(path)), None)


def is_inside(path: Path, folder: Path) -> bool:
    """Return whether a file is in a folder once all links are followed."""
    try:
        return path.resolve(strict=True).is_relative_to(folder.resolve(strict=True))
    except (OSError, RuntimeError):  # a loop of links is a RuntimeError
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for the disk, a folder that may not be read, half a surrogate pair
        return False
