"""WikiDiverse: a JSON list of [sentence, image URL, topic, [[mention, type, start, end, page URL], ...]]."""

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
from trainer.data.readers.tokenizer import Token, tokenize
from trainer.data.readers.validation import check_sample, unknown_label

__all__ = ["image_name", "read_wikidiverse"]

_MAX_BYTES = 256 * 1024 * 1024
"""The list is parsed as a whole, so the memory that it takes is bounded here."""
_SUFFIX = re.compile(r"\.(?:jpe?g|JPE?G|png|PNG|svg|SVG)(?=[^.]*$)")
"""The last of these suffixes; the name in the archive keeps it, and all that follows it."""


def read_wikidiverse(
    file: TextFile, split: str, labels: Sequence[str] | None, counters: Counter[str]
) -> Iterator[Sample]:
    """Read the sentences of a file; split them into tokens, and make tags of their mentions.

    The mentions are given in characters. One that begins or ends inside a token is widened to the whole token; where
    two mentions share a token, the longer one is kept and the other dropped.

    Args:
        file: the whole JSON list.
        split: of the samples; their ids begin with it (`train-1`, in the order of the file, from 1).
        labels: the entity types that may occur; None accepts any.
        counters: `mentions_widened` and `mentions_dropped` are counted here.

    Raises:
        InputError: no such list, an offset outside the sentence, an unknown type; with file and entry.
    """
    for number, entry in enumerate(_parse_list(file), start=1):
        place = f"entry {number}"
        sentence, image_url, rows = _parse_entry(entry, file, place)
        tokens = tokenize(sentence)
        mentions = [_parse_mention(row, sentence, labels, file, place) for row in rows]
        texts = tuple(token.text for token in tokens)
        image = image_name(image_url) if image_url else None
        sample = Sample(f"{split}-{number}", texts, image, tags=_to_tags(tokens, mentions, counters), split=split)
        yield check_sample(sample, file, place)


def image_name(url: str) -> str:
    """Return the name that an image has in the image archive of the set: the MD5 of its file name, and its suffix.

    The archive has vector images as PNG. Source: the README of wangxw5/wikiDiverse, "How to get the wikinews imgs".

    >>> image_name("https://upload.wikimedia.org/wikipedia/commons/0/06/DetroitLionsRunningPlay-2007.jpg")[-8:]
    '7538.jpg'
    """
    name = url.rsplit("/", 1)[-1]
    match = _SUFFIX.search(name)
    suffix = name[match.start() :] if match else name
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest() + re.sub(r"\.(svg|SVG)", ".png", suffix)


def _parse_list(file: TextFile) -> list[Any]:
    try:
        value = json.loads(file.read_bytes(_MAX_BYTES))
    except (ValueError, RecursionError) as error:
        raise InputError(f"not json ({error})", path=str(file)) from error
    if not isinstance(value, list):
        raise InputError("not a json list", path=str(file))
    return value


def _parse_entry(entry: Any, file: TextFile, place: str) -> tuple[str, str, list[Any]]:
    if isinstance(entry, list) and len(entry) >= 4:
        sentence, image_url, _, mentions = entry[:4]
        if isinstance(sentence, str) and isinstance(image_url, str) and isinstance(mentions, list):
            return sentence, image_url, mentions
    raise InputError("an entry must be [sentence, image URL, topic, mentions]", path=str(file), place=place)


def _parse_mention(
    row: Any, sentence: str, labels: Sequence[str] | None, file: TextFile, place: str
) -> tuple[str, Span]:
    """Return the type of a mention, blanks replaced by underscores, and its span in characters."""
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


def _to_tags(tokens: Sequence[Token], mentions: Sequence[tuple[str, Span]], counters: Counter[str]) -> tuple[str, ...]:
    """Return a tag for each token; the longest mentions are placed first, of equal ones the first in the text.

    >>> _to_tags(tokenize("New York City"), [("LOC", Span(0, 8)), ("LOC", Span(0, 13))], Counter())
    ('B-LOC', 'I-LOC', 'I-LOC')
    """
    tags = ["O"] * len(tokens)
    # start - end is the negative length: the longest comes first
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
