"""WikiDiverse: a json list of [sentence, image address, topic, [[mention, type, start, end, page address], ...]]."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.errors import InputError
from schemas.records import Sample, Span
from schemas.text_files import TextFile
from trainer.data.reading import checked, unknown_label
from trainer.data.tokens import Token, tokenize

__all__ = ["image_name", "read_wikidiverse"]

_MAX_BYTES = 256 * 1024 * 1024
_SUFFIX = re.compile(r"\.(?:jpe?g|JPE?G|png|PNG|svg|SVG)(?=[^.]*$)")


def read_wikidiverse(
    file: TextFile, split: str, labels: Sequence[str] | None, counters: Counter[str]
) -> Iterator[Sample]:
    """Read the sentences of a file, cut into tokens, with their mentions as tags.

    A mention that begins or ends inside a token takes the whole token (counted: mentions_widened); of two mentions
    that meet in a token the longer one stays (counted: mentions_dropped).

    Raises:
        InputError: not such a list, an offset outside the sentence, an unknown type; with file and entry.
    """
    for number, entry in enumerate(_entries(file), start=1):
        place = f"entry {number}"
        sentence, address, mentions = _parts(entry, file, place)
        tokens = tokenize(sentence)
        tags = _tags(tokens, [_mention(row, sentence, labels, file, place) for row in mentions], counters)
        image = image_name(address) if address else None
        texts = tuple(token.text for token in tokens)
        yield checked(Sample(f"{split}-{number}", texts, image, tags=tags, split=split), file, place)


def image_name(address: str) -> str:
    """Return the name of an image in the set's own image archive: md5 of the address' last part, and its suffix.

    Vector images stand there as png. Source: the README of wangxw5/wikiDiverse, "How to get the wikinews imgs".

    >>> image_name("https://upload.wikimedia.org/wikipedia/commons/0/06/DetroitLionsRunningPlay-2007.jpg")[-8:]
    '7538.jpg'
    """
    name = address.rsplit("/", 1)[-1]
    found = _SUFFIX.search(name)
    suffix = name[found.start() :] if found else name
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest() + re.sub(r"\.(svg|SVG)", ".png", suffix)


def _entries(file: TextFile) -> list[Any]:
    try:
        value = json.loads(file.read_bytes(_MAX_BYTES))
    except (ValueError, RecursionError) as error:
        raise InputError(f"not json ({error})", path=str(file)) from error
    if not isinstance(value, list):
        raise InputError("not a json list", path=str(file))
    return value


def _parts(entry: Any, file: TextFile, place: str) -> tuple[str, str, list[Any]]:
    if isinstance(entry, list) and len(entry) >= 4:
        sentence, address, _, mentions = entry[:4]
        if isinstance(sentence, str) and isinstance(address, str) and isinstance(mentions, list):
            return sentence, address, mentions
    raise InputError("an entry must be [sentence, image address, topic, mentions]", path=str(file), place=place)


def _mention(row: Any, sentence: str, labels: Sequence[str] | None, file: TextFile, place: str) -> tuple[str, Span]:
    try:
        text, kind, start, end = row[:4]
        span = Span(int(start), int(end))
        if not isinstance(kind, str) or not kind.strip() or not isinstance(text, str):
            raise ValueError("mention and type must be strings")
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"not a mention: {row!r:.80} ({error})", path=str(file), place=place) from error
    if not 0 <= span.start < span.end <= len(sentence):
        raise InputError(
            f"mention [{span.start}, {span.end}) is not in a sentence of {len(sentence)} characters",
            path=str(file),
            place=place,
        )
    if labels is not None and kind not in labels:
        raise unknown_label("type", kind, labels, file, place)
    return re.sub(r"\s+", "_", kind.strip()), span


def _tags(tokens: Sequence[Token], mentions: Sequence[tuple[str, Span]], counters: Counter[str]) -> tuple[str, ...]:
    tags = ["O"] * len(tokens)
    for kind, span in sorted(mentions, key=lambda row: (row[1].start - row[1].end, row[1].start)):
        inside = [i for i, token in enumerate(tokens) if token.start < span.end and span.start < token.end]
        if not inside or any(tags[i] != "O" for i in inside):
            counters["mentions_dropped"] += 1
            continue
        counters["mentions_widened"] += (tokens[inside[0]].start, tokens[inside[-1]].end) != span
        for i in inside:
            tags[i] = f"I-{kind}"
        tags[inside[0]] = f"B-{kind}"
    return tuple(tags)
