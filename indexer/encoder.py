"""What an image encoder is: pictures in, unit vectors out, and a fingerprint of the weights behind them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from schemas.errors import InputError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["ImageEncoder", "fingerprint_weights", "pick_device"]


@dataclass(frozen=True, eq=False)
class ImageEncoder:
    """A network that turns pictures into unit vectors; the same picture gives the same vector in any batch.

    Args:
        spec: the words that `make_encoder` makes an equal encoder from.
        fingerprint: sha256 of weights and preprocessing; equal in every process.
        dim: components of a vector.
        device: "cpu" or "cuda".
        preprocess: RGB picture -> tensor [3, height, width] float32.
        network: pictures [n, 3, height, width] -> vectors [n, dim], on the device.
        batch_images: pictures that go through the network at a time, whatever the number given.
    """

    spec: str
    fingerprint: str
    dim: int
    device: str
    preprocess: Callable[[Image.Image], torch.Tensor] = field(repr=False)
    network: Callable[[torch.Tensor], torch.Tensor] = field(repr=False)
    batch_images: int = 32

    def encode(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Encode RGB pictures.

        Returns:
            [n, dim] float32, each row of length 1.

        Raises:
            InputError: a picture has no direction in this encoder (a zero or not finite vector).
        """
        import numpy as np

        step = self.batch_images
        rows = [self._encode_batch(images[n : n + step]) for n in range(0, len(images), step)]
        vectors = np.concatenate(rows) if rows else np.empty((0, self.dim), np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
        if len(bad):
            raise InputError(
                f"the encoder {self.spec} gives no direction for it",
                place=f"image {int(bad[0])} of the batch",
                remedy="use another image, or check the encoder's weights",
            )
        return np.asarray(vectors / lengths, dtype=np.float32)

    def _encode_batch(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            pixels = torch.stack([self.preprocess(image.convert("RGB")) for image in images])  # [n, 3, H, W]
            return self.network(pixels.to(self.device)).float().cpu().numpy()  # [n, dim]


def fingerprint_weights(weights: Mapping[str, torch.Tensor], settings: Mapping[str, Any]) -> str:
    """Hash named weights (names, types, shapes, values) and what else decides the vectors.

    Args:
        weights: a state dict; its order does not matter.
        settings: architecture and preprocessing, as JSON can write them.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name in sorted(weights):
        values = weights[name].detach().cpu().contiguous()
        digest.update(f"\n{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()


def pick_device(device: str | None) -> str:
    """Give the device to run on: the one asked for, else a CUDA device if there is one.

    Raises:
        UsageError: cuda is asked for and there is none, or the name is neither cpu nor cuda.
    """
    import torch

    if device not in (None, "cpu", "cuda"):
        raise UsageError(f"unknown device {device!r}", remedy="use cpu or cuda")
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise UsageError("there is no CUDA device", remedy="use cpu")
    return device or ("cuda" if has_cuda else "cpu")
