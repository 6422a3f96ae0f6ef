"""An encoder: pictures, and texts if it has a text tower, to unit vectors; and the fingerprint of its weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from schemas.errors import InputError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["ImageEncoder", "Layers", "Precision", "TextTower", "fingerprint_weights", "pick_device", "pick_precision"]

Precision = Literal["fp32", "bf16", "fp16"]


@dataclass(frozen=True, eq=False)
class TextTower:
    """The half of an encoder that reads words.

    Args:
        load_tokenizer: returns a function of texts -> token ids [n, length] int64; called at the first text.
        network: token ids [n, length] -> vectors [n, dim], on the device.
    """

    load_tokenizer: Callable[[], Callable[[Sequence[str]], torch.Tensor]]
    network: Callable[[torch.Tensor], torch.Tensor]

    @cached_property
    def tokenize(self) -> Callable[[Sequence[str]], torch.Tensor]:
        """The tokenizer, loaded."""
        return self.load_tokenizer()


@dataclass(frozen=True, eq=False)
class Layers:
    """What an encoder shows of its inside.

    Args:
        maps: pixels [n, 3, h, w] -> feature maps [n, C_i, h_i, w_i], from the first stage to the last, on the device.
        classify: pixels [n, 3, h, w] -> class logits of each cell [n, classes, h', w']; their mean over the cells is
            the logit of the picture. None where the encoder has no classes.
        class_names: of each class; () without classes.
        prepare_whole: RGB picture, side in pixels -> the whole picture, stretched: [3, side, side]. None without
            classes.
    """

    maps: Callable[[torch.Tensor], list[torch.Tensor]]
    classify: Callable[[torch.Tensor], torch.Tensor] | None = None
    class_names: tuple[str, ...] = ()
    prepare_whole: Callable[[Image.Image, int], torch.Tensor] | None = None


@dataclass(frozen=True, eq=False)
class ImageEncoder:
    """A network that turns pictures into unit vectors; a picture has the same vector in every batch.

    Args:
        spec: from which `make_encoder` makes an equal encoder.
        fingerprint: sha256 of weights and preprocessing; equal in every process.
        dim: components of a vector.
        device: "cpu" or "cuda".
        preprocess: RGB picture -> tensor [3, height, width] float32.
        network: pictures [n, 3, height, width] -> vectors [n, dim], on the device.
        batch_images: pictures that go through the network at a time, however many are given.
        text: the tower that maps words into the same space; None if the encoder knows pictures only.
        precision: of the arithmetic of the networks; vectors are float32 in every case.
        layers: its inside, for features; None if it shows none.
    """

    spec: str
    fingerprint: str
    dim: int
    device: str
    preprocess: Callable[[Image.Image], torch.Tensor] = field(repr=False)
    network: Callable[[torch.Tensor], torch.Tensor] = field(repr=False)
    batch_images: int = 32
    text: TextTower | None = field(default=None, repr=False)
    precision: Precision = "fp32"
    layers: Layers | None = field(default=None, repr=False)

    def encode(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Encode RGB pictures.

        Returns:
            [n, dim] float32, each row of length 1.

        Raises:
            InputError: the vector of a picture is zero or not finite, so that it has no direction.
        """
        return self.encode_prepared([self.prepare(image) for image in images])

    def prepare(self, image: Image.Image) -> torch.Tensor:
        """Preprocess a picture for the network: [3, height, width] float32. Another thread may call it."""
        return self.preprocess(image.convert("RGB"))

    def encode_prepared(self, pixels: Sequence[torch.Tensor]) -> NDArray[np.float32]:
        """Encode what `prepare` returned for pictures; result and errors are those of `encode`."""
        import torch

        step = self.batch_images
        batches = (torch.stack(list(pixels[n : n + step])) for n in range(0, len(pixels), step))
        return self._unit_rows([self.run(self.network, batch) for batch in batches], "image")

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode texts into the space of the pictures; a long text is cut off (in CLIP after 77 tokens).

        Returns:
            [n, dim] float32, each row of length 1.

        Raises:
            UsageError: this encoder knows pictures only.
            MissingDependency: its tokenizer is not on this machine and the hub is not reachable.
            InputError: the vector of a text is zero or not finite.
        """
        if self.text is None:
            raise UsageError(
                f"the encoder {self.spec} knows pictures only, no words",
                remedy="ask the text view, ask with a picture, or build the index with a CLIP encoder "
                "(--encoder open_clip:ARCH:TAG)",
            )
        step = self.batch_images
        batches = (self.text.tokenize(texts[n : n + step]) for n in range(0, len(texts), step))
        return self._unit_rows([self.run(self.text.network, batch) for batch in batches], "text")

    def run(self, network: Callable[[torch.Tensor], torch.Tensor], batch: torch.Tensor) -> NDArray[np.float32]:
        """Run a batch in the encoder's precision, and again in fp32 where that overflows."""
        import torch

        batch = batch.to(self.device)
        half = {"fp16": torch.float16, "bf16": torch.bfloat16}.get(self.precision)
        with torch.inference_mode():
            with torch.autocast(self.device, dtype=half, enabled=half is not None):
                vectors = network(batch).float()  # [n, dim]
            if half is not None and not torch.isfinite(vectors).all():
                vectors = network(batch).float()
            found: NDArray[np.float32] = vectors.cpu().numpy()
        return found

    def _unit_rows(self, rows: Sequence[NDArray[np.float32]], what: str) -> NDArray[np.float32]:
        import numpy as np

        vectors = np.concatenate(rows) if rows else np.empty((0, self.dim), np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths > 0)))
        if len(bad):
            raise InputError(
                f"the encoder {self.spec} gives no direction for it",
                place=f"{what} {int(bad[0])} of the batch",
                remedy=f"use another {what}, or check the encoder's weights",
            )
        return np.asarray(vectors / lengths, dtype=np.float32)


