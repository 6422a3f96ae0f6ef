"""CoNLL column files: a token and its tag on each line, a blank line after each sentence.

A line `IMGID:` before a sentence names its picture. Two published formats append retrieved contexts to the sentence:

    IMGID:12
    Rocky   B-PER
    barks   O
    <EOS>   X        the separator before each context
    Rocky   X
    is      X
    ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.errors import InputError
from schemas.text_files import TextFile

__all__ = ["CONTEXT_TAG", "SEPARATOR", "TaggedSentence", "read_tagged_sentences", "split_contexts"]

_IMAGE = "IMGID:"
SEPARATOR = "<EOS>"
CONTEXT_TAG = "X"
"""The separator, and the tag of contexts. Source: the data files of AdaSeq (MoRe) and PGIM."""


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence of a column file.

    Args:
        image_id: text of its IMGID line; None if there is no such line.
        tokens: of the sentence.
        tags: one for each token.
        line: number of its first line, from 1: the IMGID line if there is one.
    """

    image_id: str | None
    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    line: int

    @property
    def tokens_line(self) -> int:
        """Return the number of the first token's line; each later token is on the next line."""
        return self.line + (self.image_id is not None)


def read_tagged_sentences(file: TextFile) -> Iterator[TaggedSentence]:
    """Read the sentences of a column file; a tab separates token and tag, or the last blank of a line without a tab.

    A token that is white space only is kept, because the file has a tag for it.

    Raises:
        InputError: a line lacks its token or tag, or an IMGID line has no sentence; names the line.
    """
    image_id: str | None = None
    first = 0
    rows: list[tuple[str, str]] = []
    for number, line in file.lines():
        # With a tab, "IMGID:..." is a token like any other.
        is_image = line.startswith(_IMAGE) and "\t" not in line
        if is_image or not line.strip(" \t"):
            if rows:
                yield _to_sentence(image_id, rows, first)
            elif image_id is not None:
                raise _empty(file, first)
            image_id, rows = (line[len(_IMAGE) :].strip(), []) if is_image else (None, [])
            first = number
            continue
        if not rows and image_id is None:
            first = number
        rows.append(_columns(line, file, number))
    if rows:
        yield _to_sentence(image_id, rows, first)
    elif image_id is not None:
        raise _empty(file, first)


def split_contexts(row: TaggedSentence, file: TextFile) -> tuple[TaggedSentence, tuple[str, ...]]:
    """Split a sentence of an AdaSeq or PGIM file into the sentence itself and its contexts, in rank order.

    Args:
        row: as `read_tagged_sentences` read it.
        file: for the error.

    Raises:
        InputError: a tag X in the sentence, or another tag after the separator.
    """
    if SEPARATOR not in row.tokens or CONTEXT_TAG not in row.tags:
        return row, ()
    end = next(i for i, tag in enumerate(row.tags) if tag == CONTEXT_TAG)
    if row.tokens[end] != SEPARATOR or set(row.tags[end:]) != {CONTEXT_TAG}:
        raise InputError(
            f"tags {CONTEXT_TAG} must begin at {SEPARATOR} and go on to the end of the sentence",
            path=str(file),
            place=f"line {row.line}",
        )
    texts: list[list[str]] = [[]]
    for token in row.tokens[end + 1 :]:
        if token == SEPARATOR:
            texts.append([])
        else:
            texts[-1].append(token)
    sentence = TaggedSentence(row.image_id, row.tokens[:end], row.tags[:end], row.line)
    return sentence, tuple(" ".join(text) for text in texts if text)


def _columns(line: str, file: TextFile, number: int) -> tuple[str, str]:
    """Split a line into token and tag."""
    columns = line.split("\t") if "\t" in line else line.rsplit(" ", 1)
    if len(columns) != 2 or not columns[0] or not columns[1].strip():
        raise InputError(
            f"a line must hold a token and a tag, this is {line[:60]!r}", path=str(file), place=f"line {number}"
        )
    return columns[0], columns[1].strip()


def _to_sentence(image_id: str | None, rows: list[tuple[str, str]], first: int) -> TaggedSentence:
    tokens, tags = zip(*rows, strict=True)
    return TaggedSentence(image_id, tokens, tags, first)


def _empty(file: TextFile, first: int) -> InputError:
    return InputError("an image without a sentence (empty token list)", path=str(file), place=f"line {first}")
