"""Queries: text, a picture, or both; one from the command line or many from a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.search import Answer, SearchParams, View
from schemas.errors import InputError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from indexer.index import WikiIndex

__all__ = ["Query", "ask", "explanation", "read_batch"]

_MAX_IMAGE_BYTES = 50_000_000
_MAX_LINE_CHARS = 1_000_000
_KEYS = {"id", "text", "image"}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: at least one of text, image and vector (a NumPy file, by the encoder of the index)."""

    query_id: str | None
    text: str | None
    image: Path | None
    vector: Path | None = None


def ask(
    index: WikiIndex, query: Query, params: SearchParams, modality: View = "text"
) -> Iterator[tuple[View, list[Answer]]]:
    """Answer a query in each of its views.

    Args:
        index: opened.
        query: text, picture, or both.
        params: of the search.
        modality: what words look for: sentences ("text") or pictures ("image").

    Raises:
        UsageError: the text is empty, a parameter is out of its range or means nothing to the view, or the
            encoder of the index reads no words.
        InputError: the picture cannot be used.
        StoreError: the index lacks this view.
    """
    if query.text is not None:
        if not query.text.strip():
            raise UsageError("the text of the query is empty", place=_place(query), remedy="give some words")
        if modality == "image":
            _check_words_for_pictures(query, params)
            yield "image", index.search_image_by_text([query.text], params.k)[0]
        else:
            yield "text", index.search_text([query.text], params.k, params.title_boost)[0]
    if query.image is not None:
        _ = index.image_searcher  # an index without pictures is said before the picture is read
        yield "image", index.search_image([_read_image(query.image)], params.k)[0]
    if query.vector is not None:
        yield "image", index.search_vectors(_read_vector(query.vector), params.k)[0]


def _check_words_for_pictures(query: Query, params: SearchParams) -> None:
    if query.image is not None:
        message = "both the words and the picture of a query ask the image view"
        raise UsageError(message, place=_place(query), remedy="ask with one of them at a time")
    if params.title_boost:
        raise UsageError("a title boost is for the text view", remedy="leave it out, or ask with --modality text")


def explanation(index: WikiIndex, query: Query, view: View, answer: Answer, params: SearchParams) -> str:
    """Tell how a score comes about: Lucene's account, or what the number of the image view is."""
    if view == "image":
        return f"{answer.score:.6f} = inner product of unit vectors (cosine) of the query and {answer.file}"
    sentences = index.documents.sentences_of(int(answer.doc_id.partition("#")[0]))
    found = next(s for s in sentences if s.paragraph_id == answer.doc_id and s.text == answer.matched)
    return index.text_searcher.explain(query.text or "", found.sentence_id, params.title_boost)


def read_batch(path: Path) -> Iterator[Query]:
    """Read many queries: a text a line, or JSON objects where the name ends in .jsonl; blank lines are skipped.

    Raises:
        InputError: the file cannot be read, or a line is not a query.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE_CHARS), ""), start=1):
                if len(line) == _MAX_LINE_CHARS:
                    raise _bad_line(path, number, f"longer than {_MAX_LINE_CHARS:,} characters")
                if line.strip():
                    yield _to_query(line.rstrip("\n"), number, path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the queries cannot be read ({error})", path=path, remedy="give a UTF-8 text file") from error


def _to_query(line: str, number: int, path: Path) -> Query:
    if path.suffix != ".jsonl":
        return Query(str(number), line, None)
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _bad_line(path, number, f"not JSON ({error})") from error
    values = {key: value for key, value in row.items() if value is not None} if isinstance(row, dict) else {}
    if set(values) - _KEYS or not set(values) & {"text", "image"}:
        raise _bad_line(path, number, "not an object with text or image, and an optional id")
    if not all(isinstance(values.get(key, ""), str) for key in ("text", "image")):
        raise _bad_line(path, number, "text and image must be strings")
    image = values.get("image")
    return Query(str(values.get("id", number)), values.get("text"), None if image is None else Path(image))


def _bad_line(path: Path, number: int, problem: str) -> InputError:
    remedy = 'write lines like {"id": "1", "text": "some words", "image": "photo.jpg"}'
    return InputError(problem, path=path, place=f"line {number}", remedy=remedy)


def _place(query: Query) -> str | None:
    return None if query.query_id is None else f"query {query.query_id}"


def _read_vector(path: Path) -> NDArray[np.float32]:
    """Read one vector, [dim] or [1, dim], and bring it to length 1."""
    import numpy as np

    remedy = "give a .npy file of floats, [dim] or [1, dim]"
    try:
        found = np.load(path, allow_pickle=False)
    except Exception as error:  # the header is Python's syntax, and what is wrong in it raises many kinds
        raise InputError(f"the vector cannot be read ({error})", path=path, remedy=remedy) from error
    if not isinstance(found, np.ndarray) or found.dtype.kind != "f" or found.size != max((0, *found.shape)):
        raise InputError("this is no vector", path=path, remedy=remedy)
    vector = found.reshape(1, -1).astype(np.float64)
    length = np.linalg.norm(vector)
    return (vector / length if 0 < length < np.inf else vector).astype(np.float32)


def _read_image(path: Path) -> Image.Image:
    from indexer.encoders import ImageRefused, decode_image

    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_IMAGE_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a null character or a lone surrogate
        message = f"the picture cannot be read ({getattr(error, 'strerror', None) or error})"
        raise InputError(message, path=path, remedy="check the path") from error
    try:
        return decode_image(data)
    except ImageRefused as error:
        raise InputError(error.message, path=path, remedy=error.remedy) from error
