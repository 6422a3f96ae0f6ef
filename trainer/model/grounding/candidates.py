"""The candidates of a grounding: the regions of one view of the features, with their boxes and places."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainer.inputs import Features
from trainer.model.grounding.places import encode_places

__all__ = ["Candidates", "Standardise", "find_candidates", "picture_sizes"]


class Candidates(NamedTuple):
    """The regions that B mentions' pictures have: K columns, of which some are there.

    Args:
        values: [B, K, D]; zeros where there is none.
        present: [B, K] bool.
        boxes: in pixels [B, K, 4].
        places: `encode_places` of the boxes [B, K, 5].
    """

    values: Tensor
    present: Tensor
    boxes: Tensor
    places: Tensor

    def of(self, samples: Tensor) -> Candidates:
        """Return those of mentions, by the number of the sample of each [N]."""
        return Candidates(*(part[samples] for part in self))


class Standardise(nn.Module):
    """Brings each component to mean 0 and deviation 1 over all regions that were seen in training.

    The sums are kept in double precision, as a running mean of the first epochs would let the scale drift; a part in
    which nothing was seen yet leaves the vectors as they are.
    """

    count: Tensor
    total: Tensor
    squares: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        for name, shape in (("count", ()), ("total", (size,)), ("squares", (size,))):
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    def forward(self, values: Tensor, present: Tensor) -> Tensor:
        """Return standardised values [B, K, D] float32; zeros where none is present [B, K] bool."""
        if self.training:
            seen = values.detach()[present].double()
            self.count += len(seen)
            self.total += seen.sum(0)
            self.squares += seen.square().sum(0)
        values = values.float()
        if bool(self.count > 1):
            mean = self.total / self.count
            deviation = (self.squares / self.count - mean.square()).clamp(min=0).sqrt()
            # a component that hardly moves says nothing: its noise is not blown up
            floor = 0.1 * deviation.mean().clamp(min=1e-12)
            values = (values - mean.float()) / torch.maximum(deviation, floor).float()
        return values.masked_fill(~present[:, :, None], 0.0)


def find_candidates(features: Features | None, view: int, samples: int, dim: int) -> Candidates:
    """Return the regions of a view that have a box; none without features.

    Args:
        features: of the batch.
        view: its number.
        samples: of the batch.
        dim: components of a vector, where there are no features.
    """
    if features is None or features.boxes is None or not bool((features.view == view).any()):
        device = torch.device("cpu") if features is None else features.values.device
        nothing = torch.zeros(samples, 0, device=device)
        return Candidates(
            nothing[..., None].expand(-1, -1, dim), nothing.bool(), nothing[..., None].expand(-1, -1, 4),
            nothing[..., None].expand(-1, -1, 5),
        )  # fmt: skip
    columns = (features.view == view).nonzero()[:, 0]
    boxes = features.boxes[:, columns].float()
    present = features.present[:, columns] & boxes.isfinite().all(-1)
    # columns that are empty in the whole batch cost time and say nothing
    used = present.any(0)
    boxes, present = boxes[:, used], present[:, used]
    values = features.values[:, columns[used]].masked_fill(~present[:, :, None], 0.0)
    places = encode_places(boxes, picture_sizes(features)[:, None, :].expand(-1, boxes.shape[1], -1))
    return Candidates(values, present, boxes, places.masked_fill(~present[:, :, None], 0.0))


def picture_sizes(features: Features) -> Tensor:
    """Return width and height of the pictures in pixels [B, 2]: the furthest corner of any box.

    A view of whole pictures has a box of the whole, so that this is the size itself; with regions alone it is that of
    the part that they cover.
    """
    assert features.boxes is not None
    corners = features.boxes[..., 2:].float()
    seen = features.present[:, :, None] & corners.isfinite()
    return corners.where(seen, 0.0).amax(1).clamp(min=1e-6)
