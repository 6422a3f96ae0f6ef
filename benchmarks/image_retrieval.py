"""How often a changed copy of an indexed photo finds its own photo: cropped, scaled, recompressed, and harder changes.

Prints a line for each kind of change: the share of copies whose photo comes first, the share in the first ten, and the
number of queries. The photos are those of a folder (--photos), or the demo's.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageEnhance

from indexer.encoders import ImageEncoder, ImageRefused, decode_image, make_encoder
from indexer.images import DenseSearcher, build_dense
from indexer.search import SearchParams
from schemas.tables import IMAGES, embeddings_schema

ROOT = Path(__file__).resolve().parents[1]


def crop(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """Cut out a part; its borders are shares of width and height."""
    width, height = image.size
    return image.crop((int(left * width), int(top * height), int(right * width), int(bottom * height)))


def recompress(image: Image.Image, quality: int) -> Image.Image:
    """Write as JPEG and read again."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return decode_image(buffer.getvalue())


def scale(image: Image.Image, share: float) -> Image.Image:
    """Scale both sides."""
    return image.resize((max(1, int(image.width * share)), max(1, int(image.height * share))))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "the same pixels": lambda image: image,
    "crop: middle 80 % of each side": lambda image: crop(image, 0.1, 0.1, 0.9, 0.9),
    "crop: upper left 80 %": lambda image: crop(image, 0, 0, 0.8, 0.8),
    "crop: lower right 80 %": lambda image: crop(image, 0.2, 0.2, 1, 1),
    "scaled to 50 %": lambda image: scale(image, 0.5),
    "scaled to 25 %": lambda image: scale(image, 0.25),
    "scaled to 200 %": lambda image: scale(image, 2),
    "JPEG quality 50": lambda image: recompress(image, 50),
    "JPEG quality 20": lambda image: recompress(image, 20),
    "crop 80 %, scaled to 50 %, JPEG 50": lambda image: recompress(scale(crop(image, 0.1, 0.1, 0.9, 0.9), 0.5), 50),
}
"""The changes for which the README promises that a copy finds its photo."""
HARDER: dict[str, Callable[[Image.Image], Image.Image]] = {
    "crop: middle 50 % of each side": lambda image: crop(image, 0.25, 0.25, 0.75, 0.75),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "half as bright": lambda image: ImageEnhance.Brightness(image).enhance(0.5),
    "turned by 90 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_90),
}


def read_photos(paths: Sequence[Path]) -> dict[str, Image.Image]:
    """Decode photos by file name; files that are no pictures are left out."""
    photos = {}
    for path in sorted(path for path in paths if path.is_file()):
        try:
            photos[path.name] = decode_image(path.read_bytes())
        except ImageRefused as error:
            print(f"{path.name}: {error}", file=sys.stderr)
    return photos


def index_photos(encoder: ImageEncoder, photos: dict[str, Image.Image], folder: Path) -> DenseSearcher:
    """Build the real index of the photos, one page each, and open it."""
    vectors = encoder.encode(list(photos.values()))
    rows = len(photos)
    embeddings = {
        "file": list(photos),
        "vector": pa.FixedSizeListArray.from_arrays(vectors.ravel(), encoder.dim),
        "sha256": [""] * rows,
        "width": pa.array([image.width for image in photos.values()], pa.int32()),
        "height": pa.array([image.height for image in photos.values()], pa.int32()),
        "source": [""] * rows,
        "page_url": [""] * rows,
    }
    pq.write_table(pa.table(embeddings, schema=embeddings_schema(encoder.dim)), folder / "e.parquet")
    uses = [
        dict.fromkeys(IMAGES.names, "") | {"file": file, "page_id": n, "position": 0} for n, file in enumerate(photos)
    ]
    pq.write_table(pa.Table.from_pylist(uses, schema=IMAGES), folder / "i.parquet")
    build_dense(
        [folder / "e.parquet"],
        [folder / "i.parquet"],
        folder / "faiss",
        encoder=encoder.spec,
        encoder_fingerprint=encoder.fingerprint,
    )
    return DenseSearcher(folder / "faiss", dim=encoder.dim)


def rank_own_photo(
    encoder: ImageEncoder,
    searcher: DenseSearcher,
    photos: dict[str, Image.Image],
    change: Callable[[Image.Image], Image.Image],
) -> list[int]:
    """Return the rank of each photo for its own changed copy; 0 if it is not in the first ten."""
    queries = encoder.encode([change(image) for image in photos.values()])
    ranks = []
    for file, hits in zip(photos, searcher.search(queries, SearchParams()), strict=True):
        ranks.append(next((hit.rank for hit in hits if hit.doc_id == file), 0))
    return ranks


def main() -> None:
    """Index the photos and print a line for each change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="folder of photos (default: the demo's)")
    parser.add_argument("--encoder", default="efficientnet-lite0", help="as in: beam run build_wiki_index --encoder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = read_photos(list((arguments.photos or demo_photos(Path(folder) / "photos")).iterdir()))
        encoder = make_encoder(arguments.encoder, threads=1)
        start = time.process_time()
        searcher = index_photos(encoder, photos, Path(folder))
        took_ms = 1000 * (time.process_time() - start) / len(photos)
        print(f"{len(photos)} photos indexed with {encoder.spec}, {took_ms:.0f} ms of processor time each")
        print(f"{'change':38} {'first':>6} {'top 10':>7} {'queries':>8}")
        for title, changes in (("promised", CHANGES), ("harder", HARDER)):
            total: list[int] = []
            for name, change in changes.items():
                ranks = rank_own_photo(encoder, searcher, photos, change)
                print_line(name, ranks)
                total += ranks
            print_line(f"all {title}", total)


def print_line(name: str, ranks: Sequence[int]) -> None:
    """Print the shares of one kind of change."""
    found = np.array(ranks)
    print(f"{name:38} {(found == 1).mean():6.3f} {(found > 0).mean():7.3f} {len(found):8d}")


def demo_photos(folder: Path) -> Path:
    """Collect the demo's photos from installed packages."""
    sys.path.insert(0, str(ROOT / "docs" / "demo"))
    from collect_photos import collect_photos

    collect_photos(folder)
    return folder


if __name__ == "__main__":
    main()
