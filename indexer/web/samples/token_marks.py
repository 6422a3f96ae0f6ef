"""The tokens of a sample cut into entities and the text between them, each entity with its verdict in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from indexer.web.samples.models import LabelRow, MistakeRow, PredictionRow, SampleLine

__all__ = ["MarkedTokens", "mark_gold", "mark_pair", "mark_run"]


@dataclass(frozen=True, slots=True)
class MarkedTokens:
    """Consecutive tokens.

    Args:
        text: the tokens, joined by blanks.
        label: entity type, head or tail; "" for the tokens between.
        state: gold, right, wrong or missed; "" for the tokens between, and without gold.
        note: the mistake in words.
        probability: of the label.
        fine: fine type; "" where there is none.
    """

    text: str
    label: str = ""
    state: str = ""
    note: str = ""
    probability: float | None = None
    fine: str = ""


def mark_gold(line: SampleLine) -> list[MarkedTokens]:
    """Mark the gold entities."""
    return _cut(line.tokens, [(row, "gold", "") for row in line.gold or ()])


def mark_pair(line: SampleLine) -> list[MarkedTokens]:
    """Mark head and tail."""
    return _cut(line.tokens, [(row, "gold", "") for row in (line.head, line.tail) if row])


def mark_run(line: SampleLine, predicted: PredictionRow) -> list[MarkedTokens]:
    """Mark the entities that a run predicted, right or wrong, and the gold entities that it missed."""
    wrong: dict[tuple[str, int, int], list[MistakeRow]] = {}
    for mistake in predicted.mistakes:
        if mistake.predicted:
            wrong.setdefault(_key(mistake.predicted), []).append(mistake)
    marks = []
    for label in predicted.entities:
        mistakes = wrong.get(_key(label), [])
        if mistakes:
            marks.append((label, "wrong", ", ".join(_note(row, label) for row in mistakes)))
        else:
            marks.append((label, "right" if line.gold is not None else "", ""))
    marks += [(row.gold, "missed", "missed") for row in predicted.mistakes if row.gold and row.predicted is None]
    return _cut(line.tokens, marks)


def _key(label: LabelRow) -> tuple[str, int, int]:
    return label.type, label.start, label.end


def _note(mistake: MistakeRow, label: LabelRow) -> str:
    """Return a mistake in words, with what is right."""
    gold = mistake.gold
    if gold is None or mistake.kind == "wrong region":
        return mistake.kind
    if mistake.kind == "wrong fine type":
        return f"{mistake.kind}, gold {gold.fine}"
    is_moved = (gold.start, gold.end) != (label.start, label.end)
    return f"{mistake.kind}, gold {gold.type}" + (f" “{gold.text}”" if is_moved else "")


def _cut(tokens: Sequence[str], marks: Iterable[tuple[LabelRow, str, str]]) -> list[MarkedTokens]:
    """Cut tokens at marks (label, state, note); a mark that begins within an earlier one is left out.

    >>> _cut(["in", "New", "York"], [(LabelRow(type="LOC", start=1, end=3, text=""), "gold", "")])[1].text
    'New York'
    """
    pieces: list[MarkedTokens] = []
    at = 0
    # Of marks that begin at one token the longest comes first, so it wins.
    for label, state, note in sorted(marks, key=lambda mark: (mark[0].start, -mark[0].end)):
        if label.start < at:
            continue
        if label.start > at:
            pieces.append(MarkedTokens(" ".join(tokens[at : label.start])))
        text = " ".join(tokens[label.start : label.end])
        pieces.append(MarkedTokens(text, label.type, state, note, label.probability, label.fine or ""))
        at = label.end
    if at < len(tokens):
        pieces.append(MarkedTokens(" ".join(tokens[at:])))
    return pieces