def fingerprint_weights(weights: Mapping[str, torch.Tensor], settings: Mapping[str, Any]) -> str:
    """Hash named weights (names, types, shapes, values) and the settings that decide the vectors with them.

    Args:
        weights: a state dict; its order does not matter.
        settings: architecture and preprocessing, as JSON values.
    """
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    # Type and shape are hashed with the values, so that no two lists of tensors have the same bytes.
    for name in sorted(weights):
        values = weights[name].detach().cpu().contiguous()
        digest.update(f"\n{name} {values.dtype} {tuple(values.shape)}\n".encode())
        digest.update(values.numpy().tobytes())
    return digest.hexdigest()


def pick_device(device: str | None) -> str:
    """Return the device to run on: the one that is named, else a CUDA device if there is one.

    Raises:
        UsageError: cuda is named and there is none, or the name is neither cpu nor cuda.
    """
    import torch

    if device not in (None, "cpu", "cuda"):
        raise UsageError(f"unknown device {device!r}", remedy="use cpu or cuda")
    has_cuda = torch.cuda.is_available()
    if device == "cuda" and not has_cuda:
        raise UsageError("there is no CUDA device", remedy="use cpu")
    return device or ("cuda" if has_cuda else "cpu")


def pick_precision(precision: Precision | None, device: str) -> Precision:
    """Return the precision to run in: the one that is named, else fp16 on a CUDA device and fp32 on a CPU.

    Raises:
        UsageError: an unknown name.

    >>> pick_precision(None, "cpu"), pick_precision(None, "cuda"), pick_precision("bf16", "cpu")
    ('fp32', 'fp16', 'bf16')
    """
    if precision is None:
        return "fp16" if device == "cuda" else "fp32"
    if precision not in get_args(Precision):
        raise UsageError(f"unknown precision {precision!r}", remedy=f"use {', '.join(get_args(Precision))}")
    return precision
