"""Answers to a query: a table for people, and a JSON object on each line for programs."""

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

__all__ = ["WORD_PATTERN", "answer_to_row", "print_answers", "printable", "to_json", "to_json_line"]

_SHORT_CHARS = 240
WORD_PATTERN = re.compile(r"\w+(?:['’.]\w+)*")
"""A word to highlight. An apostrophe or a point inside does not end it, as in Lucene's standard tokenizer."""
_UNSAFE = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What JSON leaves unescaped and a terminal may obey: control characters, marks that change the direction of writing,
Unicode's line ends, lone surrogates."""
Tokenize = Callable[[str], Sequence[str]]


def to_json_line(answer: Answer, **more: Any) -> str:
    """Write an answer as one line of JSON.

    Args:
        answer: of the index.
        more: fields that are added to those of `answer_to_row`.

    >>> to_json_line(Answer("text", 1, 2.5, "7#0", "Tea", "Tea is hot.", "Tea is hot. So it is."))
    '{"view": "text", "rank": 1, "score": 2.5, "doc_id": "7#0", "title": "Tea", \
"description": "", "matched": "Tea is hot.", "text": "Tea is hot. So it is."}'
    """
    return to_json(answer_to_row(answer) | more)


def answer_to_row(answer: Answer) -> dict[str, Any]:
    """Return the fields of an answer by name: view, rank, score, doc_id, title, description, matched and text.

    An answer of the image view also has file, and file_page: the page that names the picture's author and licence.
    """
    row: dict[str, Any] = {
        "view": answer.view,
        "rank": answer.rank,
        "score": round(answer.score, 6),
        "doc_id": answer.doc_id,
        "title": answer.title,
        "description": answer.description,
        "matched": answer.matched,
        "text": answer.text,
    }
    if answer.file is not None:
        row["file"] = answer.file
        row["file_page"] = file_page_url(answer.file)
    return row


def to_json(value: Any, *, indent: int | None = None) -> str:
    r"""Write JSON with letters of all scripts as they are, and everything that can control a terminal escaped.

    >>> to_json({"a": "é \x9b31m \u202e \ud800"})
    '{"a": "é \\u009b31m \\u202e \\ud800"}'
    """
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False, indent=indent))


def printable(text: str) -> str:
    r"""Replace the characters of a text that can control a terminal or change the direction of writing.

    >>> printable("a\x1b[31mb\nc\u202ed")
    'a?[31mb c?d'
    """
    return "".join(_safe(char) for char in text)


def _safe(char: str) -> str:
    """Return a character, a blank for a line end, or "?" for a character that is not safe.

    The two joiners (U+200C, U+200D) are format characters, too, but Persian and many emoji cannot be written without.
    """
    if char in "\n\t\u2028\u2029":
        return " "
    return "?" if unicodedata.category(char) in ("Cc", "Cf", "Cs") and char not in "\u200c\u200d" else char


def print_answers(console: Console, answers: Sequence[Answer], *, tokenize: Tokenize | None, is_whole: bool) -> None:
    """Print the answers to a query as a table.

    Args:
        console: to print on.
        answers: of one view, best first.
        tokenize: returns those tokens of a word that the query has, too; such words are marked. None marks none.
        is_whole: print whole paragraphs and introductions, not only their beginnings.
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
            _title_of(answer),
            _key_of(answer, tokenize),
            Text(printable(answer.text if is_whole else _shorten(answer.text))),
        )
    console.print(table)


def _title_of(answer: Answer) -> Text:
    """Return the title with its section, and below it what the article says of itself."""
    from rich.text import Text

    title = Text(printable(f"{answer.title} / {answer.section}" if answer.section else answer.title))
    return title.append(f"\n{printable(answer.description)}", style="dim") if answer.description else title


def _key_of(answer: Answer, tokenize: Tokenize | None) -> Text:
    """Return what the query was compared with: the picture, or the sentence with the words of the query marked."""
    from rich.text import Text

    if answer.view == "image":
        return Text(printable(f"{answer.file}: {answer.caption}" if answer.caption else str(answer.file)))
    text = printable(answer.matched)
    marked = Text(text)
    if tokenize is not None:
        for match in WORD_PATTERN.finditer(text):
            if tokenize(match.group()):
                marked.stylize("bold yellow", *match.span())
    return marked


def _shorten(text: str) -> str:
    """Return the beginning of a text, cut after a whole word.

    >>> _shorten("a b"), len(_shorten("word " * 100)) <= 241
    ('a b', True)
    """
    if len(text) <= _SHORT_CHARS:
        return text
    return text[:_SHORT_CHARS].rpartition(" ")[0] + "…"
