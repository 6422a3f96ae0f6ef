"""Soft prompts: learned rows that look at the text, and stand before it where it has no contexts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["SoftPrompt"]


class SoftPrompt(nn.Module):
    """N rows of H dimensions, p = A(P W_q, X W_k, X W_v), where X are the embeddings of the text's pieces.

    Source: the idea is CoT-MIE's (Chen and Feng, arXiv 2306.14122), whose formulas are pictures: the form is ours.
    """

    def __init__(self, hidden: int, rows: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(0.02 * torch.randn(rows, hidden))
        self.query, self.key, self.value = (nn.Linear(hidden, hidden) for _ in range(3))

    def forward(self, embeddings: Tensor, mask: Tensor) -> Tensor:
        """Return the prompts [B, N, H] of embeddings [B, L, H] with mask [B, L] bool."""
        scores = self.query(self.rows) @ self.key(embeddings).transpose(1, 2) / embeddings.shape[-1] ** 0.5  # [B, N, L]
        weights = scores.masked_fill(~mask[:, None, :], -torch.inf).softmax(-1)
        prompts: Tensor = weights @ self.value(embeddings)
        return prompts
