"""The run of an expert: the data that it reads, its training into a run folder, and how the expert is opened again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import InputError, MieError, UsageError
from schemas.manifest import sha256_file
from trainer.config import RunConfig
from trainer.inputs import LabelSet, describe_sources, describe_stores
from trainer.training.disk import recover_folder, swapped_folder, writing
from trainer.training.folder import (
    append_row,
    open_run_folder,
    read_facts,
    read_run_config,
    settle_config,
    trim_rows,
    withdraw_run,
    write_facts,
)
from trainer.training.splits import SplitData, labels_of, read_split

if TYPE_CHECKING:
    from trainer.inputs import Examples, SampleFeatures
    from trainer.model import Expert
    from trainer.training.state import Progress

__all__ = ["ExpertRun", "Talk", "fit", "open_expert"]

Talk = Callable[[str], object]
"""Takes one line per event."""


@dataclass(frozen=True)
class ExpertRun:
    """A trained expert and its settings."""

    folder: Path
    config: RunConfig
    labels: LabelSet
    expert: Expert


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
        talk: takes one line per event.
        is_continued: go on with an unfinished run under new rates (`trainer.training.folder.CHANGEABLE`).

    Returns:
        the facts of the run: best dev F1, its epoch, steps, truncation of the windows.

    Raises:
        UsageError: there is a run with other settings.
        MieError: the loss is not finite.
    """
    from trainer.training.state import read_progress

    data = {"train": read_split(config, "train", is_training=True), "dev": read_split(config, "dev")}
    labels = labels_of(data["train"])
    identity: dict[str, Any] = {
        "dataset": data["train"].dataset.name,
        "task": labels.task_name,
        "fingerprints": {split: part.dataset.splits[split].fingerprint for split, part in data.items()},
        "contexts": describe_sources(config.data),
    }
    if config.data.features:
        identity["features"] = describe_stores(config.data.features)
    if config.init.from_run:
        identity["init"] = _weights_of(Path(config.init.from_run))
    _check_size(config, data["train"].features)
    config = settle_config(config, labels.task_name)
    open_run_folder(out, config, labels, identity, overwrite=overwrite, is_continued=is_continued)
    progress = read_progress(out / "last")
    if progress is not None and progress.is_finished:
        talk(f"{out}: finished already, nothing to do")
        return read_facts(out)
    return _train(config, out, data, labels, progress, talk)


def _train(
    config: RunConfig, out: Path, data: dict[str, SplitData], labels: LabelSet, progress: Progress | None, talk: Talk
) -> dict[str, Any]:
    """Train from the start or from the kept state, and return the facts of the run."""
    import torch

    from trainer.training.device import choose_device
    from trainer.training.loop import train
    from trainer.training.optimizer import parameter_groups
    from trainer.training.prepare import prepare
    from trainer.training.state import finish_state, restore_state

    try:
        expert, examples, draws = prepare(config, data, labels, talk)
    except MieError:
        if progress is None:  # settings that cannot be trained do not keep the folder from the right ones
            withdraw_run(out)
        raise
    device = choose_device(config.training)
    expert.to(device)
    # fused: one pass over the weights; on a CPU an eighth of the time, to the same values but for rounding.
    optimizer = torch.optim.AdamW(parameter_groups(expert, config.training), fused=True)
    recover_folder(out / "best")
    if progress is not None:
        restore_state(out / "last", progress, expert, optimizer, device)
        talk(f"{out}: goes on after step {progress.step}")
    _report_windows(examples, talk)
    trim_rows(out, progress.step if progress else 0)
    keeper = _keeper(out, expert, config, talk)
    progress = train(
        expert,
        optimizer,
        examples["train"].rows,
        examples["dev"].rows,
        data["dev"].samples,
        config.training,
        keeper,
        progress,
        draws,
    )
    with writing(out):
        write_facts(out, _outcome(progress, examples))
    finish_state(out / "last", progress)
    return read_facts(out)


def _weights_of(run: Path) -> dict[str, str]:
    """Return the hashes of the weights of a run to start from.

    Raises:
        InputError: it has none.
    """
    files = sorted((run / "best").glob("*.safetensors"))
    if not files:
        raise InputError("there is no best/ to start from", path=run, remedy="set init.from_run to a finished run")
    return {file.name: sha256_file(file) for file in files}


def _check_size(config: RunConfig, features: SampleFeatures | None) -> None:
    """Check that each part that reads vectors reads those of the size that the stores have.

    Raises:
        UsageError: a part reads another size.
    """
    objectives = {f"objectives.{number}": part for number, part in enumerate(config.model.objectives)}
    for name, part in {"fusion": config.model.fusion, "head": config.model.head, **objectives}.items():
        size = getattr(part, "feature_dim", None)
        if features is not None and size not in (None, features.dim):
            raise UsageError(
                f"model.{name}.feature_dim is {size}, but the features have {features.dim} components",
                path=", ".join(config.data.features),
                remedy=f"set model.{name}.feature_dim={features.dim}",
            )


def _report_windows(examples: dict[str, Examples], talk: Talk) -> None:
    for split, part in examples.items():
        counts = part.counts
        talk(
            f"{split}: {counts.windows} windows, {counts.mean_pieces:.1f} pieces each, "
            f"{100 * counts.truncation_rate:.1f} % of {counts.contexts} contexts left out, {counts.cut_contexts} cut, "
            f"{counts.cut_tokens} tokens cut"
        )


def open_expert(folder: Path, config: RunConfig | None = None) -> ExpertRun:
    """Open a trained expert.

    Args:
        folder: of the run.
        config: settings to use in place of the run's, for instance for other data.

    Raises:
        InputError: no run here, or a run without `best`.
    """
    from trainer.model import load_expert
    from trainer.training.device import choose_device

    own = read_run_config(folder)
    recover_folder(folder / "best")
    if not (folder / "best").is_dir():
        raise InputError(
            "this run has no best/ (no epoch was finished)", path=folder, remedy="give the same mie-train fit again"
        )
    expert = load_expert(folder / "best")
    expert.to(choose_device(own.training))
    return ExpertRun(folder, config or own, expert.labels, expert)


def _keeper(out: Path, expert: Expert, config: RunConfig, talk: Talk) -> Any:
    from trainer.model import save_expert
    from trainer.training.loop import Keeper
    from trainer.training.model_card import model_card
    from trainer.training.state import save_state

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
            save_expert(current, config.model, new)
            (new / "README.md").write_text(model_card(config, current.labels, read_facts(out)), encoding="utf-8")

    return Keeper(log, best, lambda progress, optimizer: save_state(out / "last", progress, expert, optimizer))


def _outcome(progress: Progress, examples: dict[str, Examples]) -> dict[str, Any]:
    return {
        "best_dev_f1": progress.best_f1,
        "best_epoch": progress.best_epoch,
        "epochs": progress.epoch,
        "steps": progress.step,
        "windows": {split: _window_facts(part) for split, part in examples.items()},
    }


def _window_facts(examples: Examples) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(examples.counts), "truncation_rate": examples.counts.truncation_rate}
