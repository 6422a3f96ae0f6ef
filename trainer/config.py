"""The settings of a training run: frozen values with their units, read from TOML and changed by key=value."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any

from schemas.errors import UsageError
from schemas.records import DEFAULT_K
from trainer.settings import build_settings, nearest

__all__ = [
    "DataConfig",
    "EncoderConfig",
    "ModelConfig",
    "RunConfig",
    "TrainingConfig",
    "check_config",
    "load_config",
    "override",
    "parse_config",
    "preset_names",
    "to_toml",
]


@dataclass(frozen=True)
class DataConfig:
    """What is read.

    Args:
        samples: a folder that `mie-train data convert` wrote.
        contexts: folders of contexts; each source is taken from the first that has it.
        sources: the sources of contexts, in the order in which they fill the window; none is the baseline.
        contexts_per_source: at most that many of each source, best first.
        train_samples, dev_samples, test_samples: only the first that many of the split; 0 takes all.
    """

    samples: str = ""
    contexts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    contexts_per_source: int = DEFAULT_K
    train_samples: int = 0
    dev_samples: int = 0
    test_samples: int = 0


@dataclass(frozen=True)
class EncoderConfig:
    """The text encoder.

    Args:
        name: a folder in the form of transformers, `offline:minilm`, or a name of the model hub.
        max_length_pieces: size of the window, special pieces included.
        gradient_checkpointing: less memory for a third more time.
    """

    name: str = "xlm-roberta-large"
    max_length_pieces: int = 512
    gradient_checkpointing: bool = False


@dataclass(frozen=True)
class ModelConfig:
    """What stands on the encoder, and the objective.

    Args:
        dropout: share of the token states' components dropped before the linear layer.
        constrained_decoding: Viterbi over sound BIO sequences alone.
        two_view: train on the sample with and without its contexts, and draw the posteriors together.
        two_view_weight: lambda in lambda (NLL + NLL) + (1 - lambda) KL, in (0, 1].
        two_view_temperature: divides the logits of both views in the KL term.
    """

    dropout: float = 0.1
    constrained_decoding: bool = False
    two_view: bool = False
    two_view_weight: float = 0.5
    two_view_temperature: float = 1.0


@dataclass(frozen=True)
class TrainingConfig:
    """The loop. A step is an update of the weights.

    Args:
        epochs: at most.
        batch_samples: samples per forward pass.
        accumulation_batches: forward passes per step.
        encoder_lr, head_lr, crf_lr: peak learning rate of the encoder, the linear layers, the CRF's transitions.
        weight_decay: AdamW's, not on biases and norms.
        warmup_share: share of all steps in which the rates rise from 0; then they fall linearly to 0.
        max_gradient_norm: gradients are scaled down to it; 0 leaves them.
        patience_epochs: stop after that many epochs without a better dev F1; 0 never.
        seed: of the head's weights, dropout and the order of samples.
        bucket_by_length: put samples of like length into one batch.
        save_every_steps: keep the exact state that often, and at the end of each epoch; 0 only then.
        device: auto, cpu or cuda.
        precision: auto (bf16 where there is a GPU that has it), bf16 or fp32.
    """

    epochs: int = 10
    batch_samples: int = 4
    accumulation_batches: int = 1
    encoder_lr: float = 1e-5
    head_lr: float = 1e-5
    crf_lr: float = 5e-2
    weight_decay: float = 0.01
    warmup_share: float = 0.0
    max_gradient_norm: float = 5.0
    patience_epochs: int = 0
    seed: int = 42
    bucket_by_length: bool = True
    save_every_steps: int = 0
    device: str = "auto"
    precision: str = "auto"


@dataclass(frozen=True)
class RunConfig:
    """All settings of a run."""

    data: DataConfig = field(default_factory=DataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


def preset_names() -> list[str]:
    """Name the settings that are shipped."""
    folder = resources.files("trainer") / "presets"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def load_config(name: str, overrides: Sequence[str] = (), is_complete: bool = True) -> RunConfig:
    """Read settings from a TOML file or a shipped preset, then apply key=value.

    Args:
        name: a path that ends in .toml, or the name of a preset.
        overrides: for instance `training.seed=7`, `data.sources=["text","image"]`, `data.samples=tweets`.
        is_complete: check that nothing is missing, and the ranges; false is for looking at a preset.

    Raises:
        UsageError: no such file or preset, no TOML, an unknown key, a value of the wrong type or out of range.
    """
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot be read ({error})", path=name, remedy=_PRESETS) from error
    elif name in preset_names():
        text = (resources.files("trainer") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    else:
        raise UsageError(f"no preset {name!r}{nearest(name, preset_names())}", remedy=_PRESETS)
    config = override(parse_config(text, name), overrides)
    return check_config(config, name) if is_complete else config


def parse_config(text: str, path: str = "config") -> RunConfig:
    r"""Read settings from TOML; what is not named keeps its default.

    >>> parse_config("[training]\nseed = 7").training.seed
    7
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"not TOML ({error})", path=path) from error
    return build_settings(RunConfig, values, path, _KEYS)


