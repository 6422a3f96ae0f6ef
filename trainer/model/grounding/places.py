"""Where boxes stand: in their picture, as five numbers, and to each other, as the bits of an edge."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["EDGE_BITS", "PLACE_NUMBERS", "edge_bits", "encode_places", "side_bits"]

PLACE_NUMBERS = 5
EDGE_BITS = 7


def encode_places(boxes: Tensor, size: Tensor) -> Tensor:
    """Return centre, width, height and area of boxes [..., 4] in shares of their picture [..., 5].

    Args:
        boxes: x1, y1, x2, y2; of a box that is not there, nan, whose numbers are 0.
        size: width and height of the picture in the same unit [..., 2].

    Source: NJUNLP/MORE: Linear_5([cx, cy, w, h, w h]).

    >>> encode_places(torch.tensor([10.0, 0, 30, 20]), torch.tensor([40.0, 40])).tolist()
    [0.5, 0.25, 0.5, 0.5, 0.25]
    """
    shares = boxes / torch.cat([size, size], -1)
    low, high = shares[..., :2], shares[..., 2:]
    sides = high - low
    numbers = torch.cat([(low + high) / 2, sides, sides.prod(-1, keepdim=True)], -1)
    return numbers.where(numbers.isfinite(), 0.0)


def side_bits(first: Tensor, second: Tensor) -> Tensor:
    """Return whether boxes [..., 4] stand beside each other, and whether one above the other, as bits [..., 2].

    Beside: their vertical extents share a point; above: their horizontal ones do. Edges that touch count.

    Source: VT-NLP/Form-Document-IE (RE2), eGAT/egat.py.

    >>> side_bits(torch.tensor([0.0, 0, 4, 4]), torch.tensor([9.0, 4, 12, 8])).tolist()
    [1.0, 0.0]
    """
    shares = (first[..., :2] <= second[..., 2:]) & (second[..., :2] <= first[..., 2:])  # of the x, of the y
    return shares.flip(-1).float()


def edge_bits(boxes: Tensor, regions: Tensor) -> Tensor:
    """Return the edge of each pair of N boxes that stand in regions [..., N, N, 7].

    Two boxes of one region: [1, beside, above, 0, 0, 0, 0]; of two: [0, 0, 0, beside, above, beside', above'], of the
    boxes and of their regions.

    Args:
        boxes: [..., N, 4].
        regions: the box of the region in which each stands [..., N, 4]; equal boxes are one region.

    Source: VT-NLP/Form-Document-IE (RE2), eGAT/egat.py.

    >>> boxes = torch.tensor([[0.0, 0, 4, 4], [9, 0, 12, 4]])
    >>> edge_bits(boxes, boxes)[0].int().tolist()
    [[1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 1, 0]]
    """
    own = side_bits(boxes[..., :, None, :], boxes[..., None, :, :])
    around = side_bits(regions[..., :, None, :], regions[..., None, :, :])
    is_same = (regions[..., :, None, :] == regions[..., None, :, :]).all(-1, keepdim=True).float()
    return torch.cat([is_same, is_same * own, (1 - is_same) * own, (1 - is_same) * around], -1)
