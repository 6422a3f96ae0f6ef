"""Photos for the demo: which installed packages carry them, and the names under which the dump knows them."""

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
    """One row of photos.toml: a packaged photo and the article's picture that it stands for."""

    file: str
    article: str
    package: str
    path: str
    article_shows: str
    photo_shows: str
    licence: str


def read_photos(path: Path = PHOTOS_TOML) -> list[Photo]:
    """Read the list of photos."""
    return [Photo(**row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["photo"]]


def find_photo(photo: Photo) -> Path | None:
    """Find a photo among the files of its installed package, without importing it."""
    try:
        files = metadata.files(photo.package) or []
    except metadata.PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in files if file.as_posix() == photo.path)
    return next((path for path in paths if path.is_file()), None)


def collect_photos(folder: Path) -> list[Photo]:
    """Copy every photo that is there into a folder under its canonical name; say which are not.

    Raises:
        SystemExit: none is there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for photo in read_photos():
        path = find_photo(photo)
        if path is None:
            print(f"no photo for {photo.article!r}: {photo.package} with {photo.path} is not here", file=sys.stderr)
            continue
        (folder / photo.file).write_bytes(path.read_bytes())
        found.append(photo)
    if not found:
        raise SystemExit("no package with photos is installed; run: pip install '.[demo]'")
    return found


def make_query_image(folder: Path, target: Path) -> Path:
    """Make another version of one photo: a crop of its middle, scaled down and compressed hard."""
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
    """Copy the photos into the folder given and print what each shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where to put the photos")
    for photo in collect_photos(parser.parse_args().folder):
        print(f"{photo.article}: {photo.file}\n  shows {photo.photo_shows}\n  for   {photo.article_shows}")


if __name__ == "__main__":
    main()
