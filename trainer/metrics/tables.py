"""Scores as JSON values for programs and as Markdown tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainer.metrics.counts import Score

__all__ = ["score_to_json", "scores_to_markdown", "to_markdown"]


def score_to_json(score: Score) -> dict[str, Any]:
    """Return a score as JSON values; precision, recall and F1 in [0, 1], unrounded.

    >>> from trainer.metrics.counts import Counts
    >>> score_to_json(Score.of(Counts(1, 2, 2)))["f1"]
    0.5
    """
    values: dict[str, Any] = {
        "precision": score.precision,
        "recall": score.recall,
        "f1": score.f1,
        **score.counts._asdict(),
    }
    if score.by_class:
        values["macro_f1"] = score.macro_f1
        values["by_class"] = {name: score_to_json(part) for name, part in score.by_class.items()}
    return values


def scores_to_markdown(scores: Mapping[str, Score], title: str = "scores") -> str:
    """Return named scores as a Markdown table in per cent; the classes of a score follow it, indented.

    >>> from trainer.metrics.counts import Counts
    >>> print(scores_to_markdown({"all": Score.of(Counts(1, 2, 2), {"PER": Counts(1, 2, 2)})}))
    | scores | precision | recall | F1 | right | predicted | gold |
    |---|---:|---:|---:|---:|---:|---:|
    | all | 50.00 | 50.00 | 50.00 | 1 | 2 | 2 |
    | - PER | 50.00 | 50.00 | 50.00 | 1 | 2 | 2 |
    """
    rows = []
    for name, score in scores.items():
        rows.append(_cells(name, score))
        rows += [_cells(f"- {kind}", part) for kind, part in score.by_class.items()]
    return to_markdown([title, "precision", "recall", "F1", "right", "predicted", "gold"], rows)


def to_markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table: the first column to the left, the others to the right.

    >>> print(to_markdown(["split", "samples"], [["dev", 12]]))
    | split | samples |
    |---|---:|
    | dev | 12 |
    """
    lines = [_line(header), "|---|" + "---:|" * (len(header) - 1), *(_line(row) for row in rows)]
    return "\n".join(lines)


def _cells(name: str, score: Score) -> list[object]:
    percent = [f"{100 * value:.2f}" for value in (score.precision, score.recall, score.f1)]
    return [name, *percent, *score.counts]


def _line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
