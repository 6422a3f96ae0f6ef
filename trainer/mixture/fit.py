"""The fit of a mixture: gates on cached posteriors, compared by cross-fitting, and kept in a run folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from schemas.errors import InputError, UsageError
from schemas.run_files import MixtureFacts
from trainer.mixture.decode import answer_gated, answer_states, gold_targets, oracle_choice, oracle_classes
from trainer.mixture.folders import is_mixture, relative_to_mixture
from trainer.mixture.gate_features import gate_input
from trainer.mixture.gates import GATES, GateInput, GateName, Reduction, cross_fit, fit_gate
from trainer.mixture.image_vectors import first_vectors
from trainer.mixture.lexicon import Lexicon, make_lexicon
from trainer.mixture.members import Member, Reader, check_posterior, expert_posteriors
from trainer.mixture.mixture import COMPONENTS, GateSet, save_mixture
from trainer.mixture.posteriors import weights_digest
from trainer.mixture.regions import check_regions, ground_mixed, mixture_key
from trainer.mixture.stack import can_stack, fit_stack
from trainer.training import read_run_config, read_split

__all__ = ["fit_mixture", "read_members", "score_members"]


def fit_mixture(
    experts: Sequence[Path],
    out: Path,
    gate: GateName | None = None,
    split: str = "dev",
    folds: int = 5,
    vectors: str = "",
    overwrite: bool = False,
    share: float | None = None,
) -> MixtureFacts:
    """Fit all gates to the experts' posteriors on a split, by cross-fitting, and keep them.

    The split is dev, on which no expert's weights were trained: on train, experts are surer than they are right.

    Args:
        experts: two or more runs, of one task and with the same labels; for a stack, one will do.
        out: the mixture's run folder.
        gate: the one that predicts; None takes the one with the best cross-fitted F1. A stack is fitted only by name.
        split: of the posteriors to fit to.
        folds: of the cross-fitting.
        vectors: a cache with the image view, or Parquet (file, vector), for the gates; "" for none.
        overwrite: replace a mixture that is there.
        share: of the samples that the reward gate sends to the last of two experts; None lets its weights decide.

    Raises:
        UsageError: fewer than two experts, too few samples, a folder that is in use, or a stack of other than taggers.
        InputError: the experts have other labels or other samples, or no sample has an image vector.
    """
    if gate is not None and gate not in (*GATES, "stack"):
        raise UsageError(f"no gate {gate!r}", remedy=f"choose {', '.join(GATES)}, stack or auto")
    if len(experts) < (1 if gate == "stack" else 2):
        raise UsageError("a mixture needs two experts or more", remedy="mie-train moe RUN_A RUN_B --out FOLDER")
    if share is not None and not (0 <= share <= 1 and len(experts) == 2):
        raise UsageError("a share is in [0, 1], and of two experts", remedy="leave out --share, or name two runs")
    if out.exists() and any(out.iterdir()) and not (overwrite and is_mixture(out)):
        raise UsageError("there is something here already", path=out, remedy="add --overwrite, or choose another --out")
    members = read_members(experts, split, lambda config: read_split(config, split), cache=True)
    samples = members[0].data.samples
    if not 2 <= folds <= len(samples):
        raise UsageError(f"{folds} folds of {len(samples)} samples", remedy="set --folds between 2 and the samples")
    images, image_encoder = first_vectors(samples, Path(vectors)) if vectors else (None, "")
    lexicon = _lexicon(members, experts[0]) if gate == "stack" else None
    names = GATES if len(experts) > 1 else GATES[:1]
    data, gates = _prepare(members, images, names)
    scores = score_members(members, experts)
    steps: dict[str, int] = {name: _fit_one(name, data, folds, members, gates, scores, share) for name in names}
    if lexicon is not None:
        gates.stack, f1 = fit_stack(members, lexicon)
        scores["gate stack"] = {"f1": f1}
    best: GateName = gate if gate is not None else max(GATES, key=lambda name: scores[f"gate {name}"]["f1"])
    facts = MixtureFacts(
        tuple(relative_to_mixture(path, out) for path in experts),
        tuple(weights_digest(path / "best") for path in experts),
        best,
        split,
        folds,
        steps,
        str(Path(vectors).resolve()) if vectors else "",
        _sizes(data, members, images),
        scores,
        image_encoder,
        share,
    )
    save_mixture(out, facts, gates, members[0].labels)
    return facts


def read_members(experts: Sequence[Path], split: str, reader: Reader, cache: bool) -> list[Member]:
    """Return the experts' answers for a split, which must fit together.

    Raises:
        UsageError: the head of an expert has no posterior.
        InputError: an expert has other labels, another head, other samples or another rule of regions.
    """
    for path in experts:
        check_posterior(path)
    members = [expert_posteriors(path, split, reader, cache) for path in experts]
    first = members[0]
    ids = [sample.sample_id for sample in first.data.samples]
    for member, path in zip(members, experts, strict=True):
        different = None
        if member.labels.names != first.labels.names:  # fine types are not mixed: each expert may know its own
            different = "labels"
        elif member.head.classes_of(member.labels) is not first.head.classes_of(first.labels):
            different = "classes of states (another kind of head)"
        elif [sample.sample_id for sample in member.data.samples] != ids:
            different = "samples"
        if different:
            remedy = "train the experts on one data set"
            raise InputError(f"other {different} than {experts[0]}", path=path, remedy=remedy)
    check_regions(members)
    return members


def score_members(members: Sequence[Member], experts: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Return F1 of each expert, and of the oracles that choose among them with the gold labels in hand."""
    first = members[0]
    labels, samples, key = first.labels, first.data.samples, mixture_key(members)
    predictions = [answer_states(member) for member in members]
    scores = {
        f"expert {path.name}": {"f1": labels.task.score(samples, predicted, key).f1}
        for path, predicted in zip(experts, predictions, strict=True)
    }
    by_sample = oracle_choice(members, predictions)
    best = oracle_classes([member.posteriors.log_probs.argmax(-1) for member in members], gold_targets(first))
    equal = torch.ones(len(best), len(members))  # tags are chosen by gold; regions have no oracle
    by_token = ground_mixed(members, equal, answer_states(first, best))
    return {
        **scores,
        "oracle by sample": {"f1": labels.task.score(samples, by_sample, key).f1},
        "oracle by token": {"f1": labels.task.score(samples, by_token, key).f1},
    }


