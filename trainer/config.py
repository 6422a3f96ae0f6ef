"""The settings of a training run: read from TOML and presets, changed by key=value, checked, and written again."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, fields, is_dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from schemas.errors import UsageError
from trainer.blocks import BLOCK, DataConfig, EncoderConfig, InitConfig, TrainingConfig, to_values
from trainer.model import ModelConfig, part_settings
from trainer.upgrade import upgrade_settings

__all__ = [
    "DataConfig",
    "EncoderConfig",
    "ModelConfig",
    "RunConfig",
    "TrainingConfig",
    "check_config",
    "flatten_settings",
    "load_config",
    "override",
    "parse_config",
    "preset_names",
    "to_toml",
]

_KEYS = "see all keys with: mie-train fit PRESET --print-config"
_PRESETS = "see the shipped ones with: mie-train presets"


@dataclass(frozen=True, config=BLOCK)
class RunConfig:
    """All settings of a run."""

    data: DataConfig = field(default_factory=DataConfig)
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    init: InitConfig = field(default_factory=InitConfig)


def preset_names() -> list[str]:
    """Return the names of the shipped settings."""
    folder = resources.files("trainer") / "presets"
    return sorted(file.name.removesuffix(".toml") for file in folder.iterdir() if file.name.endswith(".toml"))


def load_config(name: str, overrides: Sequence[str] = (), is_complete: bool = True) -> RunConfig:
    """Read settings from a TOML file or a shipped preset, then apply key=value.

    Args:
        name: a path that ends in .toml, or the name of a preset.
        overrides: for instance `training.seed=7`, `data.sources=["text","image"]`, `model.head.dropout=0.2`.
        is_complete: check that nothing is missing; false is for looking at a preset.

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
        raise UsageError(f"no preset {name!r}{_nearest(name, preset_names())}", remedy=_PRESETS)
    config = override(parse_config(text, name), overrides)
    return check_config(config, name) if is_complete else config


def parse_config(text: str, path: str = "config") -> RunConfig:
    r"""Read settings from TOML; what it does not name keeps its default.

    >>> parse_config("[training]\nseed = 7").training.seed
    7
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"not TOML ({error})", path=path) from error
    return _build(values, path)


def override(config: RunConfig, overrides: Sequence[str]) -> RunConfig:
    """Apply key=value settings; a value is TOML, and a bare word is a string.

    A key reaches into blocks and lists: `model.head.dropout`, `model.objectives.0.weight`. A new kind of a part begins
    with its own defaults.

    >>> override(RunConfig(), ["encoder.name=offline:minilm", "training.epochs=3"]).training.epochs
    3
    """
    if not overrides:
        return config
    values = to_values(config)
    pairs = []
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or "." not in key.strip():
            raise UsageError(f"{text!r} is no setting", remedy="write section.key=value, for instance training.seed=7")
        pairs.append((key.strip().split("."), _parse_value(value.strip())))
    # The kind of a part comes first: it empties the block that the other settings then fill.
    for path, value in sorted(pairs, key=lambda pair: pair[0][-1] != "kind"):
        _set(values, path, value)
    return _build(values, "command line")


def to_toml(config: RunConfig) -> str:
    """Write settings as TOML that `parse_config` reads back.

    >>> parse_config(to_toml(RunConfig())) == RunConfig()
    True
    """
    return "\n".join(_table_lines(name, block) for name, block in to_values(config).items())


def flatten_settings(config: RunConfig) -> dict[str, Any]:
    """Return all settings by their keys; those of a list of blocks by their position.

    >>> flatten_settings(RunConfig())["model.head.kind"]
    'auto'
    """
    return dict(_leaves(to_values(config), ""))


def check_config(config: RunConfig, path: str = "config") -> RunConfig:
    """Check that nothing is missing, and that the blocks go with each other.

    Raises:
        UsageError: a setting is missing or contradicts another; the error names its key.
    """
    data = config.data
    without_contexts = [row.kind for row in config.model.objectives if row.needs_contexts and not data.sources]
    for key, is_right, words in (
        ("data.samples", bool(data.samples), "a folder of samples"),
        ("data.contexts", bool(data.contexts) or not data.sources, "folders of contexts, as there are data.sources"),
        ("data.features", bool(data.features) or config.model.fusion is None, "feature stores, as there is a fusion"),
        (
            "model.objectives",
            not without_contexts,
            f"without {', '.join(without_contexts)} where data.sources is empty",
        ),
    ):
        if not is_right:
            raise UsageError(f"{key} must be {words}", path=path, remedy=f"set {key}=VALUE")
    return config


def _build(values: Mapping[str, Any], path: str) -> RunConfig:
    upgraded = upgrade_settings(values)
    try:
        return TypeAdapter(RunConfig).validate_python(upgraded)
    except ValidationError as error:
        raise _explain(error, upgraded, path) from error


def _explain(error: ValidationError, values: Mapping[str, Any], path: str) -> UsageError:
    """Return pydantic's first error as one of ours: with the key, what it must be, and the nearest known key."""
    row = error.errors()[0]
    place = [str(step) for step in row["loc"]]
    if place and isinstance(row["loc"][-1], int) and row["type"] in _TYPES:
        place.pop()  # a value in a list: the list is the setting
    key, kind = ".".join(place), row["type"]
    if kind == "unexpected_keyword_argument":
        return UsageError(f"unknown key {key!r}{_nearest(key, _known_keys(values, place))}", path=path, remedy=_KEYS)
    if kind == "dataclass_type":
        return UsageError(f"{key} is a section, not a value", path=path, remedy=_KEYS)
    if kind == "range":
        return UsageError(f"{key} must be {row['msg']}", path=path, remedy=f"set {key}=VALUE")
    if kind in _TYPES:
        return UsageError(f"{key} must be {_TYPES[kind]}, not {row['input']!r}", path=path, remedy=f"set {key}=VALUE")
    return UsageError(f"{key}: {row['msg'].removeprefix('Value error, ')}", path=path, remedy=_KEYS)


