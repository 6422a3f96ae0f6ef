"""Samples as input: markers of nested and overlapping entities, sentences longer than the window, batches, labels."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dataset import Dataset
from schemas.errors import InputError
from schemas.records import Sample, Span
from trainer.inputs import Example, LabelSet, collate, order_by_length, order_for_training
from trainer.inputs.markers import cut_around, mark_entities

MARKS = [1, 2, 3, 4]
NAMES = {1: "<h>", 2: "</h>", 3: "<t>", 4: "</t>", 10: "a", 11: "b", 12: "c", 13: "d"}


def marked(head: tuple[int, int], tail: tuple[int, int], tokens: int = 4) -> str:
    sample = Sample("a", tuple("abcd"[:tokens]), head=Span(*head), tail=Span(*tail))
    rows = mark_entities(sample, [[10 + i] for i in range(tokens)], MARKS)
    return " ".join(NAMES[piece] for row in rows for piece in row)


@pytest.mark.parametrize(
    ("head", "tail", "wanted"),
    [
        ((0, 1), (2, 3), "<h> a </h> b <t> c </t> d"),
        ((2, 4), (0, 2), "<t> a b </t> <h> c d </h>"),
        ((1, 2), (0, 4), "<t> a <h> b </h> c d </t>"),
        ((0, 3), (0, 1), "<h> <t> a </t> b c </h> d"),
        ((0, 4), (3, 4), "<h> a b c <t> d </t> </h>"),
        ((0, 2), (1, 3), "<h> a <t> b </h> c </t> d"),
    ],
)
def test_markers_stand_around_nested_and_overlapping_entities(
    head: tuple[int, int], tail: tuple[int, int], wanted: str
) -> None:
    assert marked(head, tail) == wanted


@given(st.integers(0, 30), st.integers(1, 4), st.integers(0, 30), st.integers(1, 4), st.integers(8, 40))
def test_a_cut_sentence_fits_and_keeps_its_markers(a: int, m: int, b: int, n: int, room: int) -> None:
    tokens = max(a + m, b + n)
    sample = Sample("a", ("x",) * tokens, head=Span(a, a + m), tail=Span(b, b + n))
    rows = mark_entities(sample, [[10, 11][: 1 + i % 2] for i in range(tokens)], MARKS)
    kept, cut = cut_around(rows, MARKS, room)
    assert sum(len(row) for row in kept) <= room or cut == tokens
    assert sorted(row[0] for row in kept if row[0] in MARKS) == MARKS
    assert len(rows) - len(kept) == cut
    if sum(len(row) for row in rows) <= room:
        assert kept == rows


def test_batches_are_padded_to_their_longest_and_hold_every_sample_once() -> None:
    rows = [Example(str(n), tuple(range(5, 5 + n)), (5,), tuple(range(min(n, 3))), None, ()) for n in range(1, 12)]
    order = order_by_length([len(row.ids) for row in rows], 4)
    assert sorted(chain(*order)) == list(range(11)) and order[0] == [10, 9, 8, 7]
    batch = collate([rows[i] for i in order[-1]], padding=1, has_plain=True)
    assert batch.ids.tolist() == [[5, 6, 7], [5, 6, 1], [5, 1, 1]]
    assert batch.attention.sum(1).tolist() == [3, 2, 1] and batch.plain_ids.shape == (3, 1)
    assert batch.mask.sum(1).tolist() == [3, 2, 1] and batch.targets is None and batch.pieces == 6


def test_the_order_depends_on_seed_and_epoch_alone_and_buckets_save_padding() -> None:
    lengths = [(7 * n) % 50 + 1 for n in range(400)]
    first = order_for_training(lengths, 8, seed=1, epoch=0, bucket=True)
    assert first == order_for_training(lengths, 8, seed=1, epoch=0, bucket=True)
    assert first != order_for_training(lengths, 8, seed=1, epoch=1, bucket=True)
    plain = order_for_training(lengths, 8, seed=1, epoch=0, bucket=False)
    padded = {
        name: sum(len(part) * max(lengths[i] for i in part) for part in order)
        for name, order in (("bucket", first), ("plain", plain))
    }
    assert padded["bucket"] < 1.05 * sum(lengths) and padded["plain"] > 1.5 * sum(lengths)
    assert sorted(chain(*first)) == sorted(chain(*plain)) == list(range(400))


def test_labels_follow_the_data_set_and_unknown_ones_are_named() -> None:
    ner = Dataset("x", "ner", ("LOC", "PER"), {}, (), {})
    assert LabelSet.of(ner).names == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert LabelSet.of(ner, [Sample("a", ("x",), tags=("S-LOC",))]).names[1:5] == ("B-LOC", "I-LOC", "E-LOC", "S-LOC")
    with pytest.raises(InputError, match=r"sample s-1: unknown tag 'B-PRE', did you mean B-PER"):
        LabelSet.of(ner).numbers(["O", "B-PRE"], "s-1")
