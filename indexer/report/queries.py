"""Queries of a user, by text, picture or vector: read from a file, checked, and answered by an index."""

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

__all__ = ["UserQuery", "answer_query", "explain_score", "read_batch"]

_MAX_IMAGE_BYTES = 50_000_000
_MAX_LINE_CHARS = 1_000_000
_KEYS = {"id", "text", "image"}


@dataclass(frozen=True, slots=True)
class UserQuery:
    """A query from the command line or from a file; at least one of text, image and vector is there.

    Args:
        query_id: the name of the query in its file; None on the command line.
        text: words.
        image: path of a picture.
        vector: path of a NumPy file with the vector of a picture, made by the encoder of the index.
    """

    query_id: str | None
    text: str | None
    image: Path | None
    vector: Path | None = None


def answer_query(
    index: WikiIndex, query: UserQuery, params: SearchParams, modality: View = "text"
) -> Iterator[tuple[View, list[Answer]]]:
    """Search each view that a query has words, a picture or a vector for.

    Args:
        index: an open index.
        query: of the user.
        params: of the search.
        modality: the view that words search: sentences ("text") or pictures ("image").

    Yields:
        The view, and its answers, best first. An empty text in a batch has none: the queries after it are answered.

    Raises:
        UsageError: the text of the command line is empty, a parameter is out of its range or does not belong to the
            view, or the encoder of the index cannot encode words.
        InputError: the picture or the vector cannot be used.
        StoreError: the index lacks the view.
    """
    if query.text is not None:
        is_empty = not query.text.strip()
        if is_empty and query.query_id is None:
            raise UsageError("the text of the query is empty", place=_place(query), remedy="give some words")
        if is_empty:
            yield modality, []
        elif modality == "image":
            _check_words_for_pictures(query, params)
            yield "image", index.search_image_by_text([query.text], params.k)[0]
        else:
            yield "text", index.search_text([query.text], params.k, params.title_boost)[0]
    if query.image is not None:
        _ = index.image_searcher  # raises if the index has no pictures: a better error than one on the picture
        yield "image", index.search_image([_read_image(query.image)], params.k)[0]
    if query.vector is not None:
        yield "image", index.search_vectors(_read_vector(query.vector), params.k)[0]


def _check_words_for_pictures(query: UserQuery, params: SearchParams) -> None:
    """Refuse what makes no sense when words search for pictures."""
    if query.image is not None:
        message = "both the words and the picture of a query ask the image view"
        raise UsageError(message, place=_place(query), remedy="ask with one of them at a time")
    if params.title_boost:
        raise UsageError("a title boost is for the text view", remedy="leave it out, or ask with --modality text")


def explain_score(index: WikiIndex, query: UserQuery, view: View, answer: Answer, params: SearchParams) -> str:
    """Explain the score of an answer: by Lucene's own account, or as the cosine that the image view computes."""
    if view == "image":
        return f"{answer.score:.6f} = inner product of unit vectors (cosine) of the query and {answer.file}"
    # An answer of the text view is a paragraph; its score is that of the sentence that matched.
    sentences = index.documents.sentences_of(int(answer.doc_id.partition("#")[0]))
    found = next(s for s in sentences if s.paragraph_id == answer.doc_id and s.text == answer.matched)
    return index.text_searcher.explain(query.text or "", found.sentence_id, params.title_boost)


def read_batch(path: Path) -> Iterator[UserQuery]:
    """Read a file of queries: a text on each line, or a JSON object on each line if the name ends in .jsonl.

    Blank lines are skipped. A text query is named by the number of its line.

    Raises:
        InputError: the file cannot be read, or a line is not a query.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            # readline with a limit: a file without line ends is never in memory as a whole.
            for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE_CHARS), ""), start=1):
                if len(line) == _MAX_LINE_CHARS:
                    raise _bad_line(path, number, f"longer than {_MAX_LINE_CHARS:,} characters")
                if line.strip():
                    yield _to_query(line.rstrip("\n"), number, path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the queries cannot be read ({error})", path=path, remedy="give a UTF-8 text file") from error


def _to_query(line: str, number: int, path: Path) -> UserQuery:
    if path.suffix != ".jsonl":
        return UserQuery(str(number), line, None)
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
    return UserQuery(str(values.get("id", number)), values.get("text"), None if image is None else Path(image))


def _bad_line(path: Path, number: int, problem: str) -> InputError:
    remedy = 'write lines like {"id": "1", "text": "some words", "image": "photo.jpg"}'
    return InputError(problem, path=path, place=f"line {number}", remedy=remedy)


def _place(query: UserQuery) -> str | None:
    return None if query.query_id is None else f"query {query.query_id}"


def _read_vector(path: Path) -> NDArray[np.float32]:
    """Read a vector [dim] or [1, dim] of floats, and return it as [1, dim] float32 of length 1."""
    import numpy as np

    remedy = "give a .npy file of floats, [dim] or [1, dim]"
    try:
        found = np.load(path, allow_pickle=False)
    except Exception as error:  # the header is in Python's syntax, and its faults raise exceptions of many types
        raise InputError(f"the vector cannot be read ({error})", path=path, remedy=remedy) from error
    if not isinstance(found, np.ndarray) or found.dtype.kind != "f" or found.size != max((0, *found.shape)):
        raise InputError("this is no vector", path=path, remedy=remedy)
    # A vector of zeros, or one with infinities, has no direction: it goes on as it is, and the searcher refuses it.
    vector = found.reshape(1, -1).astype(np.float64)
    length = np.linalg.norm(vector)
    return (vector / length if 0 < length < np.inf else vector).astype(np.float32)


def _read_image(path: Path) -> Image.Image:
    """Read and decode a picture."""
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
