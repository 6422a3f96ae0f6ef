"""The mixture of experts: gates fitted to cached posteriors, compared by cross-fitting, and kept in a run folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from schemas.errors import IndexCorrupt, IndexMismatch, InputError, UsageError
from schemas.manifest import write_json_atomically
from schemas.records import Sample
from trainer.inputs import LabelSet
from trainer.mixture.gate_features import find_vectors, first_vectors, gate_input
from trainer.mixture.gates import GATES, Gate, GateInput, GateName, Reduction, cross_fit, fit_gate, mix
from trainer.mixture.members import (
    Output,
    Reader,
    expert_posteriors,
    gold_targets,
    is_mixture,
    label_mixed,
    label_states,
    oracle_choice,
    oracle_classes,
    used_contexts,
)
from trainer.mixture.mixture_facts import (
    FIT_AGAIN,
    MIXTURE_FACTS,
    MixtureFacts,
    expert_folders,
    read_mixture_facts,
    write_mixture_facts,
)
from trainer.mixture.posteriors import Posteriors, weights_digest
from trainer.training import SplitData, read_split, score_labels, writing

__all__ = ["fit_mixture", "read_mixture", "run_mixture", "score_gates"]

_COMPONENTS = 16
_WEIGHTS = "gates.safetensors"


class _Gates(nn.Module):
    """All fitted gates and the reductions that they share."""

    def __init__(self, experts: int, sizes: tuple[int, int, int, int]) -> None:
        super().__init__()
        samples, tokens, text, image = sizes
        self.text = Reduction(text, _COMPONENTS)
        self.image = Reduction(image, _COMPONENTS) if image else None
        self.gates = nn.ModuleDict({name: Gate(name, experts, samples, tokens) for name in GATES})


def fit_mixture(
    experts: Sequence[Path],
    out: Path,
    gate: GateName | None = None,
    split: str = "dev",
    folds: int = 5,
    vectors: str = "",
    overwrite: bool = False,
) -> MixtureFacts:
    """Fit all gates to the experts' posteriors on a split, by cross-fitting, and keep them.

    The split is dev, on which no expert's weights were trained: on train, experts are surer than they are right.

    Args:
        experts: two or more runs, of one task and with the same labels.
        out: the mixture's run folder.
        gate: the one that predicts; None takes the one with the best cross-fitted F1.
        split: whose posteriors to fit to.
        folds: of the cross-fitting.
        vectors: a cache that asked the image view, or Parquet (file, vector), for the gates; "" for none.
        overwrite: replace a mixture that is there.

    Raises:
        UsageError: fewer than two experts, too few samples, or a folder that is in use.
        InputError: the experts have other labels or other samples, or no sample has an image vector.
    """
    if len(experts) < 2:
        raise UsageError("a mixture needs two experts or more", remedy="mie-train moe RUN_A RUN_B --out FOLDER")
    if out.exists() and any(out.iterdir()) and not (overwrite and is_mixture(out)):
        raise UsageError("there is something here already", path=out, remedy="add --overwrite, or choose another --out")
    datas, posteriors, labels = _read_experts(experts, split, lambda config: read_split(config, split), cache=True)
    samples = datas[0].samples
    if not 2 <= folds <= len(samples):
        raise UsageError(f"{folds} folds of {len(samples)} samples", remedy="set --folds between 2 and the samples")
    image, image_encoder = first_vectors(samples, Path(vectors)) if vectors else (None, "")
    data, gates = _input(posteriors, labels, samples, image)
    steps: dict[str, int] = {}
    scores = _expert_scores(labels, samples, posteriors, experts)
    for name in GATES:
        steps[name], weights, loss = cross_fit(name, data, folds)
        predicted = label_mixed(labels, posteriors, weights, samples)
        scores[f"gate {name}"] = {"f1": score_labels(labels, samples, predicted).f1, "nll": loss, "steps": steps[name]}
        gates.gates[name] = fit_gate(name, data, steps[name])[0]
    best: GateName = gate if gate is not None else max(GATES, key=lambda name: scores[f"gate {name}"]["f1"])
    facts = MixtureFacts(
        tuple(_relative(path, out) for path in experts),
        tuple(weights_digest(path / "best") for path in experts),
        best,
        split,
        folds,
        steps,
        str(Path(vectors).resolve()) if vectors else "",
        _sizes(data, posteriors[0], image),
        scores,
        image_encoder,
    )
    _save(out, facts, gates, labels)
    return facts


def run_mixture(folder: Path, split: str, reader: Reader, cache: bool = True) -> Output:
    """Ask a mixture for a split with its chosen gate."""
    facts, gates = read_mixture(folder)
    data, inputs, posteriors, labels, images = _mixture_input(folder, facts, gates, split, reader, cache)
    chosen = gates.gates[facts.gate]
    weights = chosen.weights(inputs)  # type: ignore[operator]
    mixed = mix(inputs.log_probs, weights.clamp(min=1e-12).log())
    lengths = posteriors[0].lengths.tolist()
    contexts = [used_contexts(*pair) for pair in zip(data, posteriors, strict=True)]
    used = [_distinct(rows) for rows in zip(*contexts, strict=True)]
    samples = data[0].samples
    predicted = label_mixed(labels, posteriors, weights, samples)
    names = tuple(Path(name).name for name in facts.experts)
    seen = None if images is None else tuple(images[:, -1].bool().tolist())
    return Output(samples, labels, predicted, mixed, tuple(lengths), used, names, weights, seen)


def score_gates(folder: Path, split: str, reader: Reader) -> dict[str, float]:
    """Return F1 on a labelled split of each expert, of each gate and of the oracle."""
    facts, gates = read_mixture(folder)
    data, inputs, posteriors, labels, _ = _mixture_input(folder, facts, gates, split, reader, cache=True)
    samples = data[0].samples
    paths = expert_folders(folder, facts)
    scores = {name: row["f1"] for name, row in _expert_scores(labels, samples, posteriors, paths).items()}
    for name in GATES:
        weights = gates.gates[name].weights(inputs)  # type: ignore[operator]
        predicted = label_mixed(labels, posteriors, weights, samples)
        scores[f"gate {name}"] = score_labels(labels, samples, predicted).f1
    return scores


def read_mixture(folder: Path) -> tuple[MixtureFacts, _Gates]:
    """Read a mixture and check that its experts are the ones it was fitted to.

    Raises:
        IndexCorrupt: its files are damaged.
        IndexMismatch: an expert was trained again since.
    """
    facts = read_mixture_facts(folder)
    try:
        gates = _Gates(len(facts.experts), facts.sizes)
        gates.load_state_dict(load_file(folder / _WEIGHTS))
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:200]
        raise IndexCorrupt(f"unreadable mixture ({reason})", path=folder, remedy=FIT_AGAIN) from error
    for expert, digest in zip(expert_folders(folder, facts), facts.digests, strict=True):
        if not (expert / "best").is_dir():
            raise InputError("an expert of the mixture is not there", path=expert, remedy="put it back")
        if weights_digest(expert / "best") != digest:
            raise IndexMismatch("an expert was trained again since", path=expert, remedy=FIT_AGAIN)
    return facts, gates.eval()


def _mixture_input(
    folder: Path, facts: MixtureFacts, gates: _Gates, split: str, reader: Reader, cache: bool
) -> tuple[list[SplitData], GateInput, list[Posteriors], LabelSet, Tensor | None]:
    paths = expert_folders(folder, facts)
    data, posteriors, labels = _read_experts(paths, split, reader, cache)
    images = None
    if facts.image_vectors:
        given = data[0].image_vectors
        files = (Path(facts.image_vectors),) if given is None else given
        images = find_vectors(data[0].samples, files, facts.image_encoder, facts.sizes[3])
    return data, gate_input(posteriors, gates.text, gates.image, images, None), posteriors, labels, images


def _read_experts(
    experts: Sequence[Path], split: str, reader: Reader, cache: bool
) -> tuple[list[SplitData], list[Posteriors], LabelSet]:
    read = [expert_posteriors(path, split, reader, cache) for path in experts]
    (first, _, labels) = read[0]
    for (data, _, others), path in zip(read, experts, strict=True):
        if others != labels:
            raise InputError(f"other labels than {experts[0]}", path=path, remedy="train the experts on one data set")
        if [sample.sample_id for sample in data.samples] != [sample.sample_id for sample in first.samples]:
            raise InputError(f"other samples than {experts[0]}", path=path, remedy="train the experts on one data set")
    return [row[0] for row in read], [row[1] for row in read], labels


def _input(
    posteriors: Sequence[Posteriors], labels: LabelSet, samples: Sequence[Sample], images: Tensor | None
) -> tuple[GateInput, _Gates]:
    text = Reduction(posteriors[0].pooled.shape[1], _COMPONENTS).fit(posteriors[0].pooled)
    image = None
    if images is not None:
        image = Reduction(images.shape[1] - 1, _COMPONENTS).fit(images[images[:, -1] > 0, :-1])
    data = gate_input(posteriors, text, image, images, gold_targets(labels, samples))
    gates = _Gates(len(posteriors), _sizes(data, posteriors[0], images))
    gates.text, gates.image = text, image
    return data, gates


def _sizes(data: GateInput, first: Posteriors, images: Tensor | None) -> tuple[int, int, int, int]:
    image = images.shape[1] - 1 if images is not None else 0
    return data.sample_features.shape[1], data.token_features.shape[1], first.pooled.shape[1], image


def _expert_scores(
    labels: LabelSet, samples: Sequence[Sample], posteriors: Sequence[Posteriors], experts: Sequence[Path]
) -> dict[str, dict[str, float]]:
    predictions = [label_states(labels, part.classes, part.lengths.tolist(), samples) for part in posteriors]
    scores = {
        f"expert {path.name}": {"f1": score_labels(labels, samples, predicted).f1}
        for path, predicted in zip(experts, predictions, strict=True)
    }
    oracle = oracle_choice(labels, samples, predictions)
    best = oracle_classes([part.log_probs.argmax(-1) for part in posteriors], gold_targets(labels, samples))
    by_token = label_states(labels, best, posteriors[0].lengths.tolist(), samples)
    return {
        **scores,
        "oracle by sample": {"f1": score_labels(labels, samples, oracle).f1},
        "oracle by token": {"f1": score_labels(labels, samples, by_token).f1},
    }


def _save(out: Path, facts: MixtureFacts, gates: _Gates, labels: LabelSet) -> None:
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
        (out / MIXTURE_FACTS).unlink(missing_ok=True)
        save_file({name: tensor.contiguous() for name, tensor in gates.state_dict().items()}, out / _WEIGHTS)
        write_json_atomically(out / "labels.json", {"task": labels.task, "labels": labels.names})
        write_mixture_facts(out, facts)


def _distinct(rows: Sequence[list[Any]]) -> list[Any]:
    return list(dict.fromkeys(context for row in rows for context in row))


def _relative(path: Path, out: Path) -> str:
    import os

    return os.path.relpath(path.resolve(), out.resolve())
