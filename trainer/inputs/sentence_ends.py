"""Where a context may be cut: after which of its pieces a sentence ends."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["piece_ids_with_ends", "sentence_ends"]

_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s+[\"'“‘«(\[]*[^\W_])|[。！？]+[」』”’）]*|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|Gen|Col|Lt|Sgt|Rev|Hon|Gov|Sen|Rep|vs|No|no|Nos|approx|ca|cf|lit|pp?|"
    r"Vol|vol|Fig|fig|Inc|Ltd|Co|Corp|Bros|Mt|Ft|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)|(?:\w\.)+\w)\Z"
)
_SMALL = re.compile(r"\s+[\"'“‘«(\[]*[a-zß-öø-ÿа-я]")


def sentence_ends(text: str) -> list[int]:
    """Return the offsets after the last character of each sentence, the end of the text among them.

    A rule of thumb that rather misses an end than makes one: a full stop ends no sentence after an initial or an
    abbreviation, nor before a small letter.

    >>> text = "Dr. J. Smith was born in St. Louis. He e.g. likes it! Really?"
    >>> [text[:end][-7:] for end in sentence_ends(text)]
    [' Louis.', 'kes it!', 'Really?']
    """
    found = []
    for match in _END.finditer(text):
        before = text[: match.start()]
        is_stop = match.group().startswith(".")
        if is_stop and (_ABBREVIATION.search(before[-12:]) or _SMALL.match(text, match.end())):
            continue
        found.append(len(before.rstrip()) if match.group().isspace() else match.end())
    whole = len(text.rstrip())
    return [*(end for end in dict.fromkeys(found) if 0 < end < whole), *([whole] if whole else [])]


def piece_ids_with_ends(tokenizer: Any, texts: Sequence[str]) -> Iterator[tuple[list[int], tuple[int, ...]]]:
    """Return for each text its piece ids, without special pieces, and after how many of them a sentence ends.

    Args:
        tokenizer: a fast one, which knows the place of each piece in the text.
        texts: any number.
    """
    if not texts:
        return
    encoded = tokenizer(
        list(texts),
        add_special_tokens=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        return_offsets_mapping=True,
        truncation=False,
        verbose=False,
    )
    for text, ids, offsets in zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        yield ids, _cuts(sentence_ends(text), [end for _, end in offsets])


def _cuts(ends: Sequence[int], piece_ends: Sequence[int]) -> tuple[int, ...]:
    """Return how many pieces end at or before each end of a sentence, ascending and different.

    >>> _cuts([6, 11], [3, 6, 9, 11])
    (2, 4)
    """
    found: dict[int, None] = {}
    number = 0
    for end in ends:
        while number < len(piece_ends) and piece_ends[number] <= end:
            number += 1
        if number:
            found[number] = None
    return tuple(found)
