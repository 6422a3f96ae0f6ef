"""The tagging head with a span task, by hand."""

from __future__ import annotations

import pytest
import torch

from schemas.errors import UsageError
from trainer.inputs import LabelSet
from trainer.model.heads.head import View
from trainer.model.heads.settings import SpanSettings
from trainer.model.heads.spans import SpanHead, conversion_matrix

NAMES = ("O", "B-LOC", "I-LOC", "B-ORG", "I-ORG", "B-OTHER", "I-OTHER", "B-PER", "I-PER")


def test_the_conversion_shares_a_span_among_the_types() -> None:
    matrix = conversion_matrix(NAMES)
    assert matrix.shape == (3, 9) and torch.equal(matrix.sum(1), torch.ones(3))
    assert matrix[0].tolist() == [1.0] + [0.0] * 8
    assert matrix[1].tolist() == [0.0] + [0.25, 0.0] * 4 and matrix[2].tolist() == [0.0] + [0.0, 0.25] * 4


def test_span_scores_of_nought_leave_half_of_the_tags_and_the_loss_has_both_chains() -> None:
    torch.manual_seed(6)
    head = SpanHead(12, LabelSet("ner", NAMES), SpanSettings(span_dim=4)).eval()
    states, mask = torch.randn(2, 3, 12), torch.tensor([[True] * 3, [True, True, False]])
    targets = torch.tensor([[1, 2, 0], [0, 7, 0]])
    with torch.no_grad():
        tags, spans = head.linear(states[..., :8]), head.span_linear(states[..., 8:])
        assert torch.allclose(head(states), 0.5 * tags + 0.5 * spans @ conversion_matrix(NAMES), atol=1e-6)
        loss = head.loss(View(states, mask, head(states)), targets)
        right = -head.chain.log_likelihood(head(states), targets, mask)
        right -= 0.5 * head.span_chain.log_likelihood(spans, torch.tensor([[1, 2, 0], [0, 1, 0]]), mask)
        assert torch.allclose(loss, right, atol=1e-5)
        for weight in head.span_linear.parameters():
            weight.zero_()
        assert torch.allclose(head(states), 0.5 * tags, atol=1e-6)


def test_spans_cannot_take_all_dimensions() -> None:
    with pytest.raises(UsageError, match=r"span_dim is 12, and the encoder's states have 12 dimensions"):
        SpanHead(12, LabelSet("ner", NAMES), SpanSettings(span_dim=12))
