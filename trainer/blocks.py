"""Blocks of settings: frozen values with units and ranges. A block refuses unknown keys and values of another type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Strict
from pydantic.dataclasses import dataclass
from pydantic_core import PydanticCustomError

from schemas.records import DEFAULT_K

__all__ = [
    "BLOCK",
    "AtLeastOne",
    "Count",
    "DataConfig",
    "EncoderConfig",
    "Flag",
    "InitConfig",
    "Number",
    "PartSettings",
    "Share",
    "Text",
    "TrainingConfig",
    "as_tuple",
    "to_values",
    "within",
]

BLOCK = ConfigDict(extra="forbid")
"""What all blocks share. Types are strict value by value: a strict block would refuse the mappings of TOML too."""


def within(words: str, is_right: Callable[[Any], bool]) -> AfterValidator:
    """Return a check that a value is in its range.

    Args:
        words: name the range in an error: "must be WORDS".
        is_right: whether a value is in it.
    """

    def check(value: Any) -> Any:
        if not is_right(value):
            raise PydanticCustomError("range", "{words}", {"words": words})
        return value

    return AfterValidator(check)


def as_tuple(value: Any) -> Any:
    """Return a list as a tuple, and a single value as a tuple of one.

    >>> as_tuple(["text", "image"]), as_tuple("text")
    (('text', 'image'), ('text',))
    """
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Text = Annotated[str, Strict()]
Flag = Annotated[bool, Strict()]
Count = Annotated[int, Strict(), within("0 or more", lambda value: value >= 0)]
AtLeastOne = Annotated[int, Strict(), within("1 or more", lambda value: value >= 1)]
Number = Annotated[float, Strict()]
Rate = Annotated[float, Strict(), within("0 or more", lambda value: 0 <= value < float("inf"))]
Share = Annotated[float, Strict(), within("in [0, 1)", lambda value: 0 <= value < 1)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(as_tuple)]


def _choice(*words: str) -> AfterValidator:
    return within(f"{', '.join(words[:-1])} or {words[-1]}", words.__contains__)


@dataclass(frozen=True, config=BLOCK)
class DataConfig:
    """The data that a run reads.

    Args:
        samples: a folder that `mie-train data convert` wrote.
        contexts: folders of contexts; each source is taken from the first that has it.
        sources: the sources of contexts, in the order in which they fill the window; none is the baseline.
        contexts_per_source: at most that many of each source, best first.
        long_contexts: what becomes of a context that is longer than the room left in the window: "skip" tries the next
            one, as the paper's code does; "cut" reads its first sentences.
        contexts_mode: what a training sample reads: "all" its sources, or "one" of them, drawn in each epoch by the
            run's seed. In prediction, "one" is the first of the sources.
        features: folders of feature stores, in the order of their columns; none is a run without pictures.
        train_samples, dev_samples, test_samples: only the first that many of the split; 0 takes all.
    """

    samples: Text = ""
    contexts: Texts = ()
    sources: Annotated[Texts, within("different sources", lambda value: len(set(value)) == len(value))] = ()
    contexts_per_source: Count = DEFAULT_K
    long_contexts: Annotated[Text, _choice("skip", "cut")] = "skip"
    contexts_mode: Annotated[Text, _choice("all", "one")] = "all"
    features: Annotated[Texts, within("different stores", lambda value: len(set(value)) == len(value))] = ()
    train_samples: Count = 0
    dev_samples: Count = 0
    test_samples: Count = 0


@dataclass(frozen=True, config=BLOCK)
class EncoderConfig:
    """The text encoder.

    Args:
        name: a folder in the form of transformers, `offline:minilm`, or a name of the model hub.
        max_length_pieces: size of the window, special pieces included.
        gradient_checkpointing: less memory for a third more time.
    """

    name: Text = "xlm-roberta-large"
    max_length_pieces: Annotated[int, Strict(), within("8 or more", lambda value: value >= 8)] = 512
    gradient_checkpointing: Flag = False


@dataclass(frozen=True, config=BLOCK)
class TrainingConfig:
    """The training loop. A step is one update of the weights.

    Args:
        epochs: at most.
        batch_samples: samples per forward pass.
        accumulation_batches: forward passes per step.
        encoder_lr, head_lr, crf_lr: peak learning rate of the encoder, of the other parts, of a CRF's transitions.
        weight_decay: AdamW's, not on biases and norms.
        warmup_share: share of all steps in which the rates rise from 0; then they fall linearly to 0.
        max_gradient_norm: gradients are scaled down to it; 0 leaves them.
        mask_share: of the pieces of a window, which training replaces by the mask piece, drawn anew in each step.
        patience_epochs: stop after that many epochs without a better dev F1; 0 never.
        seed: of the head's weights, dropout and the order of samples.
        bucket_by_length: put samples of like length into one batch.
        save_every_steps: keep the exact state that often, and at the end of each epoch; 0 only then.
        device: auto, cpu or cuda.
        precision: auto (bf16 where there is a GPU that has it), bf16 or fp32.
    """

    epochs: AtLeastOne = 10
    batch_samples: AtLeastOne = 4
    accumulation_batches: AtLeastOne = 1
    encoder_lr: Rate = 1e-5
    head_lr: Rate = 1e-5
    crf_lr: Rate = 5e-2
    weight_decay: Rate = 0.01
    warmup_share: Share = 0.0
    max_gradient_norm: Rate = 5.0
    mask_share: Share = 0.0
    patience_epochs: Count = 0
    seed: Count = 42
    bucket_by_length: Flag = True
    save_every_steps: Count = 0
    device: Annotated[str, Strict(), _choice("auto", "cpu", "cuda")] = "auto"
    precision: Annotated[str, Strict(), _choice("auto", "bf16", "fp32")] = "auto"


@dataclass(frozen=True, config=BLOCK)
class InitConfig:
    """Where the weights come from before the first step.

    Args:
        from_run: a finished run. Weights of the same part, name and shape begin as they are in its best/; all others
            as in a run of their own.
    """

    from_run: Text = ""


@dataclass(frozen=True, config=BLOCK)
class PartSettings:
    """The settings of a part of the model; kind names the part in the table of `trainer.model.build`."""

    kind: Text


def to_values(block: Any) -> dict[str, Any]:
    """Return a block as mappings and lists, as TOML and JSON have them; what is None is left out.

    >>> to_values(DataConfig(sources=("text",)))["sources"]
    ['text']
    """
    return {item.name: _plain(value) for item in fields(block) if (value := getattr(block, item.name)) is not None}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return to_values(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
