"""The pointer decoder: it writes symbols out of a closed list, or copies a token of its sample.

    source states [B, P, H] --- linear ---> [B, P, D] ----+----------------> copied tokens: h . (MLP(x) + x) / 2
    all pieces    [B, L, H] --- linear ---> memory -------|--- attention
    regions       [B, K, D] --- linear ---> memory -------+----------------> regions: h . (MLP(r) + r) / 2
                                              two layers of a Transformer decoder
    symbols so far [N, T] --- embedding --->  h [N, T, D] -----------------> symbols: h . embedding

Source: NUSTM/GMNER, bart_multi_concat.py: the three scores. There a pretrained decoder, here one from scratch.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = ["Memory", "PointerDecoder"]

_LONGEST = 512
"""Positions that have a code; no text is longer."""


class Memory(NamedTuple):
    """What a decoder reads of B samples.

    Args:
        tokens: vectors of the tokens that can be copied [B, P, D].
        values: what attention sees: all pieces, and then the regions [B, M, D].
        mask: which of them are there [B, M] bool.
        regions: the part of the values that are regions [B, K, D]; None without any.
        present: which regions are there [B, K] bool.
    """

    tokens: Tensor
    values: Tensor
    mask: Tensor
    regions: Tensor | None = None
    present: Tensor | None = None

    def take(self, rows: Tensor) -> Memory:
        """Return the memory of samples by their numbers [N]."""
        return Memory(*(None if part is None else part[rows] for part in self))  # type: ignore[arg-type]


class PointerDecoder(nn.Module):
    """Scores the next symbol, and the region of an entity.

    Args:
        hidden: size of the encoder's states.
        symbols: of the closed list.
        width: of the decoder, a multiple of its heads.
        layers, heads: of the decoder.
        dropout: in its layers and on the embeddings.
        feature_dim: components of a region's vector; 0 without regions.
        is_blind: text is read without the regions before it is decoded, as in the release of H-Index, whose mask is
            inverted there.
    """

    positions: Tensor

    def __init__(
        self, hidden: int, symbols: int, width: int, layers: int, heads: int, dropout: float, feature_dim: int = 0,
        is_blind: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.width, self.symbols, self.is_blind = width, symbols, is_blind
        self.source = nn.Sequential(nn.Linear(hidden, width), nn.LayerNorm(width))
        self.words = nn.Embedding(symbols + 1, width)  # the last one begins a text
        nn.init.normal_(self.words.weight, std=1 / math.sqrt(width))
        layer = nn.TransformerDecoderLayer(width, heads, 4 * width, dropout, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerDecoder(layer, layers, nn.LayerNorm(width))
        self.copy = _mlp(width, dropout)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("positions", _sinusoids(_LONGEST, width), persistent=False)
        self.feature_dim = feature_dim
        if feature_dim:
            self.region = nn.Sequential(nn.Linear(feature_dim, width), nn.LayerNorm(width))
            self.region_copy = _mlp(width, dropout)
            joint = nn.TransformerEncoderLayer(width, heads, 4 * width, dropout, "gelu", batch_first=True)
            self.joint = nn.TransformerEncoder(joint, 1, enable_nested_tensor=False)

    def remember(
        self, tokens: Tensor, pieces: Tensor, attention: Tensor, values: Tensor | None, present: Tensor | None
    ) -> Memory:
        """Return what the decoder reads.

        Args:
            tokens: states of the tokens [B, P, H].
            pieces: states of all pieces [B, L, H].
            attention: which pieces are there [B, L] bool.
            values: of regions [B, K, D]; None without pictures.
            present: which regions are there [B, K] bool; None without pictures.
        """
        source = self.source(pieces)
        if not self.feature_dim:
            return Memory(self.source(tokens), source, attention)
        if values is None or present is None:
            return Memory(self.source(tokens), self.joint(source, src_key_padding_mask=~attention), attention)
        unit = values / values.flatten(1).norm(dim=1)[:, None, None].clamp(min=1e-6) * math.sqrt(values.shape[1])
        regions = self.region(unit)
        both, mask = torch.cat([source, regions], 1), torch.cat([attention, present], 1)  # [B, L + K, D]
        mixed = self.joint(both, self._blindness(attention, present), src_key_padding_mask=~mask)
        return Memory(self.source(tokens), mixed, mask, mixed[:, source.shape[1] :], present)

    def _blindness(self, attention: Tensor, present: Tensor) -> Tensor | None:
        """Return where text may not look [L + K, L + K] bool: at regions, in the published behaviour."""
        if not self.is_blind:
            return None
        pieces, all_ = attention.shape[1], attention.shape[1] + present.shape[1]
        wall = torch.zeros(all_, all_, dtype=torch.bool, device=attention.device)
        wall[:pieces, pieces:] = True
        return wall

    def forward(self, memory: Memory, prefixes: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Return the states [N, T, D] and the scores [N, T, V + P] after each symbol of N texts.

        Args:
            memory: of N samples.
            prefixes: numbers of symbols [N, T - 1]: V + j copies token j.
            lengths: symbols of each text [N].
        """
        begin = prefixes.new_full((len(prefixes), 1), self.symbols)
        inputs = torch.cat([begin, prefixes], 1)  # [N, T]
        is_copy = inputs > self.symbols  # symbols itself begins a text, so copies are moved on by one
        words = self.words(inputs.clamp(max=self.symbols))
        places = (inputs - self.symbols - 1).clamp(min=0, max=memory.tokens.shape[1] - 1)
        copied = memory.tokens.gather(1, places[:, :, None].expand(-1, -1, self.width))
        steps = inputs.shape[1]
        vectors = torch.where(is_copy[:, :, None], copied, words * math.sqrt(self.width)) + self.positions[:steps]
        causal = torch.triu(torch.ones(steps, steps, dtype=torch.bool, device=inputs.device), 1)
        beyond = torch.arange(steps, device=inputs.device)[None] > lengths[:, None]
        states = self.layers(
            self.dropout(vectors),
            memory.values,
            causal,
            tgt_key_padding_mask=beyond,
            memory_key_padding_mask=~memory.mask,
        )
        table = self.dropout(self.words.weight[: self.symbols])
        source = (self.copy(memory.tokens) + memory.tokens) / 2  # [N, P, D]
        scale = 1 / math.sqrt(self.width)
        scores = torch.cat([states @ table.T * math.sqrt(self.width), states @ source.transpose(1, 2)], 2) * scale
        return states, scores.float()

    def region_scores(self, memory: Memory, states: Tensor) -> Tensor:
        """Return the scores of regions [N, T, K] for states [N, T, D]; absent ones have minus infinity."""
        assert memory.regions is not None and memory.present is not None
        vectors = (self.region_copy(memory.regions) + memory.regions) / 2  # [N, K, D]
        scores = (states @ vectors.transpose(1, 2)).float() / math.sqrt(self.width)
        present: Tensor = scores.masked_fill(~memory.present[:, None, :], float("-inf"))
        return present


def _mlp(width: int, dropout: float) -> nn.Module:
    return nn.Sequential(nn.Linear(width, width), nn.Dropout(dropout), nn.ReLU(), nn.Linear(width, width))


def _sinusoids(length: int, width: int) -> Tensor:
    """Return the codes of positions [length, width]. Source: Vaswani et al., NeurIPS 2017."""
    angle = torch.arange(length)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    return torch.stack([angle.sin(), angle.cos()], 2).flatten(1)[:, :width]
