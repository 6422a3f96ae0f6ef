"""Image encoders by name: open_clip with published or local weights, and the offline stand-in."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.encoders import efficientnet
from indexer.encoders.clip_forward import save_arithmetic
from indexer.encoders.clip_tokens import check_text_tower, load_tokenizer
from indexer.encoders.encoder import (
    ImageEncoder,
    Precision,
    TextTower,
    fingerprint_weights,
    pick_device,
    pick_precision,
)
from indexer.encoders.hub import fetch_first, first_line
from schemas.errors import InputError, UsageError

if TYPE_CHECKING:
    import torch

__all__ = ["DEFAULT_SPEC", "make_encoder"]

DEFAULT_SPEC = "open_clip:ViT-B-32:openai"
_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
_FORMS = f"open_clip:ARCH:TAG, open_clip:ARCH:CHECKPOINT.safetensors or {efficientnet.SPEC}"
_ALTERNATIVES = (
    "give a local checkpoint (open_clip:ARCH:FILE.safetensors), connect once to fill the cache, "
    f"or use the offline stand-in ({efficientnet.SPEC})"
)
_log = logging.getLogger(__name__)


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
        UsageError: an unknown encoder, architecture, tag, path, device or precision.
        MissingDependency: the weights, or a part of another library that the text tower is built from, are
            not on this machine and the hub is not reachable.
        InputError: the checkpoint does not hold this architecture's weights.
    """
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    if spec == efficientnet.SPEC:
        return efficientnet.make_stand_in(device)
    kind, _, rest = spec.partition(":")
    if kind == "other":
        raise UsageError(
            f"{rest or spec!r} names an encoder of vectors that were given: this program cannot run it",
            remedy="ask the image view with a vector of that encoder (mie-index query --vector FILE.npy)",
        )
    arch, _, pretrained = rest.partition(":")
    if kind != "open_clip" or not arch or not pretrained:
        raise UsageError(f"{spec!r} names no image encoder", remedy=f"use {_FORMS}")
    place = pick_device(device)
    return _make_open_clip(arch, pretrained, place, pick_precision(precision, place))


