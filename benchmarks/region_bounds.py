"""Bounds of grounding on rocky: a random candidate, the whole picture, an oracle, logistic regressions on vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from schemas.records import Box, Entity, Sample
from trainer.inputs import read_features
from trainer.metrics import box_overlap

__all__ = ["bound_rows"]

KINDS = ("MISC", "PER")
DECAY = 0.15
"""L2 on the weights of the logistic regressions, beside the mean loss over some 3,000 candidates; chosen on dev."""


class Case(NamedTuple):
    """An entity that the photo shows.

    Args:
        kind: its type.
        overlaps: the best overlap of each candidate with its boxes [K].
        whole: that of the whole picture.
        values: vectors of the candidates [K, D].
        photo: names the photo.
    """

    kind: str
    overlaps: np.ndarray[Any, Any]
    whole: float
    values: torch.Tensor
    photo: str


def bound_rows(parts: Mapping[str, Sequence[Sample]], store: Path) -> list[list[str]]:
    """Return the share of right regions of each bound on dev and test, as rows of a table."""
    cases = {split: _read_cases(rows, store) for split, rows in parts.items()}
    scaled = _scale(cases["train"])
    weights = {kind: _fit([case for case in cases["train"] if case.kind == kind], scaled) for kind in KINDS}
    answers: dict[str, Callable[[Case], float]] = {
        "a random candidate": lambda case: float(np.mean(case.overlaps >= 0.5)),
        "the whole picture": lambda case: float(case.whole >= 0.5),
        "the best candidate (oracle)": lambda case: float(case.overlaps.max(initial=0.0) >= 0.5),
        "two logistic regressions, type given": lambda case: _by_regression(case, weights, scaled, (case.kind,)),
        "two logistic regressions, type and region": lambda case: _by_regression(case, weights, scaled, KINDS),
    }
    return [
        [name, *(f"{100 * np.mean([answer(case) for case in cases[split]]):.1f} %" for split in ("dev", "test"))]
        for name, answer in answers.items()
    ]


def _read_cases(samples: Sequence[Sample], store: Path) -> list[Case]:
    features = read_features([str(store)], samples)
    assert features is not None
    rows = features.read_rows(range(len(samples)))
    assert rows.boxes is not None
    found = []
    for number, sample in enumerate(samples):
        columns = (rows.present[number] & (rows.view == 1)).nonzero()[:, 0]
        candidates = [Box(*box) for box in rows.boxes[number, columns].tolist()]
        whole = Box(*rows.boxes[number, 0].tolist())
        for entity in sample.entities or ():
            if entity.boxes:
                overlaps = np.array([_best(entity, box) for box in candidates])
                values = rows.values[number, columns] * rows.values.shape[-1] ** 0.5
                found.append(Case(entity.type, overlaps, _best(entity, whole), values, sample.image or ""))
    return found


def _best(entity: Entity, box: Box) -> float:
    return max(box_overlap(gold, box) for gold in entity.boxes)


def _scale(cases: Sequence[Case]) -> tuple[torch.Tensor, torch.Tensor]:
    values = torch.cat([case.values for case in cases])
    return values.mean(0), values.std(0) + 1e-3


def _fit(cases: Sequence[Case], scaled: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Return weights and bias [D + 1] of a regression: is this candidate the region of an entity of the type?"""
    values = (torch.cat([case.values for case in cases]) - scaled[0]) / scaled[1]
    right = torch.from_numpy(np.concatenate([case.overlaps >= 0.5 for case in cases])).float()
    weights = torch.zeros(values.shape[1] + 1, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(values @ weights[:-1] + weights[-1], right)
        loss = loss + DECAY * weights[:-1].square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach()


def _by_regression(
    case: Case, weights: Mapping[str, torch.Tensor], scaled: tuple[torch.Tensor, torch.Tensor], kinds: Sequence[str]
) -> float:
    values = (case.values - scaled[0]) / scaled[1]
    scores = {kind: values @ weights[kind][:-1] + weights[kind][-1] for kind in kinds}
    kind = max(kinds, key=lambda name: float(scores[name].max()))
    return float(kind == case.kind and case.overlaps[int(scores[kind].argmax())] >= 0.5)