def _fit_one(
    name: GateName,
    data: GateInput,
    folds: int,
    members: Sequence[Member],
    gates: GateSet,
    scores: dict[str, dict[str, float]],
    share: float | None,
) -> int:
    """Fit a gate and return for how many steps.

    Its score is cross-fitted: each sample gets its weights from a gate that was fitted to the other folds. The gate
    that is kept is then fitted to all samples, for the number of steps at which the held-out loss was least.
    """
    labels, samples = members[0].labels, members[0].data.samples
    share = share if name == "reward" else None
    steps, weights, loss = cross_fit(name, data, folds, share=share)
    f1 = labels.task.score(samples, answer_gated(name, members, weights), mixture_key(members)).f1
    scores[f"gate {name}"] = {"f1": f1, "nll": loss, "steps": steps}
    gates.gates[name] = fit_gate(name, data, steps, share=share)[0]
    return steps


def _lexicon(members: Sequence[Member], expert: Path) -> Lexicon:
    """Return the lexicon of the training set, for a stack.

    Raises:
        UsageError: an expert is no tagger with BIO tags in a chain, or says more than they do.
    """
    if not all(can_stack(member) for member in members):
        raise UsageError(
            "a stack takes taggers with a chain of BIO tags alone",
            path=expert,
            remedy=f"choose another gate: {', '.join(GATES)} or auto",
        )
    types = sorted({name[2:] for name in members[0].labels.names if name != "O"})
    return make_lexicon(read_split(read_run_config(expert), "train").samples, types)


def _prepare(members: Sequence[Member], images: Tensor | None, names: Sequence[GateName]) -> tuple[GateInput, GateSet]:
    """Return what the gates read, and gates that are not fitted yet."""
    first = members[0].posteriors
    text = Reduction(first.pooled.shape[1], COMPONENTS).fit(first.pooled)
    image = None
    if images is not None:
        image = Reduction(images.shape[1] - 1, COMPONENTS).fit(images[images[:, -1] > 0, :-1])
    posteriors = [member.posteriors for member in members]
    data = gate_input(posteriors, text, image, images, gold_targets(members[0]), _counts(members))
    gates = GateSet(len(members), _sizes(data, members, images), names)
    gates.text, gates.image = text, image
    return data, gates


def _counts(members: Sequence[Member]) -> Tensor:
    """Return right, predicted and gold of each sample and expert [N, E, 3]."""
    labels, samples = members[0].labels, members[0].data.samples
    counts = [labels.task.counts(samples, answer_states(member), mixture_key(members)) for member in members]
    return torch.tensor(counts).float().transpose(0, 1)


def _sizes(data: GateInput, members: Sequence[Member], images: Tensor | None) -> tuple[int, int, int, int]:
    image = images.shape[1] - 1 if images is not None else 0
    text = members[0].posteriors.pooled.shape[1]
    return data.sample_features.shape[1], data.token_features.shape[1], text, image
