"""Twitter-2015, Twitter-2017 and SNAP: column files of tokens and tags, with or without appended contexts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from schemas.conll import read_tagged_sentences, split_contexts
from schemas.errors import InputError
from schemas.records import Sample
from schemas.text_files import TextFile
from trainer.data.readers.validation import check_sample, check_tags

__all__ = ["image_file", "read_columns"]

_HAS_SUFFIX = re.compile(r"\.(jpe?g|png|gif|webp|bmp)$", re.IGNORECASE)


def read_columns(file: TextFile, split: str, labels: Sequence[str] | None, counters: Counter[str]) -> Iterator[Sample]:
    """Read the samples of a column file.

    AdaSeq and PGIM publish these sets with contexts appended to each sentence behind `<EOS>`. They are not part of the
    sentence: they are left out and counted (`mie-index contexts import` reads them).

    Args:
        file: one token and its tag per line, in the first and the last column; `IMGID:123` before a sentence names the
            image `123.jpg`.
        split: of the samples; their ids begin with it (`train-1`, in the order of the file, from 1).
        labels: the entity types that may occur; None accepts any.
        counters: `contexts_left_out`, `docstarts_left_out` and `comments_left_out` are counted here.

    Raises:
        InputError: an unknown or malformed tag, an empty sentence, a missing column; with file and line.
    """
    for number, row in enumerate(read_tagged_sentences(file, counters), start=1):
        sentence, contexts = split_contexts(row, file)
        counters["contexts_left_out"] += len(contexts)
        if not sentence.tokens:
            raise InputError("empty token list", path=str(file), place=f"line {sentence.line}")
        lines = range(sentence.tokens_line, sentence.tokens_line + len(sentence.tags))
        check_tags(sentence.tags, labels, file, [f"line {line}" for line in lines])
        image = image_file(sentence.image_id) if sentence.image_id else None
        sample = Sample(f"{split}-{number}", sentence.tokens, image, tags=sentence.tags, split=split)
        yield check_sample(sample, file, f"line {sentence.line}")


def image_file(image_id: str) -> str:
    """Return the file name of an image: the id, and .jpg unless it ends like an image's name.

    >>> image_file("17_06_12483"), image_file("9.PNG")
    ('17_06_12483.jpg', '9.PNG')
    """
    return image_id if _HAS_SUFFIX.search(image_id) else f"{image_id}.jpg"
