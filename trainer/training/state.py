"""The exact state of a training run on disk: weights, optimizer, random generators, and the place in the data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from schemas.errors import IndexCorrupt
from schemas.manifest import write_json_atomically
from trainer.training.disk import writing

__all__ = [
    "Place",
    "finish_state",
    "read_place",
    "recover_folder",
    "restore_state",
    "save_state",
    "swapped_folder",
    "writing",
]

_PLACE = "state.json"


@dataclass(frozen=True)
class Place:
    """Where a run stands.

    Args:
        epoch: the epoch that goes on, from 0.
        steps_in_epoch: steps done in it.
        step: steps done in all.
        best_f1: best dev F1 so far, -1 before the first.
        best_epoch: the epoch (from 1) of best_f1, 0 before the first.
        loss_sum, loss_samples: of the epoch so far.
        is_finished: training is over.
        folder: of the tensors, beside this file; "" where there are none.
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


def save_state(folder: Path, place: Place, model: nn.Module, optimizer: Optimizer) -> Place:
    """Write the whole state beside the one before, then point to it, then drop the one before.

    A kill at any moment leaves one whole state.
    """
    name = f"step-{place.step}-{place.epoch}"
    place = Place(**{**asdict(place), "folder": name})
    with writing(folder):
        with swapped_folder(folder / name) as new:
            save_file(_distinct(model), new / "model.safetensors")
            save_file(_flatten(optimizer), new / "optimizer.safetensors")
            save_file(_generators(), new / "random.safetensors")
        write_json_atomically(folder / _PLACE, asdict(place))
        _drop_others(folder, name)
    return place


def finish_state(folder: Path, place: Place) -> None:
    """Mark a run as over; its tensors are no longer needed."""
    with writing(folder):
        write_json_atomically(folder / _PLACE, asdict(Place(**{**asdict(place), "is_finished": True, "folder": ""})))
        _drop_others(folder, "")


def read_place(folder: Path) -> Place | None:
    """Read where a run stands; None where nothing was kept yet.

    Raises:
        IndexCorrupt: the file is not one of ours.
    """
    path = folder / _PLACE
    if not path.is_file():
        return None
    try:
        return Place(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise IndexCorrupt(f"unreadable ({error})", path=path, remedy=_AGAIN) from error


def restore_state(folder: Path, place: Place, model: nn.Module, optimizer: Optimizer, device: str) -> None:
    """Put a state back: weights, optimizer, and last the random generators.

    Raises:
        IndexCorrupt: its files are damaged or of another model.
    """
    state = folder / place.folder
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


@contextmanager
def swapped_folder(folder: Path) -> Iterator[Path]:
    """Return a new folder to write; in the end it takes the place of the old one of that name.

    Where writing fails, what was written is dropped and the old one stays. A kill leaves the old one, the new one, or
    between the two renames neither of this name: then `recover_folder` puts the old one back.
    """
    new, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    try:
        yield new
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def recover_folder(folder: Path) -> None:
    """Undo a swap that was cut off between its two renames."""
    old = folder.with_name(folder.name + ".old")
    if not folder.exists() and old.exists():
        old.rename(folder)


def _distinct(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights; of tied ones, the first name alone."""
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
    """Return the state as tensors; they are named by the place of their parameter in the groups."""
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
