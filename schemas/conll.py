"""CoNLL column files: a token and its tag on each line, a blank line after each sentence.

A line may have columns between the two, as in CoNLL-2003 (`EU NNP B-NP B-ORG`) and MultiCoNER (`ann _ _ B-PER`): the
first is the token, the last the tag. Lines -DOCSTART- and comments (`# id 5f3a domain=en`) are no sentences.

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

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.errors import InputError
from schemas.text_files import TextFile

__all__ = ["CONTEXT_TAG", "SEPARATOR", "TaggedSentence", "read_tagged_sentences", "split_contexts"]

_IMAGE = "IMGID:"
_DOCUMENT_START = "-DOCSTART-"
_COMMENT = re.compile(r"#[ \t]+(?=.*=|\S+[ \t]+\S)")
_TAG = re.compile(r"O|X|[BIESLU]-\S+")
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


def read_tagged_sentences(file: TextFile, counters: Counter[str] | None = None) -> Iterator[TaggedSentence]:
    """Read the sentences of a column file; tabs separate the columns, or blanks in a line without a tab.

    A token that is white space only is kept, because the file has a tag for it. In a file of two columns, the last
    blank of a line separates them: a token may hold blanks.

    Args:
        file: the column file.
        counters: `docstarts_left_out` and `comments_left_out` are counted here.

    Raises:
        InputError: a line lacks its token or tag, or has another number of columns than the lines before, or an IMGID
            line has no sentence; names the line.
    """
    counters = Counter() if counters is None else counters
    columns = _Columns(file)
    image_id: str | None = None
    first = 0
    rows: list[tuple[str, str]] = []
    for number, line in file.lines():
        if rows and line == f"\t{CONTEXT_TAG}":
            continue  # an empty word of a context, as RiVEG's knowledge has 85
        # With a tab, "IMGID:..." is a token like any other.
        is_image = line.startswith(_IMAGE) and "\t" not in line
        is_start = line.startswith(_DOCUMENT_START) and line.split(maxsplit=1)[0] == _DOCUMENT_START
        if is_image or is_start or not line.strip(" \t"):
            if rows:
                yield _to_sentence(image_id, rows, first)
            elif image_id is not None:
                raise _empty(file, first)
            image_id, rows = (line[len(_IMAGE) :].strip(), []) if is_image else (None, [])
            first = number
            counters["docstarts_left_out"] += is_start
            continue
        if not rows and image_id is None:
            if _is_comment(line):
                counters["comments_left_out"] += 1
                continue
            first = number
        rows.append(columns.split(line, number))
    if rows:
        yield _to_sentence(image_id, rows, first)
    elif image_id is not None:
        raise _empty(file, first)


def _is_comment(line: str) -> bool:
    """Return whether a line before a sentence is a comment, and not the token "#" with its tag.

    >>> _is_comment("# id 5f3a domain=en"), _is_comment("# sent_id = 1"), _is_comment("# O"), _is_comment("# NN O")
    (True, True, False, False)
    """
    return _COMMENT.match(line) is not None and _TAG.fullmatch(line.split()[-1]) is None


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


class _Columns:
    """Splits the lines of a file, all of which must have as many columns as the first."""

    def __init__(self, file: TextFile) -> None:
        self._file = file
        self._count = 0
        self._first_line = 0

    def split(self, line: str, number: int) -> tuple[str, str]:
        """Return token and tag, the first and the last column; blanks at the end of a line mean nothing."""
        bare = line.rstrip(" \t")
        if "\t" in bare:
            token, *between, tag = bare.split("\t")
            count = 2 + sum(map(bool, between))  # two tabs in a row are one gap
        elif self._count == 2:
            token, _, tag = bare.rpartition(" ")
            count = 2
        else:
            token, *between, tag = bare.split(" ") if " " in bare else ("", bare)
            count = 2 + sum(map(bool, between))
        if not token or not tag.strip():
            raise self._error(f"a line must hold a token and a tag, this is {line[:60]!r}", number)
        if not self._count:
            self._count, self._first_line = count, number
        if count != self._count:
            said = f"{count} columns, but {self._count} in line {self._first_line}: {line[:60]!r}"
            raise self._error(said, number, remedy="put a tab between the columns where a token holds a blank")
        return token, tag.strip()

    def _error(self, message: str, number: int, remedy: str | None = None) -> InputError:
        return InputError(message, path=str(self._file), place=f"line {number}", remedy=remedy)


def _to_sentence(image_id: str | None, rows: list[tuple[str, str]], first: int) -> TaggedSentence:
    tokens, tags = zip(*rows, strict=True)
    return TaggedSentence(image_id, tokens, tags, first)


def _empty(file: TextFile, first: int) -> InputError:
    return InputError("an image without a sentence (empty token list)", path=str(file), place=f"line {first}")
