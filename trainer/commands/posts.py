"""Raw posts to predict on: read from jsonl, their pictures found wherever they lie, their entities placed in text."""

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

__all__ = ["Post", "Posts", "place_rows", "read_posts"]


@dataclass(frozen=True)
class Post:
    """What a line gave: its id, its text where that was cut into tokens, and its image as it was named."""

    post_id: str | int | None
    text: str | None
    image: str | None


@dataclass(frozen=True)
class Posts:
    """Posts as a data set of one split, test.

    Args:
        folder: of the samples.
        images: folder of links to the pictures that were found.
        dataset: what the folder holds.
        rows: the posts, in the order of the samples.
    """

    folder: Path
    images: Path
    dataset: Dataset
    rows: Sequence[Post]


def read_posts(source: Path, work: Path, images: Path | None = None) -> Posts:
    """Read a .jsonl file of posts that the user has on this machine.

    The image of a post is a path: absolute, or relative to the folder of images, or, without one, to the file's own
    folder. A path that leaves that folder is fine here; in a data set (`mie-train data convert`), which somebody else
    made, it is refused.

    Args:
        source: lines as `trainer.data.jsonl.read_jsonl` takes them.
        work: a folder for the samples and the links.
        images: the folder of images.

    Raises:
        InputError: no such file, or a faulty line.
    """
    rows: list[Post] = []
    (work / "images").mkdir(parents=True)

    def take(row: dict[str, Any]) -> dict[str, Any]:
        image = row.get("image")
        rows.append(Post(row.get("id"), None if "tokens" in row else row.get("text"), image))
        if isinstance(image, str):
            row["image"] = _link(image, images or source.parent, work / "images")
        return row

    reader = partial(read_jsonl, change=take)
    dataset = convert_files({"test": TextFile(source)}, work / "samples", name="predict", reader=reader)
    return Posts(work / "samples", work / "images", dataset, rows)


def place_rows(rows: Sequence[dict[str, Any]], posts: Sequence[Post]) -> list[dict[str, Any]]:
    """Return prediction rows the post's own id, text and image, and entities their place in the text.

    >>> row = {"sample_id": "test-1", "image": None, "entities": [{"start": 1, "end": 3, "text": "New York"}]}
    >>> place_rows([row], [Post(7, "In New  York!", None)])[0]["entities"]
    [{'start': 1, 'end': 3, 'text': 'New  York', 'start_char': 3, 'end_char': 12}]
    """
    placed = []
    for row, post in zip(rows, posts, strict=True):
        new = ({} if post.post_id is None else {"id": post.post_id}) | row | {"image": post.image}
        if post.text is not None:
            new["text"] = post.text
            new["entities"] = [_placed(entity, post.text) for entity in row.get("entities", [])]
            if "entities" not in row:
                del new["entities"]
        placed.append(new)
    return placed


def _placed(entity: dict[str, Any], text: str) -> dict[str, Any]:
    tokens = tokenize(text)
    start, end = tokens[entity["start"]].start, tokens[entity["end"] - 1].end
    return {**entity, "text": text[start:end], "start_char": start, "end_char": end}


def _link(image: str, folder: Path, links: Path) -> str:
    """Link a picture into a folder and return its name there; a path within its folder keeps its own."""
    path = PurePosixPath(image)
    is_inside = not path.is_absolute() and ".." not in path.parts
    name = image if is_inside else hashlib.sha256(image.encode("utf-8", "replace")).hexdigest() + path.suffix
    found = find_image(folder, "test", image) if is_inside else _find_anywhere(folder / image)
    link = links / name
    if found is not None and not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(found.resolve())
    return name


def _find_anywhere(path: Path) -> Path | None:
    """Return a path that the user's own file of posts names, wherever it leads; None where there is no file."""
    try:
        return path if path.is_file() else None
    except (OSError, ValueError):
        return None
