"""The forms in which captions circulate: which picture each is of, and what it says."""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from indexer.contexts.import_rows import is_text
from schemas.errors import InputError
from schemas.text_files import TextFile

__all__ = ["FORMS", "read_captions"]

FORMS = (
    "give lines `image.jpg :caption`, `image.jpg<TAB>caption`, JSON or Python dicts of an image and a caption, or "
    "blocks `imgid:ID###caption`"
)
_IMAGE_KEYS = ("image_id", "image", "img_id", "imgid", "image_name", "file_name", "filename")
_CAPTION_KEYS = ("caption", "captions", "text")
_BLOCK = re.compile(r"(?:imgid|img_id|image_?id)\s*:\s*(?P<image>[^#\n]+?)\s*###(?P<caption>.*)", re.IGNORECASE)
_NUMBERED = re.compile(r"(?P<image>.+\.[A-Za-z]{3,4})#\d+")
"""Flickr8k numbers the captions of a picture behind its name."""
_MOST_LITERAL = 1 << 20
"""Characters of a Python dict: its parser takes a hundred times the memory of the text."""
_MOST_JSON_BYTES = 256 * 1024 * 1024


def read_captions(file: TextFile) -> Iterator[tuple[str, str]]:
    """Read the captions of a file, in their order.

    Each line may be `image.jpg :caption`, `image.jpg<TAB>caption`, or a dict of JSON or Python; a file that begins with
    `imgid:ID###` has captions of several lines, up to the next such line. A .json file may be one value: a list of
    dicts, or image -> caption (or captions).

    Yields:
        the name of the picture as it stands there, and the caption.

    Raises:
        InputError: a line has none of the forms, with its number.
    """
    name = file.member or file.path.name
    if name.lower().endswith(".json"):
        value = _whole(file)
        if value is not None:
            for place, row in enumerate(value if isinstance(value, list) else [value], start=1):
                yield from _of_value(row, file, f"value {place}")
            return
    lines = ((number, line) for number, line in file.lines() if line.strip())
    for number, line in lines:
        if _BLOCK.match(line):
            yield from _blocks(number, line, file)
            return
        yield from _of_line(line, file, f"line {number}")


def _whole(file: TextFile) -> Any:
    """Return the one JSON value of a file; None where it has a value in each line."""
    try:
        value = json.loads(file.read_bytes(_MOST_JSON_BYTES))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, list | dict) else None


def _blocks(first: int, _line: str, file: TextFile) -> Iterator[tuple[str, str]]:
    """Read captions of several lines; the file begins with the header of one."""
    image, caption = "", [""]
    for number, line in file.lines():
        if number < first:
            continue
        header = _BLOCK.match(line)
        if header is None:
            caption.append(line)
            continue
        if image:
            yield image, _join(caption)
        image, caption = header["image"], [header["caption"]]
    yield image, _join(caption)


def _join(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


def _of_line(line: str, file: TextFile, place: str) -> Iterator[tuple[str, str]]:
    if line.lstrip().startswith("{"):
        yield from _of_value(_parse(line, file, place), file, place)
        return
    image, colon, caption = line.partition(" :")
    if not colon or "\t" in image:
        image, colon, caption = line.partition("\t")
    if not colon or not image.strip():
        raise InputError(f"no caption of a picture: {line[:80]!r}", path=str(file), place=place, remedy=FORMS)
    numbered = _NUMBERED.fullmatch(image.strip())
    yield numbered["image"] if numbered else image.strip(), caption.strip()


def _parse(line: str, file: TextFile, place: str) -> Any:
    """Return the value of a line of JSON or of Python; of Python only literals, nothing is run."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        pass
    try:
        if len(line) > _MOST_LITERAL:
            raise ValueError(f"a dict of more than {_MOST_LITERAL:,} characters")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a backslash that escapes nothing: it stays
            return ast.literal_eval(line.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise InputError(f"no dict ({error})", path=str(file), place=place, remedy=FORMS) from error


def _of_value(row: Any, file: TextFile, place: str) -> Iterator[tuple[str, str]]:
    """Read a dict of one picture, or of many: image -> caption or captions."""
    if not isinstance(row, Mapping):
        raise InputError(f"{type(row).__name__}, no dict", path=str(file), place=place, remedy=FORMS)
    image_key = next((key for key in _IMAGE_KEYS if key in row), None)
    caption_key = next((key for key in _CAPTION_KEYS if key in row), None)
    if image_key is None and caption_key is None and row:
        pairs = list(row.items())
    elif image_key is None or caption_key is None:
        wanted = f"{'no image' if image_key is None else 'no caption'} in a dict of {', '.join(map(str, row))[:80]}"
        raise InputError(wanted, path=str(file), place=place, remedy=FORMS)
    else:
        pairs = [(row[image_key], row[caption_key])]
    for image, captions in pairs:
        name = str(image) if isinstance(image, int) and not isinstance(image, bool) else image
        texts = captions if isinstance(captions, list | tuple) else [captions]
        if not is_text(name) or not name.strip() or not all(is_text(text) for text in texts):
            raise InputError("an image or a caption is no text", path=str(file), place=place, remedy=FORMS)
        for text in texts:
            yield name.strip(), text.strip()
