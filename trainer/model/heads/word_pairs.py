"""Word pairs: in which order the cells of a sentence's grid stand, and the layers that score them.

The cells stand in shells around the first word, so that the cells of the first T words are the first T * T, however
long the sentences are that are padded together:

              word 0   1   2
    word 0         0   1   4
    word 1         3   2   5
    word 2         7   8   6
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ConcatScorer", "ConditionalNorm", "PairScorer", "cell_order", "to_cells", "to_grid"]

DISTANCES = 20
"""Rows of the table of distances: 0 is padding's, 1 to 9 below the diagonal, 10 to 18 above it, 19 on it."""
_EPSILON = 1e-12


def cell_order(length: int, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Return the row and the column of each cell of a grid of T words, both [T * T] int64.

    >>> [row.tolist() for row in cell_order(2)]
    [[0, 0, 1, 1], [0, 1, 1, 0]]
    """
    numbers = torch.arange(length * length, device=device)
    shells = torch.arange(length, device=device).repeat_interleave(2 * torch.arange(length, device=device) + 1)
    place = numbers - shells * shells  # within the shell: down its column first, then along its row
    is_column = place <= shells
    return torch.where(is_column, place, shells), torch.where(is_column, shells, place - shells - 1)


def to_cells(grid: Tensor) -> Tensor:
    """Return a grid [B, T, T, ...] as a row of cells [B, T * T, ...].

    >>> to_cells(torch.tensor([[[1, 2], [3, 4]]])).tolist()
    [[1, 2, 4, 3]]
    """
    rows, columns = cell_order(grid.shape[1], grid.device)
    return grid[:, rows, columns]


def to_grid(cells: Tensor) -> Tensor:
    """Return the cells of one sentence [T * T] as its grid [T, T].

    >>> to_grid(torch.tensor([1, 2, 4, 3])).tolist()
    [[1, 2], [3, 4]]
    """
    length = round(len(cells) ** 0.5)
    rows, columns = cell_order(length, cells.device)
    grid = cells.new_zeros(length, length)
    grid[rows, columns] = cells
    return grid


def distance_numbers(length: int, device: torch.device | str = "cpu") -> Tensor:
    """Return the row of the table of distances that each cell reads [T, T]; distances count by powers of two.

    Source: ljynlp/W2NER, data_loader.py: 1, 2-3, 4-7, ... 256 and more; its table ends at 1000 words, this does not.

    >>> distance_numbers(3).tolist()
    [[19, 10, 11], [1, 19, 10], [2, 1, 19]]
    """
    places = torch.arange(length, device=device)
    distance = places[:, None] - places[None, :]  # above 0 below the diagonal
    power = distance.abs().clamp(min=1).float().log2().floor().long().clamp(max=8) + 1  # 1 .. 9
    return torch.where(distance == 0, 19, torch.where(distance < 0, power + 9, power))


class ConditionalNorm(nn.Module):
    """Layer norm of word j whose gain and bias depend on word i: V_ij = norm(x_j) (gamma + W x_i) + (beta + U x_i).

    W and U begin at 0: at first it is a plain layer norm.

    Source: Li et al., AAAI 2022; ljynlp/W2NER, model.py.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.ones(size)), nn.Parameter(torch.zeros(size))
        self.to_gain, self.to_bias = nn.Linear(size, size, bias=False), nn.Linear(size, size, bias=False)
        for layer in (self.to_gain, self.to_bias):
            nn.init.zeros_(layer.weight)

    def forward(self, conditions: Tensor, words: Tensor) -> Tensor:
        """Return [B, C, T, D] of conditions [B, C, D] and words [B, T, D]."""
        centred = words - words.mean(-1, keepdim=True)
        normed = centred / (centred.pow(2).mean(-1, keepdim=True) + _EPSILON).sqrt()  # [B, T, D]
        gain, bias = self.gain + self.to_gain(conditions), self.bias + self.to_bias(conditions)  # [B, C, D]
        scaled: Tensor = normed[:, None] * gain[:, :, None] + bias[:, :, None]
        return scaled


