"""Where the image of a sample lies: in the folder of images, or in its subfolder of the split."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

__all__ = ["find_image", "is_inside"]

_SUBFOLDERS = {"train": ("train",), "dev": ("dev", "val", "valid"), "test": ("test",)}


def find_image(folder: Path, split: str, image: str) -> Path | None:
    """Return the path of an image file, or None where there is none.

    A name never leads out of the folder by itself ("..", "/"); a link in the folder may (`is_inside`).

    Args:
        folder: of the data set's images.
        split: train, dev or test: some sets part their images by split.
        image: the file name in the sample.
    """
    name = PurePosixPath(image)
    if name.is_absolute() or ".." in name.parts or "\0" in image:
        return None
    candidates = [folder / image, *(folder / part / image for part in _SUBFOLDERS.get(split, ()))]
    return next((path for path in candidates if _is_file(path)), None)


def is_inside(path: Path, folder: Path) -> bool:
    """Say whether a file lies in a folder also when every link is followed."""
    try:
        return path.resolve(strict=True).is_relative_to(folder.resolve(strict=True))
    except (OSError, RuntimeError):  # a loop of links is a RuntimeError
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for the disk, a folder that may not be read, half a surrogate pair
        return False
