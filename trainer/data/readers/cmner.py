"""CMNER: Chinese posts as columns of characters and tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from schemas.records import Sample
from schemas.text_files import TextFile
from trainer.data.readers.gmner import read_blocks
from trainer.data.readers.twitter import image_file
from trainer.data.readers.validation import check_sample, check_tags

__all__ = ["read_cmner"]


def read_cmner(
    file: TextFile,
    split: str,
    labels: Sequence[str] | None,
    counters: Counter[str],  # noqa: ARG001 - nothing is decided here
) -> Iterator[Sample]:
    """Read the posts of a file of characters: each character is a token.

    Args:
        file: a character and its tag per line, parted by a tab; `WID:L3Vu0EVF6` before a post names it, and its picture
            `L3Vu0EVF6.jpg`.
        split: of the samples; their ids begin with it (`train-1`, in the order of the file, from 1).
        labels: the entity types that may occur; None accepts any.
        counters: not used.

    Raises:
        InputError: an unknown or malformed tag, a missing column; with file and line.
    """
    for number, block in enumerate(read_blocks(file, "WID:", (2,)), start=1):
        tokens, tags = zip(*block.rows, strict=True)
        check_tags(tags, labels, file, [f"line {block.tokens_line + i}" for i in range(len(tags))])
        image = image_file(block.key) if block.key else None
        sample = Sample(f"{split}-{number}", tokens, image, tags=tags, split=split)
        yield check_sample(sample, file, f"line {block.line}")
