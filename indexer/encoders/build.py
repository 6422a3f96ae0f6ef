"""Makes an encoder from its spec: a CLIP of open_clip, or the offline stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indexer.encoders.encoder import pick_device, pick_precision
from indexer.encoders.spec import DEFAULT_SPEC, parse_spec
from schemas.errors import UsageError

if TYPE_CHECKING:
    from indexer.encoders.encoder import ImageEncoder, Precision

__all__ = ["make_encoder"]


def make_encoder(
    spec: str = DEFAULT_SPEC,
    *,
    device: str | None = None,
    threads: int | None = None,
    precision: Precision | None = None,
) -> ImageEncoder:
    """Load an image encoder.

    Args:
        spec: `open_clip:ARCH:TAG` (weights published under a tag), `open_clip:ARCH:PATH` (a local .safetensors,
            or a .pt, .pth or .bin that holds tensors only), or `efficientnet-lite0`.
        device: "cpu" or "cuda"; None takes a CUDA device if there is one.
        threads: CPU threads of torch in this process; None leaves them as they are. Give 1 where several
            processes share the cores: threads that wait for a busy core made the stand-in 7 times slower.
        precision: of CLIP's arithmetic: "fp32", "bf16" or "fp16" (weights stay fp32, torch's autocast chooses);
            None is fp16 on a CUDA device, in which CLIP was trained, and fp32 on a CPU. The stand-in is always fp32.

    Raises:
        UsageError: an unknown encoder, architecture, tag, path, device or precision; or `other:NAME`, which names an
            encoder that this program cannot run.
        MissingDependency: the weights, or a part of another library that the text tower is built from, are
            not on this machine and the hub is not reachable.
        InputError: the checkpoint does not hold this architecture's weights.
    """
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    parsed = parse_spec(spec)
    if parsed.kind == "other":
        raise UsageError(
            f"{parsed.name} names an encoder of vectors that were given: this program cannot run it",
            remedy="ask the image view with a vector of that encoder (mie-index query --vector FILE.npy)",
        )
    # Imported here: each brings a library of its own (timm, open_clip), and only one of them is needed.
    if parsed.kind == "stand-in":
        from indexer.encoders.efficientnet import make_stand_in

        return make_stand_in(device)
    from indexer.encoders.clip import make_clip

    place = pick_device(device)
    return make_clip(parsed.name, parsed.weights, place, pick_precision(precision, place))
