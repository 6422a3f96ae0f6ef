"""The run of an expert: what it reads, how it is trained into its folder, and how it is opened again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.dataset import Dataset, read_dataset, read_samples
from schemas.errors import InputError
from schemas.records import Context, Sample
from trainer.config import RunConfig
from trainer.inputs import LabelSet, describe_sources, read_sources
from trainer.training.folder import append_row, open_run_folder, read_facts, read_run_config, trim_rows, write_facts

if TYPE_CHECKING:
    from trainer.inputs import Examples
    from trainer.model import Expert

__all__ = ["ExpertRun", "SplitData", "Talk", "encode_split", "fit", "open_expert", "read_split"]

Talk = Callable[[str], object]
"""Is told one line per event."""


@dataclass(frozen=True)
class SplitData:
    """The samples of a split and their contexts.

    image_vectors are the files in which a mixture's gate finds those of the samples; None: those it was fitted with.
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
    from trainer.inputs import make_examples

    return make_examples(data.samples, data.contexts, expert.tokenizer, expert.labels, config.encoder.max_length_pieces)


def fit(
    config: RunConfig,
    out: Path,
    overwrite: bool = False,
    talk: Talk = lambda _: None,
    is_continued: bool = False,
) -> dict[str, Any]:
    """Train an expert into a run folder; an interrupted run goes on, a finished one is left as it is.

    Args:
        config: all settings.
        out: the run folder.
        overwrite: begin again where there is a run with other settings.
        talk: told one line per event.
        is_continued: go on with an unfinished run under new rates (`run_folder.CHANGEABLE`).

    Returns:
        the facts of the run: best dev F1, its epoch, steps, truncation of the windows.

    Raises:
        UsageError: there is a run with other settings.
        MieError: the loss is not finite.
    """
    import torch

    from trainer.training.loop import choose_device, parameter_groups, train
    from trainer.training.state import finish_state, read_place, recover_folder, restore_state, writing

    data = {split: read_split(config, split) for split in ("train", "dev")}
    labels = _labels(data["train"])
    identity = {
        "dataset": data["train"].dataset.name,
        "task": labels.task,
        "fingerprints": {split: part.dataset.splits[split].fingerprint for split, part in data.items()},
        "contexts": describe_sources(config.data),
    }
    open_run_folder(out, config, labels, identity, overwrite=overwrite, is_continued=is_continued)
    place = read_place(out / "last")
    if place is not None and place.is_finished:
        talk(f"{out}: finished already, nothing to do")
        return read_facts(out)
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
    trim_rows(out, place.step if place else 0)
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
    with writing(out):
        write_facts(out, facts)
    finish_state(out / "last", place)
    return read_facts(out)


def open_expert(folder: Path, config: RunConfig | None = None) -> ExpertRun:
    """Open a trained expert.

    Args:
        folder: of the run.
        config: settings to use in place of the run's (other data, for instance).

    Raises:
        InputError: no run here, or a run without `best`.
    """
    from trainer.model import load_expert
    from trainer.training.loop import choose_device
    from trainer.training.state import recover_folder

    own = read_run_config(folder)
    recover_folder(folder / "best")
    if not (folder / "best").is_dir():
        raise InputError(
            "this run has no best/ (no epoch was finished)", path=folder, remedy="give the same mie-train fit again"
        )
    expert = load_expert(folder / "best")
    expert.to(choose_device(own.training))
    return ExpertRun(folder, config or own, expert.labels, expert)


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

    from trainer.model import make_expert

    set_seed(config.training.seed)
    torch.manual_seed(config.training.seed)
    expert = make_expert(config.encoder, config.model, labels)
    return expert, {split: encode_split(expert, config, part) for split, part in data.items()}


def _keeper(out: Path, expert: Expert, config: RunConfig, talk: Talk) -> Any:
    from trainer.model import save_expert
    from trainer.training.loop import Keeper
    from trainer.training.model_card import model_card
    from trainer.training.state import save_state, swapped_folder, writing

    def log(row: dict[str, Any]) -> None:
        with writing(out):
            append_row(out, row)
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
            (new / "README.md").write_text(model_card(config, current.labels, read_facts(out)), encoding="utf-8")

    return Keeper(log, best, lambda place, optimizer: save_state(out / "last", place, expert, optimizer))


def _window_facts(examples: Examples) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(examples.counts), "truncation_rate": examples.counts.truncation_rate}