def _make_open_clip(arch: str, pretrained: str, device: str, precision: Precision) -> ImageEncoder:
    import open_clip

    if arch not in open_clip.list_models():
        raise UsageError(f"open_clip has no architecture {arch!r}", remedy=_suggest(arch, open_clip.list_models()))
    tag = open_clip.get_pretrained_cfg(arch, pretrained)
    if tag:
        spec, checkpoint = f"open_clip:{arch}:{pretrained}", _find_published(tag, arch, pretrained)
        quick_gelu = bool(tag.get("quick_gelu"))
    else:
        checkpoint = _find_local(arch, pretrained)
        spec, tag, quick_gelu = f"open_clip:{arch}:{checkpoint}", _guess_settings(arch), False
        _warn_of_quick_gelu(arch)
    text_config = open_clip.get_model_config(arch)["text_cfg"]
    check_text_tower(arch, text_config)
    model, preprocess = _load(arch, checkpoint, tag, quick_gelu)
    settings = {
        "architecture": open_clip.get_model_config(arch)["vision_cfg"],
        "quick_gelu": quick_gelu or bool(open_clip.get_model_config(arch).get("quick_gelu")),
        "preprocessing": dict(model.visual.preprocess_cfg),
    }
    digest = fingerprint_weights(model.visual.state_dict(), settings)
    classes = open_clip.transformer
    save_arithmetic(model, classes.QuickGELU, classes.VisionTransformer, classes.ResidualAttentionBlock)
    model = model.to(device)

    def embed(pixels: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = model.encode_image(pixels)
        return vectors  # [n, dim]

    def embed_tokens(tokens: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = model.encode_text(tokens)
        return vectors  # [n, dim]

    texts = TextTower(partial(load_tokenizer, arch, text_config, open_clip.get_tokenizer), embed_tokens)
    return ImageEncoder(spec, digest, _dim_of(arch), device, preprocess, embed, text=texts, precision=precision)


def _dim_of(arch: str) -> int:
    import open_clip

    return int(open_clip.get_model_config(arch)["embed_dim"])


def _suggest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=3, cutoff=0.4) or sorted(known)[:5]
    return f"near names: {', '.join(near)}" if near else f"use {_FORMS}"


def _load(arch: str, checkpoint: Path, settings: Mapping[str, Any], quick_gelu: bool) -> tuple[Any, Any]:
    """Build the architecture and fill it; only tensors are read from the file, never code."""
    import open_clip

    try:
        model, _, preprocess = open_clip.create_model_and_transforms(
            arch,
            pretrained=str(checkpoint),
            force_quick_gelu=quick_gelu,
            image_mean=settings.get("mean"),
            image_std=settings.get("std"),
            image_interpolation=settings.get("interpolation"),
            image_resize_mode=settings.get("resize_mode"),
            weights_only=True,
        )
    except Exception as error:  # wrong shapes, missing names, a damaged archive or code in it each raise their own
        raise InputError(
            f"the checkpoint does not load as {arch} ({first_line(error)})",
            path=checkpoint,
            remedy="name the architecture that it was saved from; a TorchScript or pickled model must first be saved "
            "as tensors (.safetensors)",
        ) from error
    return model.eval(), preprocess


def _find_local(arch: str, pretrained: str) -> Path:
    import open_clip

    path = Path(pretrained)
    if path.is_file() and path.suffix in _SUFFIXES:
        return path.absolute()
    if path.is_file():
        raise UsageError(f"a checkpoint ends in one of {', '.join(_SUFFIXES)}", path=path, remedy=f"use {_FORMS}")
    if path.suffix in _SUFFIXES or "/" in pretrained:
        raise UsageError("there is no checkpoint", path=path, remedy=f"use {_FORMS}")
    tags = open_clip.list_pretrained_tags_by_model(arch)
    raise UsageError(f"{arch} has no weights published as {pretrained!r}", remedy=_suggest(pretrained, tags))


def _guess_settings(arch: str) -> Mapping[str, Any]:
    """Return the preprocessing that most published weights of an architecture use; a local file states none."""
    import open_clip

    tags = [open_clip.get_pretrained_cfg(arch, tag) for tag in open_clip.list_pretrained_tags_by_model(arch)]
    keys = ("mean", "std", "interpolation", "resize_mode")
    kinds = Counter(tuple((key, tag.get(key)) for key in keys) for tag in tags)
    if not kinds:
        return {}
    if len(kinds) > 1:
        _log.warning("weights of %s differ in their preprocessing; taken for this file: %s", arch, kinds.most_common(1))
    return dict(kinds.most_common(1)[0][0])


def _warn_of_quick_gelu(arch: str) -> None:
    """Say what no file tells: weights trained with quick GELU give wrong vectors without it."""
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(arch)
    quick = [tag for tag in tags if open_clip.get_pretrained_cfg(arch, tag).get("quick_gelu")]
    if quick and not open_clip.get_model_config(arch).get("quick_gelu"):
        _log.warning(
            "a local checkpoint of %s is run with plain GELU; if its weights are those of %s or were trained from "
            "them, they want quick GELU: name the architecture %s-quickgelu",
            arch,
            ", ".join(quick),
            arch,
        )


def _find_published(tag: Mapping[str, Any], arch: str, name: str) -> Path:
    """Find a tag's weights in the hub's cache, or fetch them if the hub answers soon."""
    repository, _, file = str(tag.get("hf_hub", "")).rpartition("/")
    files = [file] if file else ["open_clip_model.safetensors", "open_clip_pytorch_model.bin"]
    return fetch_first(repository, files, f"the weights {arch}:{name}", _ALTERNATIVES)
