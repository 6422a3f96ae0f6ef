"""Cross attention from one set of states to another, of which some may be absent; and gates between the two."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Attention", "CrossBlock", "VectorGate", "look_weights", "masked_mean"]


class Attention(nn.Module):
    """Attention of h heads: queries [B, T, H] look at keys [B, K, D] of which some are present [B, K] bool.

    A sample without any key gets zeros. Keys have no bias: it would add the same to all scores of a query, which the
    softmax takes out again.
    """

    def __init__(self, hidden: int, key_dim: int, heads: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(key_dim, hidden, bias=False)
        self.value = nn.Linear(key_dim, hidden)
        self.out = nn.Linear(hidden, hidden)

    def forward(self, queries: Tensor, keys: Tensor, present: Tensor) -> Tensor:
        """Return what each query sees [B, T, H]."""
        if not keys.shape[1]:
            return torch.zeros_like(queries)
        query, key, value = (
            torch.unflatten(states, -1, (self.heads, -1)).transpose(1, 2)  # [B, h, T or K, d]
            for states in (self.query(queries), self.key(keys), self.value(keys))
        )
        has_any = present.any(1)
        allowed = present | ~has_any[:, None]  # a row without any key would be nan; it is taken out below
        seen = nn.functional.scaled_dot_product_attention(
            query, key, value, allowed[:, None, None, :], self.dropout if self.training else 0.0
        )
        out = self.out(seen.transpose(1, 2).flatten(2))
        return torch.where(has_any[:, None, None], out, torch.zeros_like(out))

    def shares(self, queries: Tensor, keys: Tensor, present: Tensor) -> Tensor:
        """Return the share of each key in what a query sees [B, T, K], the mean over the heads; absent keys have 0."""
        query, key = (
            torch.unflatten(states, -1, (self.heads, -1)).transpose(1, 2)  # [B, h, T or K, d]
            for states in (self.query(queries), self.key(keys))
        )
        scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5  # [B, h, T, K]
        least = torch.finfo(scores.dtype).min  # not -inf: a sample without any key would be nan
        shares: Tensor = scores.masked_fill(~present[:, None, None, :], least).softmax(-1).mean(1)
        return shares * present[:, None, :]


class CrossBlock(nn.Module):
    """A layer of a transformer whose keys come from elsewhere: Z = LN(X + Attention(X, keys)), then LN(Z + FFN(Z)).

    A sample without any key keeps its X. Keys are projected to H before, so that any may come.
    """

    def __init__(self, hidden: int, key_dim: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.attention = Attention(hidden, key_dim, heads, dropout)
        self.norm, self.norm_after = nn.LayerNorm(hidden), nn.LayerNorm(hidden)
        self.feed = nn.Sequential(nn.Linear(hidden, 4 * hidden), nn.GELU(), nn.Linear(4 * hidden, hidden))
        self.dropout = nn.Dropout(dropout)

    def forward(self, queries: Tensor, keys: Tensor, present: Tensor) -> Tensor:
        """Return queries [B, T, H] that have seen keys [B, K, D], present [B, K] bool."""
        seen = self.norm(queries + self.dropout(self.attention(queries, keys, present)))
        seen = self.norm_after(seen + self.dropout(self.feed(seen)))
        return torch.where(present.any(1)[:, None, None], seen, queries)


class VectorGate(nn.Module):
    """A gate for each component: sigmoid(Wa a + Wb b)."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden, bias=False)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Return the gate [..., H] in (0, 1) of two states [..., H]."""
        return torch.sigmoid(self.first(first) + self.second(second))


def look_weights(attention: Attention, tokens: Tensor, mask: Tensor, keys: Tensor, present: Tensor) -> Tensor:
    """Return how much of what a text sees comes from each key [B, K]: the mean over its tokens [B, L], mask [B, L]."""
    return masked_mean(attention.shares(tokens, keys, present), mask)


def masked_mean(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean [B, H] of states [B, L, H] where a mask [B, L] is true; zeros where it is nowhere true.

    >>> masked_mean(torch.tensor([[[2.0], [4.0], [9.0]]]), torch.tensor([[True, True, False]])).tolist()
    [[3.0]]
    """
    weights = mask[:, :, None].to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1).clamp(min=1.0)
