"""Examples: samples as the encoder's input, with the positions that the head reads and the numbers of the labels."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from schemas.display import tell
from schemas.errors import UsageError
from schemas.records import Context, Sample
from trainer.inputs.features import FeatureRow, SampleFeatures
from trainer.inputs.pieces import find_specials, piece_ids, token_piece_ids
from trainer.inputs.sentence_ends import piece_ids_with_ends
from trainer.inputs.task import Task
from trainer.inputs.window import Specials, Window, WindowCounts, count_windows, fill_window

__all__ = ["Example", "Examples", "make_examples"]

Targets = Callable[[Sample, Window], tuple[int, ...] | None]
"""Gives the right classes of the states of a sample that are in its window; None without labels."""

_CutText = tuple[list[int], tuple[int, ...]]
"""The pieces of a text, and after how many of them it may be cut."""


@dataclass(frozen=True, slots=True)
class Example:
    """One sample as numbers.

    Args:
        sample_id: of the sample.
        ids: pieces of the window, contexts included [L].
        plain_ids: pieces of the window without contexts [L'], for the second view.
        positions: of the states that the head reads [P]. They are the same in both windows, as contexts stand behind
            the sentence.
        targets: right classes of the head's states [S]; None without labels.
        used: positions of the contexts that are in the window, in the list given.
        cut_tokens: tokens of the sample that did not fit into the window.
        features: of its picture; None where the run reads none.
        sample: itself, for heads and objectives that read more of it than targets say.
        earlier: the example of the step before it in its group; None where there is none.
        context_ids: pieces of the contexts in the window, alone between the special pieces [L"]; only those without any
            context.
        teacher: log posteriors of another expert [S, K]; None where there is no teacher.
    """

    sample_id: str
    ids: tuple[int, ...]
    plain_ids: tuple[int, ...]
    positions: tuple[int, ...]
    targets: tuple[int, ...] | None
    used: tuple[int, ...]
    cut_tokens: int = 0
    features: FeatureRow | None = None
    sample: Sample | None = None
    earlier: Example | None = None
    context_ids: tuple[int, ...] = ()
    teacher: Tensor | None = None


@dataclass(frozen=True)
class Examples:
    """The examples of a split, in its order, and what its windows left out."""

    rows: tuple[Example, ...]
    counts: WindowCounts


def make_examples(
    samples: Sequence[Sample],
    contexts: Mapping[str, Sequence[Context]] | None,
    tokenizer: Any,
    task: Task,
    targets: Targets,
    max_length: int,
    features: SampleFeatures | None = None,
    is_cutting: bool = False,
) -> Examples:
    """Make the examples of samples.

    Args:
        samples: of the task, with or without labels.
        contexts: sample_id -> contexts in the order in which they fill the window; None is the baseline.
        tokenizer: the encoder's; it knows the task's markers.
        task: sets the layout of the sentence.
        targets: of the head.
        max_length: pieces in a window.
        features: of these samples, in their order; None without pictures.
        is_cutting: cut a context that does not fit at the end of a sentence, instead of skipping it.

    Raises:
        InputError: an unknown label, or a sample of another task.
        UsageError: a window too small for one piece.
    """
    specials = find_specials(tokenizer)
    room = max_length - len(specials.begin) - len(specials.end)
    if room < 1:
        raise UsageError(f"a window of {max_length} pieces has no room", remedy="set encoder.max_length_pieces")
    marks = tokenizer.convert_tokens_to_ids(list(task.markers)) if task.markers else []
    context_pieces = _context_pieces(samples, contexts or {}, tokenizer, is_cutting=is_cutting)
    rows: list[Example] = []
    windows: list[Window] = []
    pieces_of = token_piece_ids(tokenizer, [sample.tokens for sample in samples]) if samples else ()
    for sample, pieces in zip(samples, pieces_of, strict=True):
        tell("windows", len(rows), len(samples), "samples")
        task.check(sample)
        sentence = task.lay_out(sample, pieces, marks, specials.unknown, room)
        window = _window(sentence.pieces, context_pieces.get(sample.sample_id, []), max_length, specials)
        plain = window if not window.used else fill_window(sentence.pieces, [], max_length, specials)
        positions = task.positions(plain, marks, sample)
        cut = window.cut_tokens + sentence.cut_tokens
        right = targets(sample, window)
        pictures = None if features is None else FeatureRow(features, len(rows))
        alone = _contexts_alone(window, specials)
        numbers = (window.ids, plain.ids, positions, right, window.used)
        rows.append(Example(sample.sample_id, *numbers, cut, pictures, sample, context_ids=alone))
        windows.append(replace(window, cut_tokens=cut))
    found = [(contexts or {}).get(sample.sample_id, ()) for sample in samples]
    rows = _with_earlier(rows)
    return Examples(tuple(rows), replace(count_windows(windows), ranks=_count_ranks(found, windows)))


def _with_earlier(rows: Sequence[Example]) -> list[Example]:
    """Return examples with the step before each in its group, among these examples; a gap of steps does not matter."""
    places = {(row.sample.group, row.sample.step): row for row in rows if row.sample is not None}
    steps: dict[str, list[int]] = {}
    for group, step in places:
        if group is not None and step is not None:
            steps.setdefault(group, []).append(step)
    before = {
        (group, step): places[group, last]
        for group, own in steps.items()
        for last, step in itertools.pairwise(sorted(own))
    }
    return [
        row if row.sample is None else replace(row, earlier=before.get((row.sample.group or "", row.sample.step or 0)))
        for row in rows
    ]


def _contexts_alone(window: Window, specials: Specials) -> tuple[int, ...]:
    """Return the contexts of a window as a window of their own.

    >>> marks = Specials(begin=(0,), between=(2,), end=(3,), unknown=1)
    >>> _contexts_alone(fill_window([[10]], [[20, 21], [30]], 9, marks), marks)
    (0, 20, 21, 30, 3)
    >>> _contexts_alone(fill_window([[10]], [], 9, marks), marks)
    (0, 3)
    """
    inside = window.ids[window.context_start : len(window.ids) - len(specials.end)]
    return (*specials.begin, *inside, *specials.end)


def _count_ranks(
    contexts: Sequence[Sequence[Context]], windows: Sequence[Window]
) -> dict[str, list[tuple[int, int, int]]]:
    """Count by source and rank how many contexts were read whole, cut and left out."""
    counts: dict[str, dict[int, list[int]]] = {}
    for own, window in zip(contexts, windows, strict=True):
        used, cut = set(window.used), set(window.cut)
        for position, context in enumerate(own):
            row = counts.setdefault(context.source, {}).setdefault(context.rank, [0, 0, 0])
            row[1 if position in cut else 0 if position in used else 2] += 1
    return {
        source: [(row[0], row[1], row[2]) for rank in range(1, max(ranks) + 1) for row in [ranks.get(rank, [0, 0, 0])]]
        for source, ranks in counts.items()
    }


def _window(
    pieces: Sequence[Sequence[int]], contexts: Sequence[_CutText], max_length: int, specials: Specials
) -> Window:
    ends = [ends for _, ends in contexts]
    window = fill_window(pieces, [ids for ids, _ in contexts], max_length, specials, ends)
    if not window.first_piece:  # the first token alone is longer than the window: its beginning stands for it
        head = list(pieces[0])[: max_length - len(specials.begin) - len(specials.end)]
        window = fill_window([head], [], max_length, specials)
        return replace(window, used=(), skipped=len(contexts), cut_tokens=len(pieces) - 1)
    return window


def _context_pieces(
    samples: Sequence[Sample], contexts: Mapping[str, Sequence[Context]], tokenizer: Any, *, is_cutting: bool
) -> dict[str, list[_CutText]]:
    """Return the pieces of all contexts by sample, and where they may be cut: nowhere, where contexts are skipped.

    A text that several samples share goes to the tokenizer once.
    """
    texts = {context.text for sample in samples for context in contexts.get(sample.sample_id, ())}
    ordered = sorted(texts)
    if is_cutting:
        cut = dict(zip(ordered, piece_ids_with_ends(tokenizer, ordered), strict=True))
    else:
        cut = {text: (ids, ()) for text, ids in zip(ordered, piece_ids(tokenizer, ordered), strict=True)}
    return {
        sample.sample_id: [cut[context.text] for context in contexts.get(sample.sample_id, ())] for sample in samples
    }
