"""The files of an expert's run folder, but for its weights: settings, facts, labels and metrics.

config.toml  run.json  labels.json  metrics.jsonl  best/  last/  predictions/  posteriors/  report.md  report.json
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from schemas.errors import IndexCorrupt, InputError, UsageError
from schemas.manifest import write_json_atomically
from trainer.config import RunConfig, flatten_settings, parse_config, to_toml
from trainer.inputs import LabelSet
from trainer.model import settle_head
from trainer.training.disk import writing

__all__ = [
    "CHANGEABLE",
    "append_row",
    "changed_settings",
    "open_run_folder",
    "read_facts",
    "read_run_config",
    "settle_config",
    "trim_rows",
    "withdraw_run",
    "write_facts",
]

CHANGEABLE = frozenset(
    f"training.{name}"
    for name in (
        "encoder_lr", "head_lr", "crf_lr", "weight_decay", "warmup_share", "max_gradient_norm", "epochs",
        "patience_epochs", "save_every_steps", "device", "precision",
    )
)  # fmt: skip
"""The settings that may change within a run. All others decide the order of samples, in which the kept state counts."""
_LOG = "metrics.jsonl"
_BEGUN = frozenset({"run.json", "run.json.tmp", "labels.json", "labels.json.tmp", "config.toml.new"})
"""Files of a run that failed before it began (a full disk): config.toml is written last."""


def read_run_config(folder: Path) -> RunConfig:
    """Read the settings of a run.

    Raises:
        InputError: no run of an expert here.
    """
    path = folder / "config.toml"
    if not path.is_file():
        raise InputError("no run here (there is no config.toml)", path=folder, remedy="make one: mie-train fit")
    return parse_config(path.read_text(encoding="utf-8"), str(path))


def settle_config(config: RunConfig, task: str) -> RunConfig:
    """Return settings in which the head is the one that the task of the data gets."""
    return replace(config, model=replace(config.model, head=settle_head(config.model.head, task)))


def read_facts(folder: Path) -> dict[str, Any]:
    """Read `run.json`: data set, task, fingerprints, the origin of the contexts, and the outcome of training.

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
    """Make the folder of a run, or check that a folder which is there belongs to the same run.

    Args:
        out: the run folder.
        config: all settings, with the head of the data's task.
        labels: of the data.
        facts: identify the data.
        overwrite: begin again where there is another run.
        is_continued: go on with the run that is there under new settings, if only those of CHANGEABLE differ.

    Raises:
        UsageError: the folder holds a run with other settings or data, or something that is no run.
        StoreError: the folder cannot be written.
    """
    if out.exists() and not {path.name for path in out.iterdir()} <= _BEGUN:
        if not (out / "config.toml").is_file():
            raise UsageError("this folder holds something that is no run", path=out, remedy="choose another --out")
        if _is_same_run(out, config, facts, overwrite=overwrite, is_continued=is_continued):
            return
        shutil.rmtree(out)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        write_facts(out, {**facts, "versions": _versions()})
        write_json_atomically(out / "labels.json", {"task": labels.task_name, "labels": labels.names})
        _write_config(out, config)


def withdraw_run(out: Path) -> None:
    """Make a run folder that has trained nothing one that never began: other settings may use it."""
    (out / "config.toml").unlink(missing_ok=True)


def _is_same_run(out: Path, config: RunConfig, facts: dict[str, Any], *, overwrite: bool, is_continued: bool) -> bool:
    known = read_facts(out)
    changed = changed_settings(settle_config(read_run_config(out), str(known.get("task", facts["task"]))), config)
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
    r"""Return the settings that differ, by key, each with both values; None where one of the two has no such key.

    >>> changed_settings(parse_config("[training]\nseed = 1"), parse_config("[training]\nseed = 2"))
    {'training.seed': (1, 2)}
    """
    before, after = flatten_settings(old), flatten_settings(new)
    keys = [*before, *(key for key in after if key not in before)]
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def _change_settings(out: Path, config: RunConfig, changed: Mapping[str, tuple[Any, Any]]) -> None:
    """Write new settings; the log keeps the old ones, and the step from which the new ones hold."""
    from trainer.training.state import read_progress

    progress = read_progress(out / "last")
    if progress is not None and progress.is_finished:
        raise UsageError("this run is finished: it cannot go on", path=out, remedy="choose another --out")
    step = progress.step if progress is not None else 0
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
    """Drop the rows of metrics after the state from which a run goes on, which will write them again."""
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
