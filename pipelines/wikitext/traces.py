"""Traces of templates that show nothing: where each stood in its line, and how many were lost inside prose.

A dropped template leaves a placeholder, because only the finished line tells what it was: a box on its own, a note
behind a word, or a word of the sentence. The line is then resolved, and the placeholders go:

    Trains to TRACE 0 and back.          Trains to Lime Street and back.     (0: {{stn|Lime Street}})
    The end.TRACE 1                      The end.                            (1: {{dubious|date=May}}, counted)
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from itertools import islice
from typing import NamedTuple

from pipelines.templates.words import UNKNOWN_VALUE
from pipelines.wikitext.placeholders import IMAGE, MAX_NUMBER, TRACE, number_char, number_of
from pipelines.wikitext.unknown_templates import is_between_words

__all__ = ["Traces", "arguments_without_traces", "split_leading_traces", "without_traces"]

_TRACE = re.compile(f"{TRACE}([\U000f0000-\U000ffffd])")
_LEADING = re.compile(f"(?:[ \t]*{TRACE}[\U000f0000-\U000ffffd])+[ \t]*")
_MARKUP = re.compile(
    rf"'{{2,}}|\[\[(?:[^\[\]|\n]*\|)?|\]\]|<[^<>\n]{{0,300}}>|[{TRACE}{IMAGE}][\U000f0000-\U000ffffd]|[\ufdd1-\ufdef]"
)
"""What a reader does not see, our own signs among it."""
_WINDOW_CHARS = 300
"""So much of the line on each side says where a template stands; the time for a line stays linear."""
_EXAMPLE_CHARS = 50
"""So much of the line on each side is shown in an example."""
_MAX_WRITTEN_CHARS = 100
_MAX_ARGUMENTS = 20
"""An example shows so much of a template, and no more of its arguments."""
_OTHERS = "(others)"
_MANY = MAX_NUMBER // 2
"""So many templates that show nothing have a number each, whether they are written alike or not."""


class _Dropped(NamedTuple):
    """A template that shows nothing.

    Args:
        name: under which it is counted.
        written_name: its name as written.
        args: its arguments; traces may stand in them.
        word: that it may stand for; '' if none.
    """

    name: str
    written_name: str
    args: Mapping[str, str]
    word: str

    @property
    def written(self) -> str:
        """How it is written, in short. Few are looked at so closely: one for each name."""
        args = islice(self.args.items(), _MAX_ARGUMENTS)
        values = [value if key.isdigit() else f"{key}={value}" for key, value in args]
        written = without_traces("|".join([self.written_name.strip(), *values]))
        return written if len(written) <= _MAX_WRITTEN_CHARS else written[:_MAX_WRITTEN_CHARS] + "…"


def without_traces(text: str) -> str:
    """Return a text without its traces."""
    return _TRACE.sub("", text) if TRACE in text else text


def arguments_without_traces(args: dict[str, str]) -> dict[str, str]:
    """Return arguments without traces, which a rule would take for values; the same object where there is none."""
    if not args or TRACE not in "".join(args.values()):
        return args
    return {key: without_traces(value).strip() for key, value in args.items()}


def split_leading_traces(line: str) -> tuple[str, str]:
    """Split the traces at the start of a line from the rest, which then begins with its bullets or its first word."""
    match = _LEADING.match(line) if TRACE in line else None
    return (match.group(), line[match.end() :]) if match else ("", line)


class Traces:
    """The templates of one article that show nothing. Each is counted when the line in which it stands is resolved.

    Args:
        title: of the article, for the examples.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._numbers: dict[tuple[str, str, str], int] = {}  # of those that were left when numbers were running out
        self._dropped: list[_Dropped] = []
        self.in_prose: dict[str, int] = defaultdict(int)
        """Name -> templates that were dropped inside a line of prose."""
        self.shown: dict[str, int] = defaultdict(int)
        """Name -> unknown templates that show their first plain argument."""
        self.examples: dict[str, str] = {}
        """Name -> the first line in which one was dropped or shown, in short."""

    def leave(self, name: str, written_name: str, args: Mapping[str, str], word: str = "") -> str:
        """Return the trace of a template.

        Args:
            name: under which it is counted.
            written_name: its name as written, for the example.
            args: its arguments, for the example; traces in them are left out.
            word: what it shows between words of a sentence; '' if nothing.
        """
        return self._leave(_Dropped(name, written_name, args, word))

    def _leave(self, dropped: _Dropped) -> str:
        number = len(self._dropped)
        if number < _MANY:
            self._dropped.append(dropped)
            return TRACE + number_char(number)
        # From here on, templates that are written alike share a number.
        key = dropped.name, dropped.written, dropped.word
        if key not in self._numbers:
            if number > MAX_NUMBER:  # no more numbers: the last one stands for all others
                return TRACE + number_char(MAX_NUMBER)
            self._numbers[key] = number
            self._dropped.append(_Dropped(_OTHERS, "…", {}, "") if number == MAX_NUMBER else dropped)
        return TRACE + number_char(self._numbers[key])

    def put_back(self, shown: str, with_traces: str, args: Mapping[str, str]) -> str:
        """Return what a template shows with the traces of its arguments: at their places or, failing that, behind.

        Args:
            shown: for its arguments without traces.
            with_traces: what it shows for its arguments as they are. A template that computes with them may show
                something else; then the place of each trace is gone, and with it the word that could stand there.
            args: its arguments as they are.
        """
        if TRACE in with_traces and without_traces(with_traces) == shown:
            return with_traces
        found = [self._dropped[number_of(number)] for value in args.values() for number in _TRACE.findall(value)]
        return shown + "".join(self._leave(dropped._replace(word="")) for dropped in found)

    def resolve(self, line: str) -> str:
        """Replace the traces of a line by what the templates show there, and count those that show nothing.

        Args:
            line: a paragraph, a list item or a caption, as wikitext without templates.

        Returns:
            The line without traces.
        """
        if TRACE not in line:
            return line
        bare = without_traces(line)
        if not bare.strip() or not any(char.isalnum() for char in _MARKUP.sub("", bare)):
            return bare  # nothing is lost in a line without words
        pieces: list[str] = []
        at, before = 0, ""
        for match in _TRACE.finditer(line):
            pieces.append(line[at : match.start()])
            at = match.end()
            before = (before + pieces[-1])[-2 * _WINDOW_CHARS :]
            word = self._resolve_one(number_of(match.group(1)), before, line[at : at + _WINDOW_CHARS])
            pieces.append(word)
            before += word
        return "".join([*pieces, line[at:]])

    def _resolve_one(self, number: int, before: str, after: str) -> str:
        dropped = self._dropped[number]
        is_shown = False
        if dropped.word or dropped.name not in self.examples:  # the others are only counted
            left, right = _MARKUP.sub("", before[-_WINDOW_CHARS:]), _MARKUP.sub("", after)
            is_shown = bool(dropped.word) and is_between_words(left, right)
        counts = self.shown if is_shown else self.in_prose
        counts[dropped.name] += 1
        if dropped.name not in self.examples:
            line = f"{left[-_EXAMPLE_CHARS:]}{{{{{dropped.written}}}}}{right[:_EXAMPLE_CHARS]}"
            self.examples[dropped.name] = f"{self._title}: {' '.join(line.replace(UNKNOWN_VALUE, '…').split())}"
        return dropped.word if is_shown else ""
