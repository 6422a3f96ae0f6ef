"""How the text towers of open_clip read words: the tokenizer of an architecture, from the package or from the hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.encoders.hub import fetch_first, first_line
from schemas.errors import MissingDependency

if TYPE_CHECKING:
    import torch

__all__ = ["check_text_tower", "load_tokenizer"]

_WITHOUT_TOKENIZER = (
    "connect once to fill the cache, ask by picture (--image), or use an encoder whose tokenizer open_clip carries "
    "(ViT-B-32 and every architecture without hf_tokenizer_name)"
)
_WITHOUT_TOWER = (
    "connect once to fill the cache, or use an architecture whose text tower open_clip carries, such as ViT-B-32"
)
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "sentencepiece.bpe.model", "spiece.model")


def load_tokenizer(
    arch: str, text_config: Mapping[str, Any], make: Callable[[str], Callable[[Sequence[str]], torch.Tensor]]
) -> Callable[[Sequence[str]], torch.Tensor]:
    """Load the tokenizer of an architecture: texts -> token ids [n, context_length] int64; what is longer is cut off.

    Most architectures use CLIP's own, whose vocabulary lies in the package; SigLIP, CLIPA and the multilingual ones
    name a tokenizer of the hub (or a folder), which is read from the cache where it lies there.

    Args:
        arch: name of the architecture.
        text_config: its settings of the text tower.
        make: open_clip's own maker of tokenizers.

    Raises:
        MissingDependency: the hub's tokenizer is not on this machine and the hub is not reachable.
    """
    name = str(text_config.get("hf_tokenizer_name") or "")
    if name and not Path(name).is_dir():
        fetch_first(name, _TOKENIZER_FILES, f"the tokenizer's files ({name}) of {arch}", _WITHOUT_TOKENIZER)
    try:
        tokenizer = make(arch)
    except Exception as error:  # transformers raises OSError, ValueError, ImportError, ... for parts that lack
        raise MissingDependency(
            f"the tokenizer of {arch} ({name or 'CLIP'}) does not load ({first_line(error)})", remedy=_WITHOUT_TOKENIZER
        ) from error
    return lambda texts: tokenizer(list(texts))


def check_text_tower(arch: str, text_config: Mapping[str, Any]) -> None:
    """Look for what a text tower of another library is built from, before open_clip waits for the hub.

    Raises:
        MissingDependency: it is not on this machine and the hub is not reachable.
    """
    name = str(text_config.get("hf_model_name") or "")
    if name and not Path(name).is_dir():
        fetch_first(name, ("config.json",), f"the settings of the text tower ({name}) of {arch}", _WITHOUT_TOWER)