class Biaffine(nn.Module):
    """Scores of pairs: o_ijk = [x_i; 1] U_k [y_j; 1]."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(classes, size + 1, size + 1))
        nn.init.xavier_normal_(self.weight)

    def forward(self, heads: Tensor, tails: Tensor) -> Tensor:
        """Return [B, T, T, K] of heads and tails [B, T, D]."""
        heads, tails = (torch.cat([part, torch.ones_like(part[..., :1])], dim=-1) for part in (heads, tails))
        return torch.einsum("bid,kde,bje->bijk", heads, self.weight, tails)


class _Layer(nn.Module):
    """Dropout, a linear layer and GELU."""

    def __init__(self, width: int, size: int, dropout: float) -> None:
        super().__init__()
        self.dropout, self.linear = nn.Dropout(dropout), nn.Linear(width, size)

    def forward(self, states: Tensor) -> Tensor:
        return nn.functional.gelu(self.linear(self.dropout(states)))


class PairScorer(nn.Module):
    """W2NER's scorer: conditional norm, distances and regions, dilated convolutions, beside a biaffine.

    Args:
        width: of a word's state.
        size: of the words in the biaffine.
        channels: of each convolution.
        pair_size: of a pair after the convolutions.
        classes: of a cell.
        dropouts: of the convolutions, and of the layers before the scores.

    Source: Li et al., AAAI 2022; ljynlp/W2NER, model.py. There the bias of a convolution fills cells beyond a
    sentence, and the next one reads it; here they stay 0, so that a score does not depend on the padding.
    """

    DILATIONS = (1, 2, 3)
    EMBEDDING = 20

    def __init__(
        self, width: int, size: int, channels: int, pair_size: int, classes: int, dropouts: tuple[float, float]
    ) -> None:
        super().__init__()
        self.norm = ConditionalNorm(width)
        self.distances = nn.Embedding(DISTANCES, self.EMBEDDING)
        self.regions = nn.Embedding(3, self.EMBEDDING)  # 0: padding's, 1: above the diagonal, 2: on and below it
        self.conv_dropout = nn.Dropout2d(dropouts[0])
        self.conv_base = nn.Conv2d(width + 2 * self.EMBEDDING, channels, kernel_size=1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels, channels, kernel_size=3, groups=channels, dilation=step, padding=step)
            for step in self.DILATIONS
        )
        self.pair = _Layer(len(self.DILATIONS) * channels, pair_size, dropouts[1])
        self.pair_linear = nn.Linear(pair_size, classes)
        self.head, self.tail = (_Layer(width, size, dropouts[1]) for _ in range(2))
        self.biaffine = Biaffine(size, classes)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """Return scores [B, T, T, K] of words [B, T, D] with mask [B, T]."""
        of_pairs: Tensor = self.pair_linear(self.pair(self._convolve(words, mask)))
        of_words: Tensor = self.biaffine(self.head(words), self.tail(words))
        return of_pairs + of_words

    def _convolve(self, words: Tensor, mask: Tensor) -> Tensor:
        """Return pairs [B, T, T, 3 C] that have seen the pairs around them."""
        samples, length = mask.shape
        there = (mask[:, :, None] & mask[:, None, :])[:, None].to(words.dtype)  # [B, 1, T, T]
        distances = distance_numbers(length, words.device)
        regions = torch.full_like(distances, 2).tril() + torch.ones_like(distances).triu(1)
        known = torch.cat([self.distances(distances), self.regions(regions)], dim=-1)  # [T, T, 2 E]
        pairs = torch.cat([self.norm(words, words), known.expand(samples, -1, -1, -1)], dim=-1)
        layer = nn.functional.gelu(self.conv_base(self.conv_dropout(pairs.permute(0, 3, 1, 2)))) * there
        outputs = []
        # In bfloat16 on a CPU the gradient of a dilated convolution by channel holds memory that was never written
        # (torch 2.12, oneDNN): now and then a weight's gradient is 1e22.
        with torch.autocast(words.device.type, enabled=False):
            layer = layer.float()
            for convolution in self.convolutions:
                layer = nn.functional.gelu(convolution(layer)) * there.float()
                outputs.append(layer)
        return torch.cat(outputs, dim=1).permute(0, 2, 3, 1)


class ConcatScorer(nn.Module):
    """EEGA's scorer: one linear layer on [row word; column word; their distance].

    The layer is applied to each part and the results added, which is the same and needs no state for each cell; so
    dropout falls on words and distances, not on cells.

    Source: Yuan et al., AAAI 2023; YuanLi95/EEGA-for-JMERE, models/AMGN.py.
    """

    EMBEDDING = 100

    def __init__(self, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.row, self.column = nn.Linear(width, classes), nn.Linear(width, classes, bias=False)
        self.distances = nn.Embedding(DISTANCES, self.EMBEDDING)
        self.distance = nn.Linear(self.EMBEDDING, classes, bias=False)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """Return scores [B, T, T, K] of words [B, T, D]; the mask [B, T] is not needed."""
        known = self.distance(self.dropout(self.distances(distance_numbers(mask.shape[1], words.device))))
        rows, columns = self.row(self.dropout(words)), self.column(self.dropout(words))
        return rows[:, :, None] + columns[:, None, :] + known  # type: ignore[no-any-return]
