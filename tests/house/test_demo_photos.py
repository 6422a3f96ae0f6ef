"""The photos of the demo: every row is complete, has a canonical name that the slice uses, and is in its package."""

from __future__ import annotations

import bz2
import sys
from pathlib import Path

import pytest

from indexer.encoders import decode_image
from schemas.titles import canonical_file

DEMO = Path(__file__).resolve().parents[2] / "docs" / "demo"
sys.path.insert(0, str(DEMO))

import collect_photos  # noqa: E402


def test_every_row_says_what_the_photo_shows_under_a_canonical_name() -> None:
    photos = collect_photos.read_photos()
    assert len(photos) >= 6
    assert len({photo.article for photo in photos}) >= 5
    assert len({photo.file for photo in photos}) == len({photo.path for photo in photos}) == len(photos)
    for photo in photos:
        assert photo.file == canonical_file(photo.file)
        assert all((photo.article_shows, photo.photo_shows, photo.licence))


def test_the_articles_of_the_slice_use_these_files(gensim_slice: Path) -> None:
    pages = bz2.decompress(gensim_slice.read_bytes()).decode().split("<page>")
    for photo in collect_photos.read_photos():
        page = next(page for page in pages if f"<title>{photo.article}</title>" in page and "<redirect" not in page)
        assert photo.file in page or photo.file.replace(" ", "_") in page, photo


def test_the_photos_are_copied_under_their_names(tmp_path: Path) -> None:
    found = collect_photos.collect_photos(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(photo.file for photo in found)
    assert len(found) == len(collect_photos.read_photos()), "pip install '.[demo]'"
    for photo in found:
        assert min(decode_image((tmp_path / photo.file).read_bytes()).size) > 250


def test_the_query_is_another_version_of_one_photo(tmp_path: Path) -> None:
    collect_photos.collect_photos(tmp_path / "photos")
    query = collect_photos.make_query_image(tmp_path / "photos", tmp_path / "query.jpg")
    original = (tmp_path / "photos" / collect_photos.QUERY_FILE).read_bytes()
    assert query.read_bytes() != original
    assert decode_image(query.read_bytes()).size < decode_image(original).size


def test_missing_packages_are_named_and_none_at_all_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = collect_photos.read_photos()
    gone = [collect_photos.Photo(**{**vars(photo), "package": "no-such-package-here"}) for photo in photos]
    monkeypatch.setattr(collect_photos, "read_photos", lambda: [gone[0], *photos[1:]])
    assert len(collect_photos.collect_photos(tmp_path)) == len(photos) - 1
    assert "no-such-package-here" in capsys.readouterr().err
    monkeypatch.setattr(collect_photos, "read_photos", lambda: gone)
    with pytest.raises(SystemExit, match="pip install"):
        collect_photos.collect_photos(tmp_path)
