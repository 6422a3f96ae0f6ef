"""The run folder of an expert: settings, metrics, the best weights, the exact last state, and how a run is made.

config.toml  run.json  labels.json  metrics.jsonl  best/  last/  predictions/  posteriors/  report.md  report.json
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.dataset import Dataset, read_dataset, read_samples
from schemas.errors import InputError, UsageError
from schemas.manifest import write_json_atomically
from schemas.records import Context, Sample
from trainer.config import RunConfig, parse_config, to_toml
from trainer.labels import LabelSet
from trainer.sources import read_sources

if TYPE_CHECKING:
    from trainer.examples import Examples
    from trainer.experts import Expert

__all__ = ["ExpertRun", "SplitData", "encode_split", "fit", "open_expert", "read_run_config", "read_split"]

Talk = Callable[[str], object]
"""Is told one line per event."""


@dataclass(frozen=True)
class SplitData:
    """The samples of a split and their contexts.

    image_vectors are the files in which a mixture's gate finds those of the samples; null: those it was fitted with.
    """

    dataset: Dataset
    samples: list[Sample]
    contexts: dict[str, list[Context]]
    image_vectors: tuple[Path, ...] | None = None


@dataclass(frozen=True)
class ExpertRun:
    """A trained expert and its settings."""

    folder: Path
    config: RunConfig
    labels: LabelSet
    expert: Expert


def read_split(config: RunConfig, split: str) -> SplitData:
    """Read the samples of a split that a run uses, and their contexts from the caches.

    Raises:
        UsageError: no such split or source.
        IndexMismatch: a cache was made for other samples.
    """
    dataset = read_dataset(config.data.samples)
    samples = read_samples(config.data.samples, split)
    limit = getattr(config.data, f"{split}_samples")
    samples = samples[:limit] if limit else samples
    return SplitData(dataset, samples, read_sources(config.data, samples))


def encode_split(expert: Expert, config: RunConfig, data: SplitData) -> Examples:
    """Make the examples of a split for an expert."""
    from trainer.examples import make_examples

    return make_examples(data.samples, data.contexts, expert.tokenizer, expert.labels, config.encoder.max_length_pieces)


def fit(config: RunConfig, out: Path, overwrite: bool = False, talk: Talk = lambda _: None) -> dict[str, Any]:
    """Train an expert into a run folder; an interrupted run goes on, a finished one is left as it is.

    Args:
        config: all settings.
        out: the run folder.
        overwrite: begin again where there is a run with other settings.
        talk: told one line per event.

    Returns:
        the facts of the run: best dev F1, its epoch, steps, truncation of the windows.

    Raises:
        UsageError: there is a run with other settings.
        MieError: the loss is not finite.
    """
    import torch

    from trainer.loop import choose_device, parameter_groups, train
    from trainer.states import finish_state, read_place, recover_folder, restore_state

    data = {split: read_split(config, split) for split in ("train", "dev")}
    labels = _labels(data["train"])
    _open_folder(out, config, data, labels, overwrite)
    place = read_place(out / "last")
    if place is not None and place.is_finished:
        talk(f"{out}: finished already, nothing to do")
        return _facts(out)
    expert, examples = _prepare(config, data, labels)
    device = choose_device(config.training)
    expert.to(device)
    optimizer = torch.optim.AdamW(parameter_groups(expert, config.training))
    recover_folder(out / "best")
    if place is not None:
        restore_state(out / "last", place, expert, optimizer, device)
        talk(f"{out}: goes on after step {place.step}")
    for split, part in examples.items():
        counts = part.counts
        talk(
            f"{split}: {counts.windows} windows, {counts.mean_pieces:.1f} pieces each, "
            f"{100 * counts.truncation_rate:.1f} % of {counts.contexts} contexts left out, "
            f"{counts.cut_tokens} tokens cut"
        )
    _trim_log(out / "metrics.jsonl", place.step if place else 0)
    keeper = _keeper(out, expert, config, talk)
    place = train(
        expert,
        optimizer,
        examples["train"].rows,
        examples["dev"].rows,
        data["dev"].samples,
        config.training,
        keeper,
        place,
    )
    facts = {
        "best_dev_f1": place.best_f1,
        "best_epoch": place.best_epoch,
        "epochs": place.epoch,
        "steps": place.step,
        "windows": {split: _window_facts(part) for split, part in examples.items()},
    }
    _write_run_json(out, {**_facts(out), **facts})
    finish_state(out / "last", place)
    return _facts(out)


def open_expert(folder: Path, config: RunConfig | None = None) -> ExpertRun:
    """Open a trained expert.

    Args:
        folder: of the run.
        config: settings to use in place of the run's (other data, for instance).

    Raises:
        InputError: no run here, or a run without `best`.
    """
    from trainer.experts import load_expert
    from trainer.loop import choose_device
    from trainer.states import recover_folder

    own = read_run_config(folder)
    recover_folder(folder / "best")
    if not (folder / "best").is_dir():
        raise InputError(
            "this run has no best/ (no epoch was finished)", path=folder, remedy="give the same mie-train fit again"
        )
    expert = load_expert(folder / "best")
    expert.to(choose_device(own.training))
    return ExpertRun(folder, config or own, expert.labels, expert)


def read_run_config(folder: Path) -> RunConfig:
    """Read the settings of a run.

    Raises:
        InputError: no run of an expert here.
    """
    path = folder / "config.toml"
    if not path.is_file():
        raise InputError("no run here (there is no config.toml)", path=folder, remedy="make one: mie-train fit")
    return parse_config(path.read_text(encoding="utf-8"), str(path))


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Append a row of JSON to a file."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _labels(train: SplitData) -> LabelSet:
    if not train.samples:
        raise InputError("no training samples")
    key = "tags" if train.dataset.task == "ner" else "relation"
    for sample in train.samples:
        if getattr(sample, key) is None:
            raise InputError(f"a training sample without {key}", place=f"sample {sample.sample_id}")
    return LabelSet.of(train.dataset, (sample.tags for sample in train.samples))


def _prepare(config: RunConfig, data: dict[str, SplitData], labels: LabelSet) -> tuple[Expert, dict[str, Examples]]:
    import torch
    from transformers import set_seed

    from trainer.experts import make_expert

    set_seed(config.training.seed)
    torch.manual_seed(config.training.seed)
    expert = make_expert(config.encoder, config.model, labels)
    return expert, {split: encode_split(expert, config, part) for split, part in data.items()}


def _open_folder(out: Path, config: RunConfig, data: dict[str, SplitData], labels: LabelSet, overwrite: bool) -> None:
    from trainer.states import writing

    text = to_toml(config)
    facts = {
        "dataset": data["train"].dataset.name,
        "task": labels.task,
        "fingerprints": {split: part.dataset.splits[split].fingerprint for split, part in data.items()},
    }
    if out.exists() and any(out.iterdir()):
        same = (out / "config.toml").is_file() and (out / "config.toml").read_text(encoding="utf-8") == text
        same = same and all(_facts(out).get(key) == value for key, value in facts.items())
        if same:
            return
        if not overwrite:
            raise UsageError(
                "there is a run with other settings or other data here", path=out, remedy="add --overwrite"
            )
        if not (out / "config.toml").is_file():
            raise UsageError("this folder holds something that is no run", path=out, remedy="choose another --out")
        shutil.rmtree(out)
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        _write_run_json(out, {**facts, "versions": _versions()})
        write_json_atomically(out / "labels.json", {"task": labels.task, "labels": labels.names})
        (out / "config.toml").write_text(text, encoding="utf-8")


def _keeper(out: Path, expert: Expert, config: RunConfig, talk: Talk) -> Any:
    from trainer.experts import save_expert
    from trainer.loop import Keeper
    from trainer.model_card import model_card
    from trainer.states import save_state, swapped_folder, writing

    def log(row: dict[str, Any]) -> None:
        with writing(out):
            append_row(out / "metrics.jsonl", row)
        talk(
            ", ".join(
                f"{key} {value:.4f}" if isinstance(value, float) else f"{key} {value}"
                for key, value in row.items()
                if key != "kind"
            )
        )

    def best(current: Expert) -> None:
        with writing(out / "best"), swapped_folder(out / "best") as new:
            save_expert(current, new)
            (new / "README.md").write_text(model_card(config, current.labels, _facts(out)), encoding="utf-8")

    return Keeper(log, best, lambda place, optimizer: save_state(out / "last", place, expert, optimizer))


def _trim_log(path: Path, step: int) -> None:
    """Drop the rows after the state from which a run goes on: it will write them again."""
    if not path.is_file():
        return
    rows = [line for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
    kept = [line for line in rows if json.loads(line)["step"] <= step]
    path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")


def _window_facts(examples: Examples) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(examples.counts), "truncation_rate": examples.counts.truncation_rate}


def _facts(out: Path) -> dict[str, Any]:
    path = out / "run.json"
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return facts


def _write_run_json(out: Path, facts: dict[str, Any]) -> None:
    write_json_atomically(out / "run.json", facts)


def _versions() -> dict[str, str]:
    from importlib import metadata

    names = ("torch", "transformers", "pytorch-crf", "safetensors")
    return {"python": sys.version.split()[0], **{name: metadata.version(name) for name in names}}
