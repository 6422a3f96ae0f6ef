"""CLIP through open_clip: published or local weights, both towers, and the tokenizer of an architecture."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.encoders.encoder import ImageEncoder, Layers, Precision, TextTower, fingerprint_weights
from indexer.encoders.hub import fetch_first, first_line
from indexer.encoders.spec import FORMS, STAND_IN, EncoderSpec
from schemas.errors import InputError, MissingDependency, UsageError

if TYPE_CHECKING:
    import torch

__all__ = ["check_text_tower", "load_tokenizer", "make_clip"]

_SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
_WITHOUT_WEIGHTS = (
    "give a local checkpoint (open_clip:ARCH:FILE.safetensors), connect once to fill the cache, "
    f"or use the offline stand-in ({STAND_IN})"
)
_WITHOUT_TOKENIZER = (
    "connect once to fill the cache, ask by picture (--image), or use an encoder whose tokenizer open_clip carries "
    "(ViT-B-32 and every architecture without hf_tokenizer_name)"
)
_WITHOUT_TOWER = (
    "connect once to fill the cache, or use an architecture whose text tower open_clip carries, such as ViT-B-32"
)
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "sentencepiece.bpe.model", "spiece.model")
_log = logging.getLogger(__name__)


def make_clip(arch: str, weights: str, device: str, precision: Precision) -> ImageEncoder:
    """Load a CLIP: its architecture by name, its weights by a published tag or from a local checkpoint.

    The fingerprint covers weights, architecture, activation and preprocessing of the image tower: all that decides a
    picture's vector.

    Args:
        arch: an architecture of open_clip.
        weights: a tag, or the path of a checkpoint.
        device: "cpu" or "cuda".
        precision: of the arithmetic.

    Raises:
        UsageError: an unknown architecture, tag or path.
        MissingDependency: weights or parts are not on this machine and the hub is not reachable.
        InputError: the checkpoint does not hold this architecture's weights.
    """
    import open_clip

    if arch not in open_clip.list_models():
        raise UsageError(f"open_clip has no architecture {arch!r}", remedy=_suggest(arch, open_clip.list_models()))
    settings = open_clip.get_pretrained_cfg(arch, weights)
    if settings:
        checkpoint = _find_published(settings, arch, weights)
        quick_gelu = bool(settings.get("quick_gelu"))
    else:
        checkpoint = _find_local(arch, weights)
        weights, settings, quick_gelu = str(checkpoint), _guess_settings(arch), False
        _warn_of_quick_gelu(arch)
    config = open_clip.get_model_config(arch)
    check_text_tower(arch, config["text_cfg"])
    model, preprocess = _load(arch, checkpoint, settings, quick_gelu)
    # Of the image tower alone: an index holds pictures, and the text tower was trained with it.
    fingerprint = fingerprint_weights(
        model.visual.state_dict(),
        {
            "architecture": config["vision_cfg"],
            "quick_gelu": quick_gelu or bool(config.get("quick_gelu")),
            "preprocessing": dict(model.visual.preprocess_cfg),
        },
    )
    model = model.to(device)

    def embed(pixels: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = model.encode_image(pixels)
        return vectors  # [n, dim]

    def embed_tokens(tokens: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = model.encode_text(tokens)
        return vectors  # [n, dim]

    texts = TextTower(partial(load_tokenizer, arch, config["text_cfg"], open_clip.get_tokenizer), embed_tokens)
    spec = str(EncoderSpec("clip", arch, weights))
    dim = int(config["embed_dim"])
    layers = Layers(partial(_maps, model.visual)) if hasattr(model.visual, "forward_intermediates") else None
    return ImageEncoder(
        spec, fingerprint, dim, device, preprocess, embed, text=texts, precision=precision, layers=layers
    )


def _maps(tower: Any, pixels: torch.Tensor) -> list[torch.Tensor]:
    """Return the maps after each quarter of an image tower [n, C, h, w], and the last, normed where the tower is."""
    settings = {"intermediates_only": True, "output_fmt": "NCHW"}
    found = tower.forward_intermediates(pixels, **settings)["image_intermediates"]
    quarters = [found[math.ceil(len(found) * part / 4) - 1] for part in (1, 2, 3, 4)]
    last = tower.forward_intermediates(pixels, indices=1, normalize_intermediates=True, **settings)
    return [*quarters, last["image_intermediates"][-1]]


def load_tokenizer(
    arch: str, text_config: Mapping[str, Any], make: Callable[[str], Callable[[Sequence[str]], torch.Tensor]]
) -> Callable[[Sequence[str]], torch.Tensor]:
    """Load the tokenizer of an architecture: texts -> token ids [n, context_length] int64; longer texts are cut off.

    Most architectures use CLIP's own, whose vocabulary is in the open_clip package; SigLIP, CLIPA and the multilingual
    ones name a tokenizer of the hub (or a folder), which is read from the hub's cache if it is there.

    Args:
        arch: name of the architecture.
        text_config: its settings of the text tower.
        make: open_clip's function that makes the tokenizer of an architecture.

    Raises:
        MissingDependency: the hub's tokenizer is not on this machine and the hub is not reachable.
    """
    name = str(text_config.get("hf_tokenizer_name") or "")
    if name and not Path(name).is_dir():
        fetch_first(name, _TOKENIZER_FILES, f"the tokenizer's files ({name}) of {arch}", _WITHOUT_TOKENIZER)
    try:
        tokenizer = make(arch)
    except Exception as error:  # transformers raises OSError, ValueError, ImportError, ... for absent parts
        raise MissingDependency(
            f"the tokenizer of {arch} ({name or 'CLIP'}) does not load ({first_line(error)})", remedy=_WITHOUT_TOKENIZER
        ) from error
    return lambda texts: tokenizer(list(texts))


def check_text_tower(arch: str, text_config: Mapping[str, Any]) -> None:
    """Check that the settings of a text tower of another library are here, before open_clip waits for the hub.

    Raises:
        MissingDependency: they are not on this machine and the hub is not reachable.
    """
    name = str(text_config.get("hf_model_name") or "")
    if name and not Path(name).is_dir():
        fetch_first(name, ("config.json",), f"the settings of the text tower ({name}) of {arch}", _WITHOUT_TOWER)


def _suggest(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, list(known), n=3, cutoff=0.4) or sorted(known)[:5]
    return f"near names: {', '.join(near)}" if near else f"use {FORMS}"


def _load(arch: str, checkpoint: Path, settings: Mapping[str, Any], quick_gelu: bool) -> tuple[Any, Any]:
    """Build the architecture and load its weights; only tensors are read from the file, never code."""
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
        raise UsageError(f"a checkpoint ends in one of {', '.join(_SUFFIXES)}", path=path, remedy=f"use {FORMS}")
    if path.suffix in _SUFFIXES or "/" in pretrained:
        raise UsageError("there is no checkpoint", path=path, remedy=f"use {FORMS}")
    tags = open_clip.list_pretrained_tags_by_model(arch)
    raise UsageError(f"{arch} has no weights published as {pretrained!r}", remedy=_suggest(pretrained, tags))


def _guess_settings(arch: str) -> Mapping[str, Any]:
    """Return the preprocessing of most published weights of an architecture; a local file does not state its own."""
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
    """Warn where an architecture has weights of both activations: a file does not state its own, and vectors differ."""
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
    return fetch_first(repository, files, f"the weights {arch}:{name}", _WITHOUT_WEIGHTS)