def override(config: RunConfig, overrides: Sequence[str]) -> RunConfig:
    """Apply key=value settings; a value is TOML, and a bare word is a string.

    >>> override(RunConfig(), ["encoder.name=offline:minilm", "training.epochs=3"]).training.epochs
    3
    """
    for text in overrides:
        key, equals, value = text.partition("=")
        section, dot, name = key.strip().partition(".")
        if not equals or not dot:
            raise UsageError(f"{text!r} is no setting", remedy="write section.key=value, for instance training.seed=7")
        config = build_settings(RunConfig, {section: {name: _value(value.strip())}}, "command line", _KEYS, base=config)
    return config


def to_toml(config: RunConfig) -> str:
    """Write settings as TOML that `parse_config` reads back.

    >>> parse_config(to_toml(RunConfig())) == RunConfig()
    True
    """
    lines: list[str] = []
    for section in fields(config):
        lines.append(f"[{section.name}]")
        part = getattr(config, section.name)
        lines += [f"{item.name} = {_to_toml_value(getattr(part, item.name))}" for item in fields(part)]
        lines.append("")
    return "\n".join(lines)


def check_config(config: RunConfig, path: str = "config") -> RunConfig:
    """Check the ranges.

    Raises:
        UsageError: a value is out of its range, with its key.
    """
    for key, is_right, wanted in _ranges(config):
        if not is_right:
            raise UsageError(f"{key} must be {wanted}", path=path, remedy=f"set {key}=VALUE")
    return config


def _ranges(config: RunConfig) -> Iterator[tuple[str, bool, str]]:
    data, model, training = config.data, config.model, config.training
    yield "data.samples", bool(data.samples), "a folder of samples"
    yield "data.contexts", bool(data.contexts) or not data.sources, "folders of contexts, as there are data.sources"
    for name in ("train_samples", "dev_samples", "test_samples", "contexts_per_source"):
        yield f"data.{name}", getattr(data, name) >= 0, "0 or more"
    yield "data.sources", len(set(data.sources)) == len(data.sources), "different sources"
    yield "encoder.max_length_pieces", config.encoder.max_length_pieces >= 8, "8 or more"
    yield "model.dropout", 0 <= model.dropout < 1, "in [0, 1)"
    yield "model.two_view", bool(data.sources) or not model.two_view, "false without data.sources"
    yield "model.two_view_weight", 0 < model.two_view_weight <= 1, "in (0, 1]"
    yield "model.two_view_temperature", model.two_view_temperature > 0, "above 0"
    for name in ("epochs", "batch_samples", "accumulation_batches"):
        yield f"training.{name}", getattr(training, name) >= 1, "1 or more"
    for name in ("encoder_lr", "head_lr", "crf_lr", "weight_decay", "max_gradient_norm"):
        yield f"training.{name}", 0 <= getattr(training, name) < float("inf"), "0 or more"
    for name in ("patience_epochs", "save_every_steps", "seed"):
        yield f"training.{name}", getattr(training, name) >= 0, "0 or more"
    yield "training.warmup_share", 0 <= training.warmup_share < 1, "in [0, 1)"
    yield "training.device", training.device in ("auto", "cpu", "cuda"), "auto, cpu or cuda"
    yield "training.precision", training.precision in ("auto", "bf16", "fp32"), "auto, bf16 or fp32"


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def _to_toml_value(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_to_toml_value(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f") if isinstance(value, str) else repr(value)


_KEYS = "see all keys with: mie-train fit PRESET --print-config"
_PRESETS = "see the shipped ones with: mie-train presets"
