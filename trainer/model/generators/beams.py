"""The search for likely answers under a grammar: greedy, or by a beam; a step that has no choice costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor

from trainer.model.formats import END, Grammar, State, Symbol

__all__ = ["Hypothesis", "Scorer", "search"]

Scorer = Callable[[Sequence[tuple[int, Sequence[Symbol]]]], Tensor]
"""Returns the scores [N, V + P] of the next symbol after N texts, each with the number of its sample."""


@dataclass(frozen=True)
class Hypothesis:
    """A text that is being written.

    Args:
        state: where it is in the grammar.
        symbols: without END.
        log_prob: of the text, among all texts of the grammar.
        is_whole: whether END has been reached; a text that was cut has not.
    """

    state: State
    symbols: tuple[Symbol, ...] = field(default=())
    log_prob: float = 0.0
    is_whole: bool = False


def search(
    grammars: Sequence[Grammar], numbers: dict[str, int], scorer: Scorer, beams: int, longest: int
) -> list[list[Hypothesis]]:
    """Return the likeliest texts of each sample, best first; one where beams is 1.

    Args:
        grammars: of B samples.
        numbers: the column of each symbol that is no copy; the copy of token j stands in column len(numbers) + j.
        scorer: of the next symbol.
        beams: texts that are kept for each sample at each step.
        longest: symbols of a text; what is longer is cut.
    """
    kept = [[_forward(Hypothesis(grammar.start()), grammar)] for grammar in grammars]
    for _ in range(longest):
        open_ones = [(i, row) for i, rows in enumerate(kept) for row in rows if not row.is_whole]
        open_ones = [(i, row) for i, row in open_ones if len(row.symbols) < longest]
        if not open_ones:
            break
        scores = scorer([(i, row.symbols) for i, row in open_ones])
        grown: dict[int, list[Hypothesis]] = {}
        for (i, row), each in zip(open_ones, scores, strict=True):
            grown.setdefault(i, []).extend(_grow(row, grammars[i], numbers, each, beams))
        for i, new in grown.items():
            done = [row for row in kept[i] if row.is_whole or len(row.symbols) >= longest]
            kept[i] = sorted([*done, *new], key=lambda row: -row.log_prob)[:beams]
    return [sorted(rows, key=lambda row: -row.log_prob) for rows in kept]


def _grow(row: Hypothesis, grammar: Grammar, numbers: dict[str, int], scores: Tensor, beams: int) -> list[Hypothesis]:
    """Return a text with each of the likeliest symbols that are allowed."""
    allowed = grammar.allowed(row.state)
    symbols: list[Symbol] = [*sorted(allowed.words), *sorted(allowed.copies)]
    columns = [numbers[item] if isinstance(item, str) else len(numbers) + item for item in symbols]
    best = scores[columns].log_softmax(0).topk(min(beams, len(columns)))
    grown = []
    for value, place in zip(best.values.tolist(), best.indices.tolist(), strict=True):
        grown.append(_forward(_add(row, grammar, symbols[place], value), grammar))
    return grown


def _add(row: Hypothesis, grammar: Grammar, symbol: Symbol, value: float = 0.0) -> Hypothesis:
    state = grammar.step(row.state, symbol)
    if symbol == END:
        return replace(row, state=state, log_prob=row.log_prob + value, is_whole=True)
    return replace(row, state=state, symbols=(*row.symbols, symbol), log_prob=row.log_prob + value)


def _forward(row: Hypothesis, grammar: Grammar) -> Hypothesis:
    """Return a text with the symbols that follow of necessity."""
    while not row.is_whole:
        allowed = grammar.allowed(row.state)
        if len(allowed.words) + len(allowed.copies) != 1:
            break
        symbols: list[Symbol] = [*allowed.words, *allowed.copies]
        row = _add(row, grammar, symbols[0])
    return row
