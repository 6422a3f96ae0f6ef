"""A trained system, an expert or a mixture, run on a split: labels, probabilities, contexts used, gate weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from schemas.records import Context, Sample
from schemas.run_files import MixtureFacts
from trainer.inputs import Answer, LabelSet
from trainer.metrics import RecordKey
from trainer.mixture.decode import answer_gated, answer_states
from trainer.mixture.fit import read_members, score_members
from trainer.mixture.folders import expert_folders, is_mixture
from trainer.mixture.gate_features import gate_input
from trainer.mixture.gates import GateInput, mix
from trainer.mixture.image_vectors import find_vectors
from trainer.mixture.members import Member, Reader, expert_posteriors, used_contexts
from trainer.mixture.mixture import GateSet, read_mixture
from trainer.mixture.regions import mixture_key
from trainer.mixture.stack import answer_stacked

__all__ = ["Output", "run_system", "score_gates"]


class Look(NamedTuple):
    """How much of what an expert read of a picture came from one vector.

    Args:
        view: `STORE/VIEW`.
        number: of the vector among those of the picture, from 0.
        weight: in [0, 1]; those of a sample sum to 1.
    """

    view: str
    number: int
    weight: float


@dataclass(frozen=True)
class Output:
    """What a system predicts for N samples with M states.

    Args:
        samples: of the split.
        labels: of the system.
        predicted: an answer for each sample.
        log_probs: log p(class) [M, K].
        lengths: states of each sample.
        used: the contexts that were in a window, of each sample.
        experts: their names; one for an expert.
        weights: weight of each expert for each state [M, E]; None for an expert.
        has_vector: whether the gate read an image vector of each sample; None where it reads none.
        cut_tokens: of each sample, how many tokens an expert did not read, because its window was full; the most of any
            expert. () where nobody counted.
        key: what of a record it answers.
        looks: where it looked in the picture of each sample; () from a system that does not say.
    """

    samples: Sequence[Sample]
    labels: LabelSet
    predicted: list[Answer]
    log_probs: Tensor
    lengths: tuple[int, ...]
    used: list[list[Context]]
    experts: tuple[str, ...]
    weights: Tensor | None = None
    has_vector: tuple[bool, ...] | None = None
    cut_tokens: tuple[int, ...] = ()
    key: RecordKey = "span+type"
    looks: Sequence[tuple[Look, ...]] = ()


def run_system(folder: Path, split: str, reader: Reader, cache: bool = True) -> Output:
    """Run a system on a split.

    Args:
        folder: the run of an expert or of a mixture.
        split: names the cached posteriors.
        reader: returns the data that each expert reads.
        cache: keep posteriors in the experts' run folders, and take those that are there.

    Raises:
        InputError: no run, no best checkpoint, or other labels.
    """
    if is_mixture(folder):
        return _run_mixture(folder, split, reader, cache)
    member = expert_posteriors(folder, split, reader, cache)
    posteriors = member.posteriors
    return Output(
        member.data.samples,
        member.labels,
        answer_states(member),
        posteriors.log_probs,
        tuple(posteriors.lengths.tolist()),
        used_contexts(member),
        (folder.name,),
        cut_tokens=posteriors.cut_tokens,
        key=member.head.key,
        looks=_looks_of(member),
    )


def _looks_of(member: Member) -> list[tuple[Look, ...]]:
    """Return where an expert looked in the picture of each sample; () from one that does not say."""
    look, features = member.posteriors.look, member.data.features
    if look is None or features is None:
        return []
    tables = zip(features.names, features.tables, strict=True)
    places = [(name, number) for name, table in tables for number in range(table.columns)]
    return [
        tuple(Look(*place, weight) for place, weight in zip(places, row, strict=True) if weight > 0)
        for row in look.tolist()
    ]


def score_gates(folder: Path, split: str, reader: Reader) -> dict[str, float]:
    """Return F1 on a labelled split of each expert, of each gate and of the oracle."""
    mixture = _open_mixture(folder, split, reader, cache=True)
    first = mixture.members[0]
    paths = expert_folders(folder, mixture.facts)
    scores = {name: row["f1"] for name, row in score_members(mixture.members, paths).items()}
    for name in mixture.gates.gates:
        weights = mixture.gates.gate(name).weights(mixture.inputs)
        predicted = answer_gated(name, mixture.members, weights)
        scores[f"gate {name}"] = first.labels.task.score(first.data.samples, predicted, mixture_key(mixture.members)).f1
    if mixture.gates.stack is not None:
        predicted = answer_stacked(mixture.gates.stack, mixture.members)
        scores["gate stack"] = first.labels.task.score(first.data.samples, predicted, mixture_key(mixture.members)).f1
    return scores


class _OpenMixture(NamedTuple):
    facts: MixtureFacts
    gates: GateSet
    members: list[Member]
    inputs: GateInput
    images: Tensor | None


def _open_mixture(folder: Path, split: str, reader: Reader, cache: bool) -> _OpenMixture:
    facts, gates = read_mixture(folder)
    members = read_members(expert_folders(folder, facts), split, reader, cache)
    images = None
    if facts.image_vectors:
        data = members[0].data
        files = (Path(facts.image_vectors),) if data.image_vectors is None else data.image_vectors
        images = find_vectors(data.samples, files, facts.image_encoder, facts.sizes[3])
    inputs = gate_input([member.posteriors for member in members], gates.text, gates.image, images, None)
    return _OpenMixture(facts, gates, members, inputs, images)


def _run_mixture(folder: Path, split: str, reader: Reader, cache: bool) -> Output:
    """Run a mixture with its chosen gate; of a stack, probabilities and weights are those of the plain average."""
    mixture = _open_mixture(folder, split, reader, cache)
    gate, stack = mixture.facts.gate, mixture.gates.stack
    weights = mixture.gates.gate("fixed" if stack is not None else gate).weights(mixture.inputs)
    answers = (
        answer_stacked(stack, mixture.members) if stack is not None else answer_gated(gate, mixture.members, weights)
    )
    first = mixture.members[0]
    used_by_each = [used_contexts(member) for member in mixture.members]
    return Output(
        first.data.samples,
        first.labels,
        answers,
        mix(mixture.inputs.log_probs, weights.clamp(min=1e-12).log()),
        tuple(first.posteriors.lengths.tolist()),
        [_distinct(rows) for rows in zip(*used_by_each, strict=True)],
        tuple(Path(name).name for name in mixture.facts.experts),
        weights,
        None if mixture.images is None else tuple(mixture.images[:, -1].bool().tolist()),
        tuple(map(max, zip(*(member.posteriors.cut_tokens for member in mixture.members), strict=True))),
        key=mixture_key(mixture.members),
    )


def _distinct(rows: Sequence[list[Context]]) -> list[Context]:
    return list(dict.fromkeys(context for row in rows for context in row))
