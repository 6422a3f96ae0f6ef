"""Pieces that training replaces by the mask piece: which ones, how many, and in which views."""

from __future__ import annotations

import pytest
import torch

from trainer.inputs import Batch, mask_pieces

MASK, KEPT = 4, (0, 1, 2, 3, 4)


def make_batch(*, has_plain: bool = False) -> Batch:
    torch.manual_seed(2)
    ids = torch.randint(0, 40, (32, 50))
    there = torch.ones_like(ids, dtype=torch.bool)
    positions = torch.zeros(32, 1, dtype=torch.long)
    plain = ids[:, :20].clone() if has_plain else ids
    return Batch(ids, there, plain, there[:, : plain.shape[1]], positions, there[:, :1], None)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_share_of_the_pieces_is_masked_and_those_that_bound_the_text_stay(share: float) -> None:
    batch = make_batch()
    found = mask_pieces(batch, share, MASK, KEPT)
    changed = found.ids != batch.ids
    assert bool((found.ids[changed] == MASK).all())
    kept = batch.ids < 5
    assert not changed[kept].any()
    assert abs(float(changed[~kept].float().mean()) - share) < 0.05


def test_both_views_are_masked_and_one_view_stays_one() -> None:
    one = mask_pieces(make_batch(), 0.3, MASK, KEPT)
    assert one.plain_ids is one.ids
    batch = make_batch(has_plain=True)
    two = mask_pieces(batch, 0.3, MASK, KEPT)
    assert two.plain_ids.shape == (32, 20) and bool((two.plain_ids != batch.plain_ids).any())
    assert two.attention is batch.attention and two.plain_attention is batch.plain_attention


def test_each_step_draws_anew() -> None:
    batch = make_batch()
    assert not torch.equal(mask_pieces(batch, 0.3, MASK, KEPT).ids, mask_pieces(batch, 0.3, MASK, KEPT).ids)
