"""Column files: one token and its tag per line, a blank line after each sentence, IMGID lines before some."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schemas.errors import InputError
from schemas.text_files import TextFile

__all__ = ["CONTEXT_TAG", "SEPARATOR", "Block", "read_blocks", "split_contexts"]

_IMAGE = "IMGID:"
SEPARATOR = "<EOS>"
CONTEXT_TAG = "X"
"""How AdaSeq and PGIM append contexts to a sentence: `<EOS>` and then their tokens, all tagged X."""


@dataclass(frozen=True, slots=True)
class Block:
    """A sentence of a column file. line is its first line, the IMGID line where there is one."""

    image_id: str | None
    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    line: int

    @property
    def tokens_line(self) -> int:
        """The line of the first token; the others follow line by line."""
        return self.line + (self.image_id is not None)


def read_blocks(file: TextFile) -> Iterator[Block]:
    """Read the sentences of a column file (columns parted by a tab, or else by the last blank).

    A token of white space only is kept: its tag belongs to it.

    Raises:
        InputError: a line without a token or a tag, or an IMGID without a sentence; with the line.
    """
    image_id: str | None = None
    first = 0
    rows: list[tuple[str, str]] = []
    for number, line in file.lines():
        is_image = line.startswith(_IMAGE) and "\t" not in line
        if is_image or not line.strip(" \t"):
            if rows:
                yield _block(image_id, rows, first)
            elif image_id is not None:
                raise _empty(file, first)
            image_id, rows = (line[len(_IMAGE) :].strip(), []) if is_image else (None, [])
            first = number
            continue
        if not rows and image_id is None:
            first = number
        rows.append(_columns(line, file, number))
    if rows:
        yield _block(image_id, rows, first)
    elif image_id is not None:
        raise _empty(file, first)


def split_contexts(block: Block, file: TextFile) -> tuple[Block, tuple[str, ...]]:
    """Part a block of an AdaSeq or PGIM file into the sentence and its contexts, in rank order.

    Raises:
        InputError: a tag X in the sentence, or another tag after the separator.
    """
    if SEPARATOR not in block.tokens or CONTEXT_TAG not in block.tags:
        return block, ()
    end = next(i for i, row in enumerate(zip(block.tokens, block.tags, strict=True)) if row[1] == CONTEXT_TAG)
    if block.tokens[end] != SEPARATOR or set(block.tags[end:]) != {CONTEXT_TAG}:
        raise InputError(
            f"tags {CONTEXT_TAG} must begin at {SEPARATOR} and go on to the end of the sentence",
            path=str(file),
            place=f"line {block.line}",
        )
    texts: list[list[str]] = [[]]
    for token in block.tokens[end + 1 :]:
        if token == SEPARATOR:
            texts.append([])
        else:
            texts[-1].append(token)
    sentence = Block(block.image_id, block.tokens[:end], block.tags[:end], block.line)
    return sentence, tuple(" ".join(text) for text in texts if text)


def _columns(line: str, file: TextFile, number: int) -> tuple[str, str]:
    columns = line.split("\t") if "\t" in line else line.rsplit(" ", 1)
    if len(columns) != 2 or not columns[0] or not columns[1].strip():
        raise InputError(
            f"a line must hold a token and a tag, this is {line[:60]!r}", path=str(file), place=f"line {number}"
        )
    return columns[0], columns[1].strip()


def _block(image_id: str | None, rows: list[tuple[str, str]], first: int) -> Block:
    tokens, tags = zip(*rows, strict=True)
    return Block(image_id, tokens, tags, first)


def _empty(file: TextFile, first: int) -> InputError:
    return InputError("an image without a sentence (empty token list)", path=str(file), place=f"line {first}")
