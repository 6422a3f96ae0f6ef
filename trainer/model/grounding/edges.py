"""RE2's attention between nodes with boxes: how two boxes stand to each other weighs what one sees of the other."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.inputs import Features
from trainer.model.fusion import CrossBlock, EncoderShape, Fused, Fusion
from trainer.model.grounding.candidates import picture_sizes
from trainer.model.grounding.places import EDGE_BITS, PLACE_NUMBERS, edge_bits, encode_places
from trainer.model.grounding.settings import EdgesSettings

__all__ = ["EdgeLayer", "EdgesFusion", "holding_boxes"]

_SLOPE = 0.2
_HEADS = 4


class EdgeLayer(nn.Module):
    """h' = ELU(mean over heads of sum_j a_ij W h_j + h_i), and edges e' = f(e) for the next layer.

    a_ij = softmax_j of LeakyReLU(w1 . W h_i + w2 . W h_j) sum_d (1 + f(e_ij)_d), divided by the row's largest size;
    f: E -> H -> H / 2. A node does not look at itself; one without neighbours keeps h.

    Source: VT-NLP/Form-Document-IE (RE2), eGAT/layers.py.
    """

    def __init__(self, width: int, edge_size: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.map = nn.Linear(width, heads * width, bias=False)
        self.own, self.other = (nn.Parameter(torch.randn(heads, width) / width**0.5) for _ in range(2))
        self.edge = nn.Sequential(nn.Linear(edge_size, width), nn.ReLU(), nn.Linear(width, width // 2), nn.ReLU())

    def forward(self, nodes: Tensor, edges: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
        """Return nodes [B, K, H] and edges [B, K, K, H / 2].

        Args:
            nodes: [B, K, H].
            edges: [B, K, K, E].
            allowed: whether a node (row) may look at another [B, K, K] bool.
        """
        mapped = self.map(nodes).unflatten(-1, (self.heads, -1))  # [B, K, h, H]
        own, other = ((mapped * weight).sum(-1).transpose(1, 2) for weight in (self.own, self.other))  # [B, h, K]
        carried = self.edge(edges)  # [B, K, K, H / 2]
        scores = functional.leaky_relu(own[..., :, None] + other[..., None, :], _SLOPE)
        scores = (scores * (1 + carried).sum(-1)[:, None]).masked_fill(~allowed[:, None], 0.0)  # [B, h, K, K]
        scores = scores / (scores.abs().amax(-1, keepdim=True) + 1e-6)
        has_any = allowed.any(-1)[:, None, :, None]
        shares = scores.masked_fill(~allowed[:, None] & has_any, -torch.inf).softmax(-1) * has_any
        seen = torch.einsum("bhij,bjhw->biw", shares, mapped) / self.heads
        return torch.where(has_any[:, 0], functional.elu(seen + nodes), nodes), carried


class EdgesFusion(Fusion):
    """States [X; Z] of width 2H: Z is what the tokens X see in regions that have looked at each other.

    Boxes are joined by the edges of `edge_bits`; the region in which a box stands is the largest box of the picture
    that holds it. Without boxes the edges say nothing, and the regions see each other alike.

    Source: RE2 (Ramu et al., NAACL 2024), where the nodes are the fields of a form.
    """

    kind = "edges"

    def __init__(self, shape: EncoderShape, settings: EdgesSettings) -> None:
        super().__init__(shape, settings)
        self.width, self.view = 2 * shape.hidden, settings.view
        self.project = nn.Linear(settings.feature_dim, settings.width)
        self.place = nn.Linear(PLACE_NUMBERS, settings.width, bias=False)
        sizes = [EDGE_BITS, *[settings.width // 2] * (settings.layers - 1)]
        self.layers = nn.ModuleList(EdgeLayer(settings.width, size, settings.heads) for size in sizes)
        self.cross = CrossBlock(shape.hidden, settings.width, _HEADS, settings.dropout)

    def forward(self, tokens: Tensor, mask: Tensor, features: Features, with_loss: bool = False) -> Fused:  # noqa: ARG002
        """Return states [B, L, 2H]."""
        columns = (features.view == self.view).nonzero()[:, 0]
        present = features.present[:, columns]
        if not bool(present.any()):
            return Fused(torch.cat([tokens, torch.zeros_like(tokens)], dim=-1))
        nodes = self.project(features.values[:, columns])
        edges = nodes.new_zeros(*present.shape, present.shape[1], EDGE_BITS)
        if features.boxes is not None:
            boxes = features.boxes[:, columns].float().nan_to_num(nan=0.0)
            sizes = picture_sizes(features)[:, None, :].expand(-1, boxes.shape[1], -1)
            nodes = nodes + self.place(encode_places(boxes, sizes).masked_fill(~present[:, :, None], 0.0))
            edges = edge_bits(boxes, holding_boxes(boxes, present)).to(nodes.dtype)
        itself = torch.eye(present.shape[1], dtype=torch.bool, device=present.device)
        allowed = present[:, :, None] & present[:, None, :] & ~itself
        for layer in self.layers:
            nodes, edges = layer(nodes, edges, allowed)
        seen = self.cross(tokens, nodes, present)
        has_any = present.any(1)[:, None, None]
        return Fused(torch.cat([tokens, seen.where(has_any, torch.zeros_like(seen))], dim=-1))


def holding_boxes(boxes: Tensor, present: Tensor) -> Tensor:
    """Return the largest box that holds each of the boxes [B, K, 4]: itself, where no other does.

    >>> rows = torch.tensor([[[0.0, 0, 9, 9], [1, 1, 2, 2], [8, 8, 12, 12]]])
    >>> holding_boxes(rows, torch.ones(1, 3, dtype=torch.bool))[0].tolist()
    [[0.0, 0.0, 9.0, 9.0], [0.0, 0.0, 9.0, 9.0], [8.0, 8.0, 12.0, 12.0]]
    """
    inner, outer = boxes[:, :, None, :], boxes[:, None, :, :]
    holds = (inner[..., :2] >= outer[..., :2]).all(-1) & (inner[..., 2:] <= outer[..., 2:]).all(-1)  # [B, K, K]
    area = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)
    best = area[:, None, :].masked_fill(~(holds & present[:, None, :]), -1.0).argmax(-1)
    return boxes.gather(1, best[:, :, None].expand(-1, -1, 4))
