"""Prediction on new samples: raw jsonl or a converted set in, contexts from caches or from an index, rows out."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

from schemas.dataset import read_dataset, read_samples
from schemas.errors import InputError, MissingDependency, UsageError
from schemas.text_files import TextFile
from trainer.config import DataConfig, RunConfig
from trainer.predictions import prediction_rows
from trainer.run_folder import read_run_config
from trainer.runs import SplitData
from trainer.sources import read_sources
from trainer.systems import is_mixture, run_system

__all__ = ["predict", "wanted_sources"]


def predict(
    folder: Path,
    source: Path,
    split: str = "test",
    contexts: Sequence[Path] = (),
    index: Path | None = None,
    images: Path | None = None,
) -> list[dict[str, Any]]:
    """Predict with an expert or a mixture.

    Args:
        folder: of the run.
        source: a .jsonl file of samples ({"tokens"} or {"text"}, "image"), or a folder of converted samples.
        split: of the folder.
        contexts: caches that hold the sources which the experts read.
        index: retrieve the contexts from this index now, in place of caches.
        images: the folder of the samples' images, for the index.

    Returns:
        rows of `prediction_rows`.

    Raises:
        UsageError: an expert reads contexts, and neither caches nor an index are given.
    """
    sources = wanted_sources(folder)
    if sources and not contexts and index is None:
        raise UsageError(
            f"this run reads contexts of {', '.join(sources)}",
            path=folder,
            remedy="add --contexts CACHE (one that holds them), or --index INDEX to retrieve them now",
        )
    with tempfile.TemporaryDirectory(prefix="mie-predict-") as temporary:
        work = Path(temporary)
        samples = source
        if source.suffix == ".jsonl":
            samples, split = _convert(source, _task(folder), work / "samples"), "test"
        caches = [str(path) for path in contexts]
        if sources and index is not None:
            caches.insert(0, str(_retrieve(samples, index, images, work / "contexts")))
        output = run_system(folder, split, lambda config: _read(config, samples, split, caches), cache=False)
        return prediction_rows(output)


def wanted_sources(folder: Path) -> tuple[str, ...]:
    """Name the sources of contexts that a run reads, of all its experts."""
    if not is_mixture(folder):
        return read_run_config(folder).data.sources
    from trainer.mixture import read_mixture

    facts, _ = read_mixture(folder)
    experts = [(folder / name).resolve() for name in facts.experts]
    return tuple(dict.fromkeys(name for path in experts for name in read_run_config(path).data.sources))


def _read(config: RunConfig, samples: Path, split: str, caches: Sequence[str]) -> SplitData:
    data = DataConfig(
        samples=str(samples),
        contexts=tuple(caches),
        sources=config.data.sources,
        contexts_per_source=config.data.contexts_per_source,
    )
    rows = read_samples(samples, split)
    dataset = read_dataset(samples)
    if all(row.tags is None and row.relation is None for row in rows):
        dataset = replace(dataset, labels=())
    return SplitData(dataset, rows, read_sources(data, rows))


def _task(folder: Path) -> str:
    import json

    facts = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    return str(facts["task"])


def _convert(source: Path, task: str, out: Path) -> Path:
    from trainer.samples import convert

    dataset = convert({"test": TextFile(source)}, out, name="predict", format="jsonl")
    if dataset.task != task:
        wanted = "head and tail of each sample" if task == "re" else "samples without head and tail"
        raise InputError(f"this run is for {task}, it wants {wanted}", path=source)
    return out


def _retrieve(samples: Path, index: Path, images: Path | None, out: Path) -> Path:
    """Have the index program make a cache: the trainer itself never opens an index."""
    program = Path(sys.executable).with_name("mie-index")
    command = str(program) if program.exists() else which("mie-index")
    if command is None:
        raise MissingDependency("the program mie-index is not installed", remedy="pip install mie-context")
    arguments = [command, "retrieve", str(samples), "--index", str(index), "--out", str(out)]
    if images is not None:
        arguments += ["--images", str(images)]
    done = subprocess.run(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        tail = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise InputError(f"retrieval failed: {tail[0]}", path=index, remedy="try mie-index retrieve by itself")
    return out
