"""Optimal transport between the words of a text and the regions of its picture: IPOT and Gromov-Wasserstein."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from schemas.errors import UsageError
from trainer.inputs import Batch
from trainer.model.fusion import cosines
from trainer.model.objectives.objective import Objective, Views
from trainer.model.objectives.settings import TransportSettings

__all__ = ["TransportObjective", "graph_distance", "graph_plan", "thresholded", "transport_plan"]

BETA, GRAPH_BETA = 0.5, 0.1
"""How far a step of IPOT may move the plan: larger values move it less."""
STEPS, GRAPH_STEPS = 20, 5
"""Steps of IPOT, and how often Gromov-Wasserstein linearises its cost."""
_TINY = 1e-30


class TransportObjective(Objective):
    """share W + (1 - share) GW: what it costs to move the words onto the regions, and how unlike their pairs then are.

    W is the Wasserstein distance under the cost 1 - cos, GW the Gromov-Wasserstein distance of the costs among words
    and those among regions. Both take each word of a text, and each region of a picture, as equally heavy. A sample
    without a picture costs nothing. The plan is held fixed for the gradient, as it is the best one (Danskin's theorem).

    Source: Yuan et al., AAAI 2023; YuanLi95/EEGA-for-JMERE, OT_torch_.py. There edges of a parsed sentence and of a
    scene graph weigh the pairs; here all pairs of words, and of regions, count.
    """

    def __init__(self, hidden: int, settings: TransportSettings) -> None:
        super().__init__(settings.kind, settings.weight)
        self.share = settings.share
        self.project = nn.Linear(settings.feature_dim, hidden)

    def forward(self, views: Views, batch: Batch) -> Tensor:
        """Return the objective of each sample [B].

        Raises:
            UsageError: the run reads no pictures.
        """
        if batch.features is None:
            raise UsageError(
                f"the objective {self.name} compares words with regions, and this run reads no pictures",
                remedy="set data.features, or take the objective out of model.objectives",
            )
        words, is_word = views.full.states.float(), views.full.mask
        is_region = batch.features.present
        # what stands in an absent row, nan perhaps, must not reach a product; the others are scaled as fusions scale
        values = batch.features.values.float().masked_fill(~is_region[:, :, None], 0.0)
        regions = self.project(values / values.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-6))
        has_both = is_word.any(1) & is_region.any(1)
        with torch.autocast(words.device.type, enabled=False):  # a plan is the end of many small steps
            cost = thresholded(cosine_cost(words, regions), is_word, is_region)
            with torch.no_grad():
                plan = transport_plan(cost, is_word, is_region)
            moved = (cost * plan).sum((1, 2))
            pairs = (
                thresholded(cosine_cost(words, words), is_word, is_word),
                thresholded(cosine_cost(regions, regions), is_region, is_region),
            )
            graphs = graph_distance(*pairs, is_word, is_region)
        return torch.where(has_both, self.share * moved + (1 - self.share) * graphs, 0.0)


def cosine_cost(a: Tensor, b: Tensor) -> Tensor:
    """Return 1 - cos of all pairs [B, N, M] of vectors [B, N, D] and [B, M, D]; that of a vector of zeros is 1.

    >>> cosine_cost(torch.tensor([[[1.0, 0.0]]]), torch.tensor([[[0.0, 2.0], [3.0, 0.0]]])).tolist()
    [[[1.0, 0.0]]]
    """
    return 1 - cosines(a, b)


def thresholded(cost: Tensor, is_row: Tensor, is_column: Tensor) -> Tensor:
    """Return relu(c - (min + 0.1 (max - min))) of each sample's costs [B, N, M]; 0 where a row or column is absent.

    Source: YuanLi95/EEGA-for-JMERE, OT_torch_.py.

    >>> is_there = torch.ones(1, 2, dtype=torch.bool)
    >>> thresholded(torch.tensor([[[0.0, 1.0], [0.5, 1.0]]]), is_there, is_there).tolist()
    [[[0.0, 0.8999999761581421], [0.4000000059604645, 0.8999999761581421]]]
    """
    there = is_row[:, :, None] & is_column[:, None, :]
    least = cost.masked_fill(~there, torch.inf).amin((1, 2), keepdim=True)
    most = cost.masked_fill(~there, -torch.inf).amax((1, 2), keepdim=True)
    return (cost - (least + 0.1 * (most - least))).relu().masked_fill(~there, 0.0)


def transport_plan(cost: Tensor, is_row: Tensor, is_column: Tensor, beta: float = BETA, steps: int = STEPS) -> Tensor:
    """Return the plan [B, N, M] that moves equally heavy rows onto equally heavy columns, by IPOT.

    Args:
        cost: of each pair [B, N, M].
        is_row: which rows are there [B, N]; they weigh 1 in all, and the plan has nothing elsewhere.
        is_column: likewise [B, M].
        beta: how little a step moves the plan.
        steps: of one round each; the columns have their weights exactly, the rows nearly.

    Source: Xie et al., A Fast Proximal Point Method for Computing Exact Wasserstein Distance (UAI 2019), algorithm 1.
    """
    rows, columns = is_row.to(cost.dtype), is_column.to(cost.dtype)
    row_weights = rows / rows.sum(1, keepdim=True).clamp(min=1)
    column_weights = columns / columns.sum(1, keepdim=True).clamp(min=1)
    kernel = torch.exp(-cost / beta) * rows[:, :, None] * columns[:, None, :]
    plan, right = torch.ones_like(cost), column_weights
    for _ in range(steps):
        step = kernel * plan
        left = row_weights / (step @ right[:, :, None])[:, :, 0].clamp(min=_TINY)
        right = column_weights / (step.transpose(1, 2) @ left[:, :, None])[:, :, 0].clamp(min=_TINY)
        plan = left[:, :, None] * step * right[:, None, :]
    return plan


def graph_plan(a: Tensor, b: Tensor, is_a: Tensor, is_b: Tensor) -> Tensor:
    """Return the plan [B, N, M] that moves one graph onto the other with the costs of their pairs [B, N, N], [B, M, M].

    Each round takes the cost under the plan of the round before.

    Source: Peyré et al., Gromov-Wasserstein Averaging (ICML 2016); YuanLi95/EEGA-for-JMERE, OT_torch_.py.
    """
    plan = _even(is_a)[:, :, None] * _even(is_b)[:, None, :]
    for _ in range(GRAPH_STEPS):
        plan = transport_plan(_graph_cost(a, b, is_a, is_b, plan), is_a, is_b, GRAPH_BETA, STEPS)
    return plan


def graph_distance(a: Tensor, b: Tensor, is_a: Tensor, is_b: Tensor) -> Tensor:
    """Return the Gromov-Wasserstein distance of two graphs [B], with the plan held fixed for the gradient."""
    with torch.no_grad():
        plan = graph_plan(a, b, is_a, is_b)
    return (_graph_cost(a, b, is_a, is_b, plan) * plan).sum((1, 2))


def _graph_cost(a: Tensor, b: Tensor, is_a: Tensor, is_b: Tensor, plan: Tensor) -> Tensor:
    """Return sum_kl (a_ik - b_jl)^2 plan_kl [B, N, M], with even weights in the squares."""
    squares = (a.pow(2) @ _even(is_a)[:, :, None]) + (b.pow(2) @ _even(is_b)[:, :, None]).transpose(1, 2)
    return squares - 2 * a @ plan @ b.transpose(1, 2)


def _even(is_there: Tensor) -> Tensor:
    """Return equal weights [B, N] of those that are there; they sum to 1."""
    return is_there.float() / is_there.sum(1, keepdim=True).clamp(min=1)
