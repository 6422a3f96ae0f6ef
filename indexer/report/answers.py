"""Answers as people and programs read them: a table for a terminal, one JSON object a line for programs."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from indexer.search import Answer
from schemas.titles import file_page_url

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

__all__ = ["WORD", "plain", "print_answers", "to_json", "to_json_line", "to_row"]

_SHORT_CHARS = 240
WORD = re.compile(r"\w+(?:['’.]\w+)*")
_UNSAFE = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls that JSON does not escape itself, marks that turn the direction, Unicode's line ends, lone surrogates."""
Tokenize = Callable[[str], Sequence[str]]


def to_json_line(answer: Answer, **more: Any) -> str:
    """Write an answer as one line of JSON: the fields of `to_row`, and more.

    >>> to_json_line(Answer("text", 1, 2.5, "7#0", "Tea", "Tea is hot.", "Tea is hot. So it is."))
    '{"view": "text", "rank": 1, "score": 2.5, "doc_id": "7#0", "title": "Tea", "matched": "Tea is hot.", \
"text": "Tea is hot. So it is."}'
    """
    return to_json(to_row(answer) | more)


def to_row(answer: Answer) -> dict[str, Any]:
    """Name the fields of an answer: view, rank, score, doc_id, title, matched, text; file, file_page for images.

    file_page is the address where the picture's author and licence stand.
    """
    row: dict[str, Any] = {
        "view": answer.view,
        "rank": answer.rank,
        "score": round(answer.score, 6),
        "doc_id": answer.doc_id,
        "title": answer.title,
        "matched": answer.matched,
        "text": answer.text,
    }
    if answer.file is not None:
        row["file"] = answer.file
        row["file_page"] = file_page_url(answer.file)
    return row


def to_json(value: Any, *, indent: int | None = None) -> str:
    r"""Write JSON in which letters stand as they are and nothing can steer a terminal.

    >>> to_json({"a": "é \x9b31m \u202e \ud800"})
    '{"a": "é \\u009b31m \\u202e \\ud800"}'
    """
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False, indent=indent))


def plain(text: str) -> str:
    r"""Make a text of a dump safe for a terminal: no control characters, no marks that turn the direction.

    >>> plain("a\x1b[31mb\nc\u202ed")
    'a?[31mb c?d'
    """
    return "".join(_safe(char) for char in text)


def _safe(char: str) -> str:
    if char in "\n\t\u2028\u2029":
        return " "
    return "?" if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char not in "\u200c\u200d" else char


def print_answers(console: Console, answers: Sequence[Answer], *, tokenize: Tokenize | None, is_whole: bool) -> None:
    """Print the answers to one query as a table.

    Args:
        console: where to.
        answers: of one view, best first.
        tokenize: gives the tokens of a word, with those of the query bound to it; None: nothing is marked.
        is_whole: print whole paragraphs and introductions, else their beginning.
    """
    from rich.table import Table
    from rich.text import Text

    if not answers:
        console.print("no hit", style="dim")
        return
    is_image = answers[0].view == "image"
    table = Table(show_lines=True, expand=True, pad_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("title", ratio=2, overflow="fold")
    table.add_column("file and caption" if is_image else "sentence", ratio=5, overflow="fold")
    table.add_column("introduction" if is_image else "paragraph", ratio=6, overflow="fold")
    for answer in answers:
        table.add_row(
            str(answer.rank),
            f"{answer.score:.3f}",
            Text(plain(f"{answer.title} / {answer.section}" if answer.section else answer.title)),
            _key_of(answer, tokenize),
            Text(plain(answer.text if is_whole else _shorten(answer.text))),
        )
    console.print(table)


def _key_of(answer: Answer, tokenize: Tokenize | None) -> Text:
    from rich.text import Text

    if answer.view == "image":
        return Text(plain(f"{answer.file}: {answer.caption}" if answer.caption else str(answer.file)))
    text = plain(answer.matched)
    marked = Text(text)
    if tokenize is not None:
        for match in WORD.finditer(text):
            if tokenize(match.group()):
                marked.stylize("bold yellow", *match.span())
    return marked


def _shorten(text: str) -> str:
    """Return the beginning of a text, cut at a blank.

    >>> _shorten("a b"), len(_shorten("word " * 100)) <= 241
    ('a b', True)
    """
    if len(text) <= _SHORT_CHARS:
        return text
    return text[:_SHORT_CHARS].rpartition(" ")[0] + "…"
