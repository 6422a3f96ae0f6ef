"""Twitter-2015, Twitter-2017 and SNAP in column files, and the same with contexts behind <EOS> (AdaSeq, PGIM)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from schemas.conll import read_tagged_sentences, split_contexts
from schemas.errors import InputError
from schemas.records import Sample
from schemas.text_files import TextFile
from trainer.data.reading import checked, unknown_label

__all__ = ["check_tags", "read_conll", "type_of"]

_TAG = re.compile(r"O|[BIES]-\S+")
_HAS_SUFFIX = re.compile(r"\.(jpe?g|png|gif|webp|bmp)$", re.IGNORECASE)


def read_conll(file: TextFile, split: str, labels: Sequence[str] | None, counters: Counter[str]) -> Iterator[Sample]:
    """Read the samples of a column file; contexts behind <EOS> are left out and counted.

    Args:
        file: tokens and tags; `IMGID:123` before a sentence names the image `123.jpg`.
        split: of the samples, and the beginning of their ids (`train-1`, by their order from 1).
        labels: the entity types that may occur; None takes any.
        counters: gets `contexts_left_out`.

    Raises:
        InputError: an unknown or malformed tag, an empty sentence, a missing column; with file and line.
    """
    for number, whole in enumerate(read_tagged_sentences(file), start=1):
        block, contexts = split_contexts(whole, file)
        counters["contexts_left_out"] += len(contexts)
        if not block.tokens:
            raise InputError("empty token list", path=str(file), place=f"line {block.line}")
        check_tags(block.tags, labels, file, [f"line {block.tokens_line + i}" for i in range(len(block.tags))])
        image = None if not block.image_id else _image_file(block.image_id)
        sample = Sample(f"{split}-{number}", block.tokens, image, tags=block.tags, split=split)
        yield checked(sample, file, f"line {block.line}")


def check_tags(tags: Sequence[str], labels: Sequence[str] | None, file: TextFile, places: Sequence[str]) -> None:
    """Check that every tag is O or a prefix (B, I, E, S) and one of the types.

    Args:
        tags: of one sentence.
        labels: the types that may occur; None takes any.
        file: where they stand.
        places: the place of each tag in it.

    Raises:
        InputError: one is not, with its place.
    """
    for tag, place in zip(tags, places, strict=True):
        if not _TAG.fullmatch(tag):
            raise InputError(f"not a tag: {tag!r} (wanted: O, B-TYPE, I-TYPE)", path=str(file), place=place)
        if labels is not None and (kind := type_of(tag)) is not None and kind not in labels:
            raise unknown_label("tag", tag, labels, file, place)


def type_of(tag: str) -> str | None:
    """Return the entity type of a tag, None for O.

    >>> type_of("B-PER"), type_of("O")
    ('PER', None)
    """
    return tag.partition("-")[2] or None


def _image_file(image_id: str) -> str:
    return image_id if _HAS_SUFFIX.search(image_id) else f"{image_id}.jpg"
