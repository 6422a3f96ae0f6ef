"""The exact state of a training run on disk: weights, optimizer, random generators, and the place in the data.

last/state.json                     the progress, and which folder below is whole
last/step-120-2/model.safetensors   all weights that are trained
                optimizer.safetensors, random.safetensors
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from schemas.errors import IndexCorrupt
from schemas.manifest import write_json_atomically
from trainer.training.disk import swapped_folder, writing

__all__ = ["Progress", "finish_state", "read_progress", "restore_state", "save_state"]

_PROGRESS = "state.json"


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Args:
        epoch: the current epoch, from 0.
        steps_in_epoch: steps done in it.
        step: steps done in all epochs.
        best_f1: best dev F1 so far, -1 before the first.
        best_epoch: the epoch (from 1) of best_f1, 0 before the first.
        loss_sum, loss_samples: sums over the current epoch so far.
        is_finished: training is over.
        folder: of the tensors, beside `state.json`; "" where there are none.
    """

    epoch: int = 0
    steps_in_epoch: int = 0
    step: int = 0
    best_f1: float = -1.0
    best_epoch: int = 0
    loss_sum: float = 0.0
    loss_samples: int = 0
    is_finished: bool = False
    folder: str = ""


def save_state(folder: Path, progress: Progress, model: nn.Module, optimizer: Optimizer) -> Progress:
    """Write the whole state beside the one before, then point to it, then drop the one before.

    The order matters: a kill at any moment leaves a pointer to one whole state.

        last/step-40-1/  last/state.json -> step-40-1
        last/step-40-1/  last/step-60-1/  last/state.json -> step-40-1       the new tensors are whole
        last/step-40-1/  last/step-60-1/  last/state.json -> step-60-1       one rename
        last/step-60-1/  last/state.json -> step-60-1
    """
    name = f"step-{progress.step}-{progress.epoch}"
    progress = replace(progress, folder=name)
    with writing(folder):
        with swapped_folder(folder / name) as new:
            save_file(_distinct(model), new / "model.safetensors")
            save_file(_flatten(optimizer), new / "optimizer.safetensors")
            save_file(_generators(), new / "random.safetensors")
        write_json_atomically(folder / _PROGRESS, asdict(progress))
        _drop_others(folder, name)
    return progress


def finish_state(folder: Path, progress: Progress) -> None:
    """Mark a run as finished, and drop its tensors."""
    with writing(folder):
        done = replace(progress, is_finished=True, folder="")
        write_json_atomically(folder / _PROGRESS, asdict(done))
        _drop_others(folder, "")


def read_progress(folder: Path) -> Progress | None:
    """Read the progress of a run; None where nothing was kept yet.

    Raises:
        IndexCorrupt: the file holds no progress.
    """
    path = folder / _PROGRESS
    if not path.is_file():
        return None
    try:
        return Progress(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise IndexCorrupt(f"unreadable ({error})", path=path, remedy=_AGAIN) from error


def restore_state(folder: Path, progress: Progress, model: nn.Module, optimizer: Optimizer, device: str) -> None:
    """Put a state back: weights, optimizer, and last the random generators, which nothing may draw from afterwards.

    What the loop does next is then what the run would have done: the order of samples is a function of seed and epoch,
    and dropout draws from the generators.

    Raises:
        IndexCorrupt: the files are damaged, or those of another model.
    """
    state = folder / progress.folder
    try:
        missing, unexpected = model.load_state_dict(load_file(state / "model.safetensors", device), strict=False)
        if unexpected or set(missing) - _tied(model):
            raise KeyError(f"weights differ: {[*missing, *unexpected][:3]}")
        _unflatten(optimizer, load_file(state / "optimizer.safetensors", device))
        generators = load_file(state / "random.safetensors")
        torch.set_rng_state(generators["cpu"])
        if "cuda" in generators and torch.cuda.is_available():
            torch.cuda.set_rng_state(generators["cuda"])
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise IndexCorrupt(f"the state cannot be restored ({reason})", path=state, remedy=_AGAIN) from error


def _distinct(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights; those that have two names (tied weights) under the first alone."""
    tied = _tied(model)
    return {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items() if name not in tied}


def _tied(model: nn.Module) -> set[str]:
    seen: set[int] = set()
    tied: set[str] = set()
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) in seen:
            tied.add(name)
        seen.add(id(tensor))
    return tied


def _flatten(optimizer: Optimizer) -> dict[str, Tensor]:
    """Return the state as tensors; each is named by the number of its parameter in the groups."""
    tensors = {"none": torch.zeros(1)}  # a file needs one tensor before the first step
    for number, values in optimizer.state_dict()["state"].items():
        for name, value in values.items():
            tensors[f"{number}/{name}"] = torch.as_tensor(value).detach().clone().contiguous()
    return tensors


def _unflatten(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, slash, name = key.partition("/")
        if slash:
            state.setdefault(int(number), {})[name] = tensor.cpu() if name == "step" else tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _generators() -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def _drop_others(folder: Path, name: str) -> None:
    for other in folder.glob("step-*"):
        if other.name != name:
            shutil.rmtree(other, ignore_errors=True)


_AGAIN = "start the run again: --overwrite"
