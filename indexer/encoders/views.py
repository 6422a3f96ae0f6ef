"""What an encoder sees of a picture beside its one vector: cells, a pyramid of stages, boxes and words of classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from indexer.encoders.encoder import ImageEncoder, Layers
from schemas.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["ProposedBox", "class_scores", "grid_vectors", "propose_boxes", "pyramid_vectors", "whole_vectors"]

_PROPOSAL_SIDE_PX = 384
_MAP_SIDE = 48
_PEAK_SHARE = 0.4
_MOST_CLASSES = 20
_MOST_OVERLAP = 0.6
"""Of the boxes from class maps. The side, the share of the peak, the number of classes and the overlap (IoU) were
chosen on 113 photos of coco128 with objects of 3 % or more of the area: with the whole picture and three such boxes,
65 % of the photos have a box of IoU 0.5 or more."""


class ProposedBox(NamedTuple):
    """A part of a picture in which a class is seen.

    Args:
        box: x1, y1, x2, y2, as shares of width and height, in [0, 1].
        name: of the class.
        score: probability of the class for the whole picture.
    """

    box: tuple[float, float, float, float]
    name: str
    score: float


def whole_vectors(encoder: ImageEncoder, pixels: Sequence[torch.Tensor]) -> NDArray[np.float32]:
    """Return a unit vector [n, dim] of each prepared picture; NaN where it has no direction."""
    import numpy as np

    rows = _in_batches(encoder, encoder.network, pixels)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def grid_vectors(encoder: ImageEncoder, pixels: Sequence[torch.Tensor], side: int) -> NDArray[np.float32]:
    """Return the cells of the last map of prepared pictures [n, side * side, C], row by row, each the mean of a part.

    Raises:
        UsageError: the encoder shows no maps.
    """
    from torch.nn.functional import adaptive_avg_pool2d

    maps = _layers(encoder).maps

    def cells(batch: torch.Tensor) -> torch.Tensor:
        return adaptive_avg_pool2d(maps(batch)[-1].float(), side).flatten(2).transpose(1, 2)  # [n, side * side, C]

    return _in_batches(encoder, cells, pixels)


def pyramid_vectors(encoder: ImageEncoder, pixels: Sequence[torch.Tensor]) -> NDArray[np.float32]:
    """Return four positions (2 x 2, row by row) of prepared pictures with the channels of four stages: [n, 4, C].

    Raises:
        UsageError: the encoder shows no maps.

    Source: HVPNeT (Chen et al., NAACL 2022), which pools the four stages of a ResNet so.
    """
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    maps = _layers(encoder).maps

    def positions(batch: torch.Tensor) -> torch.Tensor:
        pooled = [adaptive_avg_pool2d(values.float(), 2) for values in maps(batch)[:-1]]  # each [n, C_i, 2, 2]
        return torch.cat(pooled, 1).flatten(2).transpose(1, 2)  # [n, 4, C]

    return _in_batches(encoder, positions, pixels)


def class_scores(encoder: ImageEncoder, pixels: Sequence[torch.Tensor]) -> NDArray[np.float32]:
    """Return the probability of each class for prepared pictures [n, classes].

    Raises:
        UsageError: the encoder has no classes.
    """
    classify = _layers(encoder).classify
    if classify is None:
        raise _without_classes(encoder)

    def probabilities(batch: torch.Tensor) -> torch.Tensor:
        return classify(batch).float().mean((2, 3)).softmax(1)

    return _in_batches(encoder, probabilities, pixels)


def propose_boxes(encoder: ImageEncoder, image: Image.Image, most: int) -> list[ProposedBox]:
    """Return boxes around what the classes see in a picture, the surest class first.

    The map of a class is the classifier applied to each cell. Its box is drawn around the connected part about the peak
    in which the map reaches 0.4 of the peak. A box that covers the same as one before it is left out.

    Args:
        encoder: with classes.
        image: RGB.
        most: boxes at most.

    Raises:
        UsageError: the encoder has no classes.

    Source: class activation maps (Zhou et al., CVPR 2016).
    """
    layers = _layers(encoder)
    if layers.classify is None or layers.prepare_whole is None:
        raise _without_classes(encoder)
    from torch.nn.functional import interpolate

    logits = encoder.run(layers.classify, layers.prepare_whole(image, _PROPOSAL_SIDE_PX)[None])[0]  # [classes, h, w]
    probabilities = _softmax(logits.mean((1, 2)))
    found: list[ProposedBox] = []
    import torch

    for number in (-probabilities).argsort()[:_MOST_CLASSES]:
        if len(found) == most:
            break
        small = torch.from_numpy(logits[number])[None, None]
        fine = interpolate(small, size=_MAP_SIDE, mode="bilinear", align_corners=False)[0, 0].numpy()
        box = _box_about_peak(fine)
        if box is not None and all(_overlap(box, other.box) < _MOST_OVERLAP for other in found):
            found.append(ProposedBox(box, layers.class_names[number], float(probabilities[number])))
    return found


def _box_about_peak(values: NDArray[np.float32]) -> tuple[float, float, float, float] | None:
    """Return the box, in shares of the sides, of the connected part about the peak; None where no value is above 0."""
    height, width = values.shape
    peak = int(values.argmax())
    if values.flat[peak] <= 0:
        return None
    inside = values >= _PEAK_SHARE * values.flat[peak]
    part, edge = {divmod(peak, width)}, [divmod(peak, width)]
    while edge:
        for cell in _neighbours(edge.pop(), height, width):
            if inside[cell] and cell not in part:
                part.add(cell)
                edge.append(cell)
    rows, columns = [row for row, _ in part], [column for _, column in part]
    return min(columns) / width, min(rows) / height, (max(columns) + 1) / width, (max(rows) + 1) / height


def _neighbours(cell: tuple[int, int], height: int, width: int) -> Iterator[tuple[int, int]]:
    row, column = cell
    for next_row, next_column in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
        if 0 <= next_row < height and 0 <= next_column < width:
            yield next_row, next_column


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the area that two boxes share, over that which they cover together (IoU).

    >>> _overlap((0, 0, 2, 1), (1, 0, 3, 1))
    0.3333333333333333
    """
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), np.float32)


def _layers(encoder: ImageEncoder) -> Layers:
    if encoder.layers is None:
        raise UsageError(
            f"the encoder {encoder.spec} shows no feature maps", remedy="choose the views whole, regions or focal"
        )
    return encoder.layers


def _without_classes(encoder: ImageEncoder) -> UsageError:
    return UsageError(
        f"the encoder {encoder.spec} has no classes",
        remedy="use the encoder efficientnet-lite0, or give --regions FILE and --bank FILE",
    )


def _in_batches(
    encoder: ImageEncoder, network: Callable[[torch.Tensor], torch.Tensor], pixels: Sequence[torch.Tensor]
) -> NDArray[np.float32]:
    import numpy as np
    import torch

    step = encoder.batch_images
    parts = [encoder.run(network, torch.stack(list(pixels[n : n + step]))) for n in range(0, len(pixels), step)]
    return np.concatenate(parts)