_TYPES = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a string",
}


def _known_keys(values: Mapping[str, Any], place: Sequence[str]) -> list[str]:
    """Return the keys that there are, first those of the block in which an unknown one stands."""
    known = list(_keys(RunConfig(), ""))
    block: Any = values
    for step in place[:-1]:
        if isinstance(block, list):
            block = block[int(step)]
        elif step in block:  # a single block may stand for a list of one: then the step 0 is that block itself
            block = block[step]
    if len(place) > 2 and isinstance(block, Mapping):
        inside = ".".join(place[:-1])
        settings = part_settings(place[1], block.get("kind", "auto"))
        known = [f"{inside}.{item.name}" for item in fields(settings)] + known
    return known


def _keys(block: Any, prefix: str) -> Iterator[str]:
    for item in fields(block):
        yield prefix + item.name
        if is_dataclass(value := getattr(block, item.name)):
            yield from _keys(value, f"{prefix}{item.name}.")


def _nearest(word: str, known: Sequence[str]) -> str:
    """Return the words that point to the nearest known name, or "".

    >>> _nearest("training.epoch", ["training.epochs", "data.samples"])
    ", did you mean 'training.epochs'?"
    >>> _nearest("seed", ["training.seed"]), _nearest("xyz", ["training.seed"])
    (", did you mean 'training.seed'?", '')
    """
    near = difflib.get_close_matches(word, known, n=1)
    if not near:
        tail = word.rpartition(".")[2]
        near = [key for key in known if key.rpartition(".")[2] == tail] or [
            key for key in known if difflib.get_close_matches(tail, [key.rpartition(".")[2]])
        ]
    return f", did you mean {near[0]!r}?" if near else ""


def _set(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set one value within nested mappings and lists; a list takes one more block at its end."""
    block: Any = values
    for step, following in pairwise(path):
        if isinstance(block, list):
            if not step.isdigit() or int(step) > len(block):
                raise UsageError(f"{'.'.join(path)!r} is no setting: the list has {len(block)} blocks", remedy=_KEYS)
            if int(step) == len(block):
                block.append({})
            block = block[int(step)]
        else:
            block = block.setdefault(step, [] if following.isdigit() else {})
        if not isinstance(block, dict | list):
            raise UsageError(f"{'.'.join(path)!r} is no setting: {step} is a value, not a section", remedy=_KEYS)
    if not isinstance(block, dict):
        raise UsageError(f"{'.'.join(path)!r} is no setting: it names a whole block", remedy=_KEYS)
    if path[-1] == "kind" and block.get("kind") != value:
        block.clear()
    block[path[-1]] = value


def _table_lines(name: str, values: Mapping[str, Any]) -> str:
    """Return a table of TOML with the tables in it: first its own values, which TOML wants before them."""
    inner = {key: value for key, value in values.items() if _is_block(value)}
    lines = [f"{key} = {_to_toml_value(value)}" for key, value in values.items() if key not in inner]
    text = "\n".join([f"[{name}]", *lines, ""]) if lines or not inner else ""
    for key, value in inner.items():
        for row in value if isinstance(value, list) else [value]:
            part = _table_lines(f"{name}.{key}", row)
            if isinstance(value, list):
                part = part.replace(f"[{name}.{key}]", f"[[{name}.{key}]]", 1)
            text += "\n" * bool(text) + part
    return text


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _leaves(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        elif _is_block(value):
            for position, row in enumerate(value):
                yield from _leaves(row, f"{prefix}{key}.{position}.")
        else:
            yield prefix + key, value


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text


def _to_toml_value(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_to_toml_value(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f") if isinstance(value, str) else repr(value)
