"""The order of the decisions about spans."""

from __future__ import annotations

import torch

from trainer.model.heads.slots import EXISTS, slot_count, slots_of, words_of


def test_the_slots_of_fewer_words_come_first_and_each_slot_has_one_meaning() -> None:
    for words in range(30):
        slots = slots_of(words)
        everything = [EXISTS, *slots.starts.tolist(), *slots.ends.tolist(), *slots.spans.tolist()]
        assert sorted(everything) == list(range(slot_count(words))) and words_of(slot_count(words)) == words
        pairs = list(zip(slots.firsts.tolist(), slots.lasts.tolist(), strict=True))
        assert sorted(pairs) == [(i, j) for i in range(words) for j in range(i, words)]
        shorter = slots_of(max(0, words - 1))
        assert all(torch.equal(long[: len(short)], short) for long, short in zip(slots, shorter, strict=True))
