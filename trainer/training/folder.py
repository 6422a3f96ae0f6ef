"""The files of an expert's run folder, but for its weights: settings, facts, labels and metrics.

config.toml  run.json  labels.json  metrics.jsonl  best/  last/  predictions/  posteriors/  report.md  report.json
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from schemas.errors import IndexCorrupt, InputError, UsageError
from schemas.manifest import write_json_atomically
from trainer.config import RunConfig, parse_config, to_toml
from trainer.inputs import LabelSet

__all__ = [
    "CHANGEABLE",
    "append_row",
    "changed_settings",
    "open_run_folder",
    "read_facts",
    "read_run_config",
    "trim_rows",
    "write_facts",
]

CHANGEABLE = frozenset(
    f"training.{name}"
    for name in (
        "encoder_lr", "head_lr", "crf_lr", "weight_decay", "warmup_share", "max_gradient_norm", "epochs",
        "patience_epochs", "save_every_steps", "device", "precision",
    )
)  # fmt: skip
"""What may change within a run: the state that is kept counts samples in an order that all else settles."""
_LOG = "metrics.jsonl"
_BEGUN = frozenset({"run.json", "run.json.tmp", "labels.json", "labels.json.tmp", "config.toml.new"})
"""What a run that could not even begin (a full disk) leaves: config.toml comes last."""


def read_run_config(folder: Path) -> RunConfig:
    """Read the settings of a run.

    Raises:
        InputError: no run of an expert here.
    """
    path = folder / "config.toml"
    if not path.is_file():
        raise InputError("no run here (there is no config.toml)", path=folder, remedy="make one: mie-train fit")
    return parse_config(path.read_text(encoding="utf-8"), str(path))


def read_facts(folder: Path) -> dict[str, Any]:
    """Read `run.json`: data set, task, fingerprints, where the contexts come from, and how training went.

    Raises:
        IndexCorrupt: it is not JSON.
    """
    path = folder / "run.json"
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise IndexCorrupt(f"unreadable ({error})", path=path, remedy="train it again: --overwrite") from error
    return facts


def write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    """Add facts to `run.json`."""
    write_json_atomically(folder / "run.json", {**read_facts(folder), **facts})


def open_run_folder(
    out: Path, config: RunConfig, labels: LabelSet, facts: dict[str, Any], *, overwrite: bool, is_continued: bool
) -> None:
    """Make the folder of a run, or check that the one which is there is of the same run.

    Args:
        out: the run folder.
        config: all settings.
        labels: of the data.
        facts: what identifies the data.
        overwrite: begin again where there is another run.
        is_continued: go on with the run that is there under new settings, as far as they may change (CHANGEABLE).

    Raises:
        UsageError: a run with other settings or data, or something that is no run, is here.
        StoreError: it cannot be written.
    """
    from trainer.training.state import writing

    if out.exists() and not {path.name for path in out.iterdir()} <= _BEGUN:
        if not (out / "config.toml").is_file():
            raise UsageError("this folder holds something that is no run", path=out, remedy="choose another --out")
        if _is_same_run(out, config, facts, overwrite=overwrite, is_continued=is_continued):
            return
        shutil.rmtree(out)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_facts(out, {**facts, "versions": _versions()})
        write_json_atomically(out / "labels.json", {"task": labels.task, "labels": labels.names})
        _write_config(out, config)


def _is_same_run(out: Path, config: RunConfig, facts: dict[str, Any], *, overwrite: bool, is_continued: bool) -> bool:
    changed = changed_settings(read_run_config(out), config)
    known = read_facts(out)
    others = [f"other {key}" for key, value in facts.items() if known.get(key, value) != value]
    if not others and not changed:
        return True
    may_go_on = not others and changed.keys() <= CHANGEABLE
    if may_go_on and is_continued:
        _change_settings(out, config, changed)
        return True
    if overwrite and not is_continued:
        return False
    others += [f"{key} is {old!r} there, {new!r} here" for key, (old, new) in changed.items()]
    remedies = ["add --continue to go on with it under the new settings"] * may_go_on
    raise UsageError(
        f"there is a run with other settings or other data here ({', '.join(others)})",
        path=out,
        remedy=", ".join([*remedies, "add --overwrite to begin again", "or choose another --out"]),
    )


def changed_settings(old: RunConfig, new: RunConfig) -> dict[str, tuple[Any, Any]]:
    r"""Return the settings that differ, by key, each with both values.

    >>> changed_settings(parse_config("[training]\nseed = 1"), parse_config("[training]\nseed = 2"))
    {'training.seed': (1, 2)}
    """
    pairs = {
        f"{section.name}.{item.name}": tuple(getattr(getattr(config, section.name), item.name) for config in (old, new))
        for section in fields(RunConfig)
        for item in fields(getattr(old, section.name))
    }
    return {key: (before, after) for key, (before, after) in pairs.items() if before != after}


def _change_settings(out: Path, config: RunConfig, changed: Mapping[str, tuple[Any, Any]]) -> None:
    """Put new settings in place; the log keeps the old ones, and the step from which the new ones hold."""
    from trainer.training.state import read_place, writing

    place = read_place(out / "last")
    if place is not None and place.is_finished:
        raise UsageError("this run is finished: it cannot go on", path=out, remedy="choose another --out")
    step = place.step if place is not None else 0
    with writing(out):
        trim_rows(out, step)
        row = {"kind": "settings", "step": step, "changed": {key: list(pair) for key, pair in changed.items()}}
        append_row(out, row)
        _write_config(out, config)


def _write_config(out: Path, config: RunConfig) -> None:
    new = out / "config.toml.new"
    new.write_text(to_toml(config), encoding="utf-8")
    new.replace(out / "config.toml")


def append_row(out: Path, row: Mapping[str, Any]) -> None:
    """Append a row to the metrics."""
    with (out / _LOG).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def trim_rows(out: Path, step: int) -> None:
    """Drop the rows after the state from which a run goes on: it will write them again."""
    path = out / _LOG
    if not path.is_file():
        return
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    kept = [line for line in rows if json.loads(line)["step"] <= step]
    new = path.with_name(path.name + ".new")
    new.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
    new.replace(path)


def _versions() -> dict[str, str]:
    from importlib import metadata

    names = ("torch", "transformers", "pytorch-crf", "safetensors")
    return {"python": sys.version.split()[0], **{name: metadata.version(name) for name in names}}
