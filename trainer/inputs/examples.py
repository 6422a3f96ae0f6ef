"""Samples as the encoder's input: pieces, windows with whole contexts, entity markers, and the numbers of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.display import tell
from schemas.errors import InputError, UsageError
from schemas.records import Context, Sample
from trainer.inputs.contexts import Specials, Window, WindowCounts, count_windows, fill_window
from trainer.inputs.labels import LabelSet
from trainer.model import find_specials, piece_ids, token_piece_ids

__all__ = ["MARKERS", "Example", "Examples", "make_examples", "mark_entities"]

MARKERS = ("<head>", "</head>", "<tail>", "</tail>")
"""Special pieces around the two entities of a relation."""


@dataclass(frozen=True, slots=True)
class Example:
    """One sample as numbers.

    Args:
        sample_id: of the sample.
        ids: pieces of the window, contexts included [L].
        plain_ids: pieces of the window without contexts [L'], for the second view.
        positions: where the states are that the head reads [P]: the first piece of each token; or the two markers in
            the order in which they stand. They are the same in both windows, as contexts stand behind the sentence.
        targets: number of the tag of each token in the window [P], or (number of the relation,); None without labels.
        used: places of the contexts that are in the window, in the list given.
    """

    sample_id: str
    ids: tuple[int, ...]
    plain_ids: tuple[int, ...]
    positions: tuple[int, ...]
    targets: tuple[int, ...] | None
    used: tuple[int, ...]


@dataclass(frozen=True)
class Examples:
    """The examples of a split, in its order, and what its windows left out."""

    rows: tuple[Example, ...]
    counts: WindowCounts


def make_examples(
    samples: Sequence[Sample],
    contexts: Mapping[str, Sequence[Context]] | None,
    tokenizer: Any,
    labels: LabelSet,
    max_length: int,
) -> Examples:
    """Make the examples of samples.

    Args:
        samples: with or without labels; all of the task of `labels`.
        contexts: sample_id -> contexts in the order in which they fill the window; None is the baseline.
        tokenizer: the encoder's; for relations it knows the MARKERS.
        labels: numbers of labels.
        max_length: pieces in a window.

    Raises:
        InputError: a label that is not in the set, or a sample of the other task.
    """
    specials = find_specials(tokenizer)
    if max_length < len(specials.begin) + len(specials.end) + 1:
        raise UsageError(f"a window of {max_length} pieces has no room", remedy="set encoder.max_length_pieces")
    marks = tokenizer.convert_tokens_to_ids(list(MARKERS)) if labels.task == "re" else []
    context_pieces = _context_pieces(samples, contexts or {}, tokenizer)
    rows: list[Example] = []
    windows: list[Window] = []
    pieces_of = token_piece_ids(tokenizer, [sample.tokens for sample in samples]) if samples else ()
    for sample, pieces in zip(samples, pieces_of, strict=True):
        tell("windows", len(rows), len(samples), "samples")
        behind = context_pieces.get(sample.sample_id, [])
        if labels.task == "re":
            example, window = _relation_example(sample, pieces, behind, marks, labels, max_length, specials)
        else:
            example, window = _tagging_example(sample, pieces, behind, labels, max_length, specials)
        rows.append(example)
        windows.append(window)
    return Examples(tuple(rows), count_windows(windows))


def mark_entities(sample: Sample, pieces: Sequence[Sequence[int]], marks: Sequence[int]) -> list[list[int]]:
    """Put markers around head and tail; nested and overlapping spans keep their own ends.

    Args:
        sample: with head and tail.
        pieces: of each token [T][>= 0].
        marks: pieces of `<head>`, `</head>`, `<tail>`, `</tail>`.

    Returns:
        the markers and the tokens as pieces, in order [T + 4][>= 0].

    >>> sample = Sample("a", ("Anna", "of", "Rome"), head=(0, 1), tail=(2, 3))
    >>> mark_entities(sample, [[10], [11], [12]], [1, 2, 3, 4])
    [[1], [10], [2], [11], [3], [12], [4]]
    """
    assert sample.head is not None and sample.tail is not None
    (head_start, head_end), (tail_start, tail_end) = sample.head, sample.tail
    marked: list[list[int]] = []
    for position in range(len(pieces) + 1):
        ends = [(head_start, marks[1])] * (head_end == position) + [(tail_start, marks[3])] * (tail_end == position)
        begins = [(head_end, marks[0])] * (head_start == position) + [(tail_end, marks[2])] * (tail_start == position)
        marked += [[mark] for _, mark in sorted(ends, key=lambda item: -item[0])]
        marked += [[mark] for _, mark in sorted(begins, key=lambda item: -item[0])]
        if position < len(pieces):
            marked.append(list(pieces[position]))
    return marked


def _tagging_example(
    sample: Sample,
    pieces: list[list[int]],
    contexts: list[list[int]],
    labels: LabelSet,
    max_length: int,
    specials: Specials,
) -> tuple[Example, Window]:
    window = _window(pieces, contexts, max_length, specials)
    plain = window if not window.used else fill_window(pieces, [], max_length, specials)
    targets = None
    if sample.tags is not None:
        targets = labels.numbers(sample.tags, sample.sample_id)[: len(window.first_piece)]
    elif sample.relation is not None:
        raise _other_task(sample, "tags")
    return Example(sample.sample_id, window.ids, plain.ids, window.first_piece, targets, window.used), window


def _relation_example(
    sample: Sample,
    pieces: list[list[int]],
    contexts: list[list[int]],
    marks: Sequence[int],
    labels: LabelSet,
    max_length: int,
    specials: Specials,
) -> tuple[Example, Window]:
    if sample.head is None or sample.tail is None:
        raise _other_task(sample, "head and tail")
    marked = mark_entities(sample, [row or [specials.unknown] for row in pieces], marks)
    marked, cut = _cut_around(marked, marks, max_length - len(specials.begin) - len(specials.end))
    window = _window(marked, contexts, max_length, specials)
    plain = window if not window.used else fill_window(marked, [], max_length, specials)
    opening = {marks[0], marks[2]}
    positions = tuple(position for position, piece in enumerate(plain.ids) if piece in opening)
    if len(positions) != 2:
        raise InputError("the two entities do not fit into one window", place=f"sample {sample.sample_id}")
    targets = None if sample.relation is None else labels.numbers([sample.relation], sample.sample_id)
    counted = Window(
        window.ids, window.first_piece, window.context_start, window.used, window.skipped, window.cut_tokens + cut
    )
    return Example(sample.sample_id, window.ids, plain.ids, positions, targets, window.used), counted


def _cut_around(marked: list[list[int]], marks: Sequence[int], room: int) -> tuple[list[list[int]], int]:
    """Drop tokens of a sentence longer than the window from its ends, then from its middle; markers stay.

    Dropped are, until it fits: what lies farthest from the entities; last, tokens between and in them.
    """
    places = [i for i, row in enumerate(marked) if len(row) == 1 and row[0] in marks]
    kept = set(range(len(marked)))
    size = sum(len(row) for row in marked)

    def distance(i: int) -> int:
        return min(abs(i - place) for place in places)

    by_distance = sorted((i for i in kept if i not in places), key=lambda i: (-distance(i), -i))
    for i in by_distance:
        if size <= room:
            break
        kept.discard(i)
        size -= len(marked[i])
    return [row for i, row in enumerate(marked) if i in kept], len(marked) - len(kept)


def _window(
    pieces: Sequence[Sequence[int]], contexts: Sequence[Sequence[int]], max_length: int, specials: Specials
) -> Window:
    try:
        window = fill_window(pieces, contexts, max_length, specials)
    except ValueError as error:
        raise UsageError(str(error), remedy="set encoder.max_length_pieces") from error
    if not window.first_piece:  # the first token alone is longer than the window: its beginning stands for it
        head = list(pieces[0])[: max_length - len(specials.begin) - len(specials.end)]
        window = fill_window([head], [], max_length, specials)
        return Window(window.ids, window.first_piece, window.context_start, (), len(contexts), len(pieces) - 1)
    return window


def _context_pieces(
    samples: Sequence[Sample], contexts: Mapping[str, Sequence[Context]], tokenizer: Any
) -> dict[str, list[list[int]]]:
    """Cut all contexts into pieces; a text that several samples share is cut once."""
    texts = {context.text for sample in samples for context in contexts.get(sample.sample_id, ())}
    ordered = sorted(texts)
    cut = dict(zip(ordered, piece_ids(tokenizer, ordered), strict=True))
    return {
        sample.sample_id: [cut[context.text] for context in contexts.get(sample.sample_id, ())] for sample in samples
    }


def _other_task(sample: Sample, wanted: str) -> InputError:
    return InputError(f"a sample without {wanted}", place=f"sample {sample.sample_id}", remedy="check data.samples")
