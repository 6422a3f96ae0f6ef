"""Raw posts to predict: read from JSON lines, pictures found anywhere on the disk, entities placed in the text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.dataset import Dataset
from schemas.image_files import find_image
from schemas.text_files import TextFile
from trainer.data import convert_files, read_jsonl, tokenize

__all__ = ["ConvertedPosts", "Post", "add_post_fields", "read_posts"]


@dataclass(frozen=True)
class Post:
    """The fields of a post as they stood in its line.

    Args:
        post_id: None where there was none.
        text: None where the post came as tokens.
        image: the path of its image, or None.
    """

    post_id: str | int | None
    text: str | None
    image: str | None


@dataclass(frozen=True)
class ConvertedPosts:
    """Posts converted to a data set of one split, test.

    Args:
        folder: of the samples.
        images: folder of links to the pictures that were found.
        dataset: the description of the set.
        posts: in the order of the samples.
    """

    folder: Path
    images: Path
    dataset: Dataset
    posts: Sequence[Post]


def read_posts(source: Path, work: Path, images: Path | None = None) -> ConvertedPosts:
    """Read a .jsonl file of posts and convert it to a data set.

    The image of a post is a path: absolute, or relative to the folder of images; without such a folder, relative to the
    folder of the file. It may lead out of that folder, because the file is the user's own. A data set that somebody
    else published (`mie-train data convert`) may not do that.

    Args:
        source: lines as `trainer.data.read_jsonl` reads them.
        work: an empty folder for the samples and the links.
        images: the folder of images.

    Raises:
        InputError: there is no such file, or a line is faulty.
    """
    posts: list[Post] = []
    links = work / "images"
    links.mkdir(parents=True)

    # the reader checks rows and drops what a sample has no field for: here each is kept as it came
    def keep_post(row: dict[str, Any]) -> dict[str, Any]:
        image = row.get("image")
        posts.append(Post(row.get("id"), None if "tokens" in row else row.get("text"), image))
        if isinstance(image, str):
            row["image"] = _link_picture(image, images or source.parent, links)
        return row

    reader = partial(read_jsonl, change=keep_post)
    dataset = convert_files({"test": TextFile(source)}, work / "samples", name="predict", reader=reader)
    return ConvertedPosts(work / "samples", links, dataset, posts)


def add_post_fields(rows: Sequence[dict[str, Any]], posts: Sequence[Post]) -> list[dict[str, Any]]:
    """Return prediction rows with id, text and image of their posts, and the place of each entity in the text.

    >>> row = {"sample_id": "test-1", "image": None, "entities": [{"start": 1, "end": 3, "text": "New York"}]}
    >>> add_post_fields([row], [Post(7, "In New  York!", None)])[0]["entities"]
    [{'start': 1, 'end': 3, 'text': 'New  York', 'start_char': 3, 'end_char': 12}]
    """
    completed = []
    for row, post in zip(rows, posts, strict=True):
        new = ({} if post.post_id is None else {"id": post.post_id}) | row | {"image": post.image}
        if post.text is not None:
            new["text"] = post.text
            if "entities" in row:
                new["entities"] = [_with_place(entity, post.text) for entity in row["entities"]]
        completed.append(new)
    return completed


def _with_place(entity: dict[str, Any], text: str) -> dict[str, Any]:
    tokens = tokenize(text)  # the samples were made by the same function, so positions fit
    start, end = tokens[entity["start"]].start, tokens[entity["end"] - 1].end
    return {**entity, "text": text[start:end], "start_char": start, "end_char": end}


def _link_picture(image: str, folder: Path, links: Path) -> str:
    """Link a picture into the folder of links, and return its name there, also where there is no such picture.

    A path within the folder of images keeps its name. One that leads out of it is named by its hash: a sample may not
    name a file outside its folder, and two pictures of one name must not become one.
    """
    path = PurePosixPath(image)
    is_inside = not path.is_absolute() and ".." not in path.parts
    name = image if is_inside else hashlib.sha256(image.encode("utf-8", "replace")).hexdigest() + path.suffix
    picture = find_image(folder, "test", image) if is_inside else _find_file(folder / image)
    link = links / name
    if picture is not None and not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(picture.resolve())
    return name


def _find_file(path: Path) -> Path | None:
    """Return the path if there is a file, else None."""
    try:
        return path if path.is_file() else None
    except (OSError, ValueError):  # a name too long for the disk, or with a zero byte in it
        return None
