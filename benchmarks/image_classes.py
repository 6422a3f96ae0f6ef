"""How often the nearest neighbour of a labelled photo shares a class with it, beside a neighbour drawn at random.

The photos have YOLO labels, as coco128 has them: NAME.jpg, and labels/NAME.txt whose lines begin with the number of a
class. Photos without labels are left out.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.image_retrieval import index_photos, read_photos
from indexer.encoders import ImageEncoder, make_encoder
from indexer.search import SearchParams

SEED, DRAWS = 0, 1000


def read_labels(folder: Path) -> dict[str, frozenset[int]]:
    """Read the classes of each photo by its file name; photos without any are left out."""
    labels = {}
    for path in sorted(folder.glob("*.txt")):
        classes = frozenset(int(line.split()[0]) for line in path.read_text().splitlines() if line.strip())
        if classes:
            labels[f"{path.stem}.jpg"] = classes
    return labels


def nearest_neighbours(encoder: ImageEncoder, folder: Path, files: Sequence[str]) -> dict[str, str]:
    """Find the other photo nearest to each, through the real index."""
    photos = read_photos([folder / file for file in files])
    with tempfile.TemporaryDirectory() as temporary:
        searcher = index_photos(encoder, photos, Path(temporary))
        hits = searcher.search(encoder.encode(list(photos.values())), SearchParams(k=2))
    return {
        file: next(hit.doc_id for hit in found if hit.doc_id != file) for file, found in zip(photos, hits, strict=True)
    }


def share_of_shared_classes(neighbours: Mapping[str, str], labels: Mapping[str, frozenset[int]]) -> float:
    """Return the share of photos that have a class in common with their neighbour."""
    return sum(bool(labels[file] & labels[other]) for file, other in neighbours.items()) / len(neighbours)


def chance(labels: Mapping[str, frozenset[int]]) -> float:
    """Return the share that a neighbour drawn at random would have: counted over all pairs of photos."""
    files = list(labels)
    shared = sum(bool(labels[one] & labels[other]) for one in files for other in files if one != other)
    return shared / (len(files) * (len(files) - 1))


def main() -> None:
    """Print the share of the encoder and that of random neighbours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos with a folder 'labels'")
    parser.add_argument("--encoder", default="efficientnet-lite0", help="as in: beam run build_wiki_index --encoder")
    arguments = parser.parse_args()
    labels = read_labels(arguments.photos / "labels")
    if len(labels) < 2:
        sys.exit(f"no labels in {arguments.photos / 'labels'}")
    encoder = make_encoder(arguments.encoder, threads=1)
    found = share_of_shared_classes(nearest_neighbours(encoder, arguments.photos, list(labels)), labels)
    rng = random.Random(SEED)
    drawn = sorted(
        share_of_shared_classes({file: rng.choice([f for f in labels if f != file]) for file in labels}, labels)
        for _ in range(DRAWS)
    )
    print(f"{len(labels)} photos with labels, {len(frozenset().union(*labels.values()))} classes")
    print(f"nearest neighbour shares a class, {encoder.spec:20} {found:.3f}")
    print(f"random neighbour shares a class (all pairs)             {chance(labels):.3f}")
    print(f"best of {DRAWS} random draws of neighbours                 {drawn[-1]:.3f}")


if __name__ == "__main__":
    main()
