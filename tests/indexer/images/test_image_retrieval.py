"""Changed copies of indexed photos find their own photo first, through the real encoder and the real index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.image_retrieval import CHANGES, demo_photos, index_photos, rank_own_photo, read_photos
from indexer.encoders import ImageEncoder, make_encoder
from indexer.images import DenseSearcher
from indexer.search import SearchParams
from schemas.errors import MissingDependency

pytestmark = pytest.mark.integration

FIRST_AT_LEAST = 0.95


@pytest.fixture(scope="module")
def encoder() -> ImageEncoder:
    try:
        return make_encoder("efficientnet-lite0", device="cpu", threads=1)
    except MissingDependency as error:
        pytest.skip(str(error))


def share_first(encoder: ImageEncoder, folder: Path, photos: dict[str, Image.Image], kinds_per_photo: int) -> float:
    """Search with a few kinds of change for each photo, each kind for a few photos; return the share that is first."""
    searcher = index_photos(encoder, photos, folder)
    ranks: list[int] = []
    for number, change in enumerate(CHANGES.values()):
        for start in range(kinds_per_photo):
            changed = dict(list(photos.items())[(number + start * 5) % len(CHANGES) :: len(CHANGES)])
            ranks += rank_own_photo(encoder, searcher, changed, change) if changed else []
    assert len(ranks) == kinds_per_photo * len(photos)
    return float((np.array(ranks) == 1).mean())


def test_changed_copies_of_real_photos_find_their_own_first(
    encoder: ImageEncoder, shared_data: Path, tmp_path: Path
) -> None:
    photos = read_photos(sorted((shared_data / "coco128").glob("*.jpg")))
    assert len(photos) >= 100
    assert share_first(encoder, tmp_path, photos, kinds_per_photo=2) >= FIRST_AT_LEAST


def test_every_change_of_the_demo_photos_finds_its_own_first(encoder: ImageEncoder, tmp_path: Path) -> None:
    photos = read_photos(list(demo_photos(tmp_path / "photos").iterdir()))
    assert len(photos) >= 6
    searcher = index_photos(encoder, photos, tmp_path)
    ranks = [rank for change in CHANGES.values() for rank in rank_own_photo(encoder, searcher, photos, change)]
    assert float((np.array(ranks) == 1).mean()) >= FIRST_AT_LEAST


def test_a_photo_that_is_not_indexed_scores_lower_than_one_that_is(
    encoder: ImageEncoder, shared_data: Path, tmp_path: Path
) -> None:
    photos = read_photos(sorted((shared_data / "coco128").glob("*.jpg"))[:20])
    outside = dict(list(photos.items())[10:])
    inside = dict(list(photos.items())[:10])
    searcher: DenseSearcher = index_photos(encoder, inside, tmp_path)
    scores = [
        [hits[0].score for hits in searcher.search(encoder.encode(list(group.values())), SearchParams(k=1))]
        for group in (inside, outside)
    ]
    assert min(scores[0]) > 0.99 > max(scores[1])
