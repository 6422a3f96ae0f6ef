"""The regions head: tags, and for each mention the region of the picture that shows it, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from schemas.records import Box, Entity, Sample
from trainer.inputs import Answer, Grounding, LabelSet
from trainer.metrics import RecordKey
from trainer.model.grounding.candidates import Candidates, find_candidates
from trainer.model.grounding.choice import choose_region
from trainer.model.grounding.losses import one_question_loss, relation_loss, sigmoid_loss, softmax_loss
from trainer.model.grounding.mentions import Mentions, gather_mentions, gold_boxes
from trainer.model.grounding.overlaps import LEAST_OVERLAP, overlap_matrix
from trainer.model.grounding.scorers import make_scorer
from trainer.model.grounding.settings import RegionSettings
from trainer.model.heads import Head, TaggingHead, View

__all__ = ["RegionHead", "Scored"]

_TYPE_SIZE = 8.0
"""The component of a mention's type: AdamW moves a weight by its rate at most in a step, and a 1 among hundreds of
components of a state would be heard only after thousands of steps."""


class Scored(NamedTuple):
    """The scores of N mentions.

    Args:
        mentions: themselves.
        candidates: of the pictures of each [N, K, ...].
        scores: of the candidates [N, K], as relations [N, K, C + 1].
        none: the score of no region [N].
        shown: the score of the classifier, whether the picture shows it [N].
    """

    mentions: Mentions
    candidates: Candidates
    scores: Tensor
    none: Tensor
    shown: Tensor


class RegionHead(TaggingHead):
    """One tag for each token, and the region of each mention that the tags say.

    The tags have a posterior, as those of other taggers, and the candidates of a mention have one: mixtures mix both.
    The candidates are the regions of one view of the features; in training the mentions are gold ones, with their
    types.
    """

    kind = "regions"
    key: RecordKey = "span+type+region"  # type: ignore[misc]
    says_more = True

    @classmethod
    def classes_of(cls, labels: LabelSet) -> type[Head]:  # noqa: ARG003
        """Return the tagging head, whose states and classes it has."""
        return TaggingHead

    def __init__(self, hidden: int, labels: LabelSet, settings: RegionSettings) -> None:
        super().__init__(hidden, labels, settings)
        self.settings = settings
        self.scorer = make_scorer(hidden, len(labels.types), settings)
        width = hidden + len(labels.types)
        self.none = nn.Linear(width, 1) if settings.scores == "softmax" else None
        self.shown = nn.Linear(width, 1) if settings.groundable else None

    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the loss of the tags and, by its weight, that of the regions [B]."""
        loss = super().loss(view, targets)
        scored = self.score(view, [sample.entities or () for sample in view.samples])
        if not scored.mentions.entities:
            return loss
        boxes, there = gold_boxes(scored.mentions.entities, loss.device)
        overlaps = overlap_matrix(boxes, scored.candidates.boxes)
        each = self.settings.region_weight * self._region_loss(scored, overlaps, there)
        if self.settings.constraint_weight and overlaps.numel():
            each = each + self.settings.constraint_weight * self._constraint(scored, overlaps)
        return loss.index_add(0, scored.mentions.samples, each.to(loss.dtype))

    def _constraint(self, scored: Scored, overlaps: Tensor) -> Tensor:
        """Return RE2's constraint of each post, shared among its mentions [N]."""
        probs = self.region_posterior(scored).clamp(1e-6, 1 - 1e-6)
        right = (overlaps >= LEAST_OVERLAP).any(1)
        samples = scored.mentions.samples
        found = torch.zeros_like(probs[:, 0])
        for sample in set(samples.tolist()):
            own = samples == sample
            found = found + own * one_question_loss(probs[own], right[own]) / own.sum()
        return found

    def _region_loss(self, scored: Scored, overlaps: Tensor, there: Tensor) -> Tensor:
        """Return the loss of each mention [N]: of its regions, and of whether it is shown."""
        present = scored.candidates.present
        if self.settings.scores == "softmax":
            each = softmax_loss(scored.scores, scored.none, present, overlaps, there)
        elif self.settings.scores == "sigmoid":
            each = sigmoid_loss(scored.scores, present, overlaps, there)
        else:
            each = relation_loss(scored.scores, scored.mentions.types, present, overlaps, there)
        if self.settings.groundable:
            is_shown = there.any(1).to(scored.shown.dtype)
            each = each + nn.functional.binary_cross_entropy_with_logits(scored.shown, is_shown, reduction="none")
        return each

    def score(self, view: View, rows: Sequence[Sequence[Entity]]) -> Scored:
        """Score the candidates of entities of the samples of a batch.

        Args:
            view: of the batch.
            rows: entities of each sample, with their types.
        """
        found = find_candidates(view.features, self.settings.view, len(view.states), self.settings.feature_dim)
        regions = self.scorer.project(found)  # [B, K, W]
        mentions = gather_mentions(rows, self.labels.types, view.mask)
        kinds = nn.functional.one_hot(mentions.types, len(self.labels.types)).to(view.states.dtype)
        mention = torch.cat([mentions.mean(view.states), _TYPE_SIZE * kinds], -1)  # [N, H + C]
        own = found.of(mentions.samples)
        scores = self.scorer(
            regions[mentions.samples], own.present, mention, view.states[mentions.samples], mentions.inside
        ).float()
        none, shown = (
            mention.new_zeros(len(mention)) if layer is None else layer(mention)[:, 0]
            for layer in (self.none, self.shown)
        )
        return Scored(mentions, own, scores, none.float(), shown.float())

    def answers(self, view: View, samples: Sequence[Sample]) -> list[Answer]:
        """Return tags and entities with their boxes, the likeliest first, and what each candidate had."""
        plain = super().answers(view, samples)
        scored = self.score(view, [answer.entities for answer in plain])
        grounded: list[list[Entity]] = [[] for _ in plain]
        said: list[list[Grounding]] = [[] for _ in plain]
        entities, rows = scored.mentions.entities, self.read(scored)
        for sample, entity, row in zip(scored.mentions.samples.tolist(), entities, rows, strict=True):
            grounded[sample].append(choose_region(entity, row, self.settings))
            said[sample].append(row)
        return [
            Answer(tuple(rows), answer.labels, groundings=tuple(groundings))
            for rows, answer, groundings in zip(grounded, plain, said, strict=True)
        ]

    def ground(self, scored: Scored) -> list[Entity]:
        """Return the mentions as entities with the boxes that are answered, the likeliest first."""
        rows = zip(scored.mentions.entities, self.read(scored), strict=True)
        return [choose_region(entity, row, self.settings) for entity, row in rows]

    def read(self, scored: Scored) -> list[Grounding]:
        """Return what each candidate has of each mention, absent ones left out."""
        probs = self.region_posterior(scored)[..., None]
        types: tuple[str, ...] = ()
        if self.settings.scores == "relation":  # by type: which one it is, the region says too
            probs, types = scored.scores.softmax(-1)[..., :-1], self.labels.types
        shown = scored.shown.double().sigmoid() if self.settings.groundable else torch.ones(len(probs))
        return [
            Grounding(
                tuple(Box(*box) for box, is_there in zip(boxes, there, strict=True) if is_there),
                tuple(tuple(row) for row, is_there in zip(rows, there, strict=True) if is_there),
                types,
                is_shown,
            )
            for boxes, there, rows, is_shown in zip(
                scored.candidates.boxes.tolist(),
                scored.candidates.present.tolist(),
                probs.tolist(),
                shown.tolist(),
                strict=True,
            )
        ]

    def region_posterior(self, scored: Scored) -> Tensor:
        """Return the probability that a candidate shows its mention [N, K]; of softmax, none has the rest."""
        present = scored.candidates.present
        if self.settings.scores == "softmax":
            logits = torch.cat([scored.scores.masked_fill(~present, -torch.inf), scored.none[:, None]], 1)
            return logits.softmax(-1)[:, :-1]
        if self.settings.scores == "sigmoid":
            return scored.scores.sigmoid() * present
        return (1 - scored.scores.softmax(-1)[..., -1]) * present
