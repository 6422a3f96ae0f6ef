"""Raw posts to predict: read from JSON lines, pictures found anywhere on the disk, entities placed in the text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from schemas.dataset import NO_RELATION, Dataset
from schemas.errors import InputError
from schemas.image_files import find_image
from schemas.text_files import TextFile
from trainer.data import convert_files, read_jsonl
from trainer.data.readers import tokenize

__all__ = ["ConvertedPosts", "Post", "add_empty_rows", "add_post_fields", "read_posts"]


@dataclass(frozen=True)
class Post:
    """The fields of a post as they stood in its line.

    Args:
        post_id: None where there was none.
        text: None where the post came as tokens.
        image: the path of its image, or None.
        is_empty: it has no token, so that there is no sample of it.
    """

    post_id: str | int | None
    text: str | None
    image: str | None
    is_empty: bool = False


@dataclass(frozen=True)
class ConvertedPosts:
    """Posts converted to a data set of one split, test.

    Args:
        folder: of the samples.
        images: folder of links to the pictures that were found.
        dataset: the description of the set; None if every post is empty.
        posts: in the order of the file; each that is not empty has a sample.
    """

    folder: Path
    images: Path
    dataset: Dataset | None
    posts: Sequence[Post]


def read_posts(source: Path, work: Path, images: Path | None = None) -> ConvertedPosts:
    """Read a .jsonl file of posts and convert it to a data set.

    The image of a post is a path: absolute, or relative to the folder of images; without such a folder, relative to the
    folder of the file. It may lead out of that folder, because the file is the user's own. A data set that somebody
    else published (`mie-train data convert`) may not do that.

    A post with an empty text, or one of blanks alone, is no fault: it has no sample, and its answer is empty.

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
    def keep_post(row: dict[str, Any]) -> dict[str, Any] | None:
        image = row.get("image")
        post = Post(row.get("id"), None if "tokens" in row else row.get("text"), image, _is_empty(row))
        posts.append(post)
        if post.is_empty:
            return None
        if isinstance(image, str):
            row["image"] = _link_picture(image, images or source.parent, links)
        return row

    reader = partial(read_jsonl, change=keep_post)
    try:
        dataset = convert_files({"test": TextFile(source)}, work / "samples", name="predict", reader=reader)
    except InputError:
        if not posts or not all(post.is_empty for post in posts):
            raise
        dataset = None  # convert_files refuses a file without a sample
    return ConvertedPosts(work / "samples", links, dataset, posts)


def _is_empty(row: dict[str, Any]) -> bool:
    """Return whether a post has no token, and else nothing that a reader of samples must check."""
    is_plain = isinstance(row.get("id"), str | int | None) and isinstance(row.get("image"), str | None)
    has_labels = any(name in row for name in ("tags", "head", "tail", "relation"))
    if not is_plain or has_labels:
        return False
    return row["tokens"] == [] if "tokens" in row else isinstance(row.get("text"), str) and not tokenize(row["text"])


_EMPTY: dict[str, dict[str, Any]] = {
    "ner": {"tags": [], "entities": []},
    "re": {"head": [], "tail": [], "relation": NO_RELATION},
    "joint": {"entities": [], "relations": []},
}
"""The answer for a post without words, by the task of the run."""


def add_empty_rows(rows: Sequence[dict[str, Any]], posts: Sequence[Post], task: str) -> list[dict[str, Any]]:
    """Return the prediction rows of all posts in their order, given those of the posts that are not empty.

    Args:
        rows: as `to_prediction_rows` makes them.
        posts: of the file.
        task: of the run: an empty answer has no entity, or no relation.

    >>> posts = [Post(None, "Hi", None), Post(None, "", None, is_empty=True)]
    >>> rows = add_empty_rows([{"sample_id": "test-1"}], posts, "ner")
    >>> [row["sample_id"] for row in rows], rows[1]["entities"]
    (['test-1', 'test-2'], [])
    """
    answered = iter(rows)
    found: list[dict[str, Any]] = []
    for number, post in enumerate(posts, start=1):
        if not post.is_empty:
            found.append(next(answered))
            continue
        sample_id = f"test-{number if post.post_id is None else post.post_id}"
        found.append({"sample_id": sample_id, "tokens": [], "image": None, **_EMPTY[task], "contexts": []})
    return found


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
