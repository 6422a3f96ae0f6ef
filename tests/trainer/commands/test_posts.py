"""Raw posts: where their pictures are found, what is refused, and which names a data set may not use."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from schemas.dataset import read_samples
from schemas.errors import InputError
from schemas.text_files import TextFile
from trainer.commands.posts import ConvertedPosts, add_post_fields, read_posts
from trainer.data import read_jsonl


def posts_of(folder: Path, *rows: dict[str, Any], images: Path | None = None) -> ConvertedPosts:
    path = folder / "in" / "posts.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_posts(path, folder / "work", images)


def picture_of(posts: ConvertedPosts, number: int) -> bytes | None:
    """Read the picture that a sample names; None where there is none."""
    name = read_samples(posts.folder, "test")[number].image
    path = posts.images / str(name)
    return path.read_bytes() if name is not None and path.is_file() else None


def test_pictures_are_found_beside_the_file_above_it_and_by_their_whole_path(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name, content in (("in/a.jpg", b"a"), ("in/deep/b.jpg", b"b"), ("c.jpg", b"c"), ("in/ü ñ.png", b"u")):
        (tmp_path / name).write_bytes(content)
    named = ["a.jpg", "deep/b.jpg", "../c.jpg", str(tmp_path / "c.jpg"), "ü ñ.png", "gone.jpg", "/gone.jpg", None]
    posts = posts_of(tmp_path, *({"text": "x", "image": name} for name in named))
    assert [picture_of(posts, n) for n in range(8)] == [b"a", b"b", b"c", b"c", b"u", None, None, None]
    assert [post.image for post in posts.posts] == named
    names = [sample.image for sample in read_samples(posts.folder, "test")]
    assert names[0] == "a.jpg" and names[1] == "deep/b.jpg", "a cache that was made for these names fits"


def test_a_folder_of_images_stands_in_for_the_files_own(tmp_path: Path) -> None:
    (tmp_path / "photos" / "test").mkdir(parents=True)
    (tmp_path / "photos" / "a.jpg").write_bytes(b"right")
    (tmp_path / "photos" / "test" / "b.jpg").write_bytes(b"of the split")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"wrong")
    rows = [{"text": "x", "image": "a.jpg"}, {"text": "x", "image": "b.jpg"}]
    posts = posts_of(tmp_path, *rows, images=tmp_path / "photos")
    assert [picture_of(posts, 0), picture_of(posts, 1)] == [b"right", b"of the split"]


def test_posts_keep_their_ids_and_texts_and_the_same_picture_twice(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg").write_bytes(b"a")
    posts = posts_of(tmp_path, {"id": "p", "text": "Ann  sat", "image": "a.jpg"}, {"tokens": ["x"], "image": "a.jpg"})
    assert [(post.post_id, post.text) for post in posts.posts] == [("p", "Ann  sat"), (None, None)]
    assert picture_of(posts, 0) == picture_of(posts, 1) == b"a"
    rows = [{"sample_id": s.sample_id, "image": s.image} for s in read_samples(posts.folder, "test")]
    placed = add_post_fields(rows, posts.posts)
    assert placed[0] == {"id": "p", "sample_id": "test-p", "image": "a.jpg", "text": "Ann  sat"}
    assert placed[1] == {"sample_id": "test-2", "image": "a.jpg"}


def test_characters_are_code_points_of_the_text_as_it_was_given(tmp_path: Path) -> None:
    text = "👩‍👩‍👧 in\u00a0Zürich's  Old\tTown 😀"
    (post,) = posts_of(tmp_path, {"text": text}).posts
    (sample,) = read_samples(tmp_path / "work" / "samples", "test")
    entity = {"start": sample.tokens.index("Old"), "end": sample.tokens.index("Town") + 1, "type": "LOC", "text": "?"}
    (row,) = add_post_fields([{"image": None, "entities": [entity]}], [post])
    (found,) = row["entities"]
    assert found["text"] == "Old\tTown" == text[found["start_char"] : found["end_char"]]


@pytest.mark.parametrize("image", ["/etc/passwd", "../up.jpg", "a/../../up.jpg", "", "folder/", "nul\0.jpg"])
def test_a_data_set_may_not_name_a_picture_outside_its_folder(tmp_path: Path, image: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(json.dumps({"text": "x", "image": image}))
    with pytest.raises(InputError, match="line 1: broken image reference"):
        list(read_jsonl(TextFile(path), "train", None, Counter()))


@pytest.mark.parametrize("image", ["", "folder/", "nul\0.jpg", "   "])
def test_what_names_no_file_is_refused_in_a_post_too(tmp_path: Path, image: str) -> None:
    with pytest.raises(InputError, match="line 1: broken image reference"):
        posts_of(tmp_path, {"text": "x", "image": image})
