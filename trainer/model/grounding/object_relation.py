"""The relation of a name in the text and an object of the picture that are both given, as MORE asks for it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from schemas.dataset import NO_RELATION
from schemas.errors import InputError
from schemas.records import Box, Relation, Sample, Span
from trainer.inputs import Answer, LabelSet
from trainer.model.grounding.candidates import Candidates, Standardise, find_candidates, picture_sizes
from trainer.model.grounding.overlaps import LEAST_OVERLAP, overlap_matrix
from trainer.model.grounding.places import PLACE_NUMBERS, encode_places
from trainer.model.grounding.settings import ObjectRelationSettings
from trainer.model.heads import Head, Posterior, View

__all__ = ["ObjectRelationHead"]


class ObjectRelationHead(Head):
    """One relation between a span and a box, of a sample that gives both: [span; object] through a linear layer.

    The span is the mean of its tokens' states. The object is the region of the features whose box fits best, with the
    five numbers of where the given box stands; without such a region, these numbers alone.

    Source: MORE (He et al., ACM MM 2023): tail = object + Linear_5, LayerNorm, dropout; logits = Linear([head; tail]).
    """

    kind = "object_relation"
    tasks = ("joint",)

    def __init__(self, hidden: int, labels: LabelSet, settings: ObjectRelationSettings) -> None:
        super().__init__(labels)
        self.settings = settings
        self.standardise = Standardise(settings.feature_dim)
        self.region = nn.Linear(settings.feature_dim, hidden)
        self.place = nn.Linear(PLACE_NUMBERS, hidden)
        self.norm = nn.LayerNorm(hidden)
        self.dropout = nn.Dropout(settings.dropout)
        self.linear = nn.Linear(2 * hidden, len(_names(labels)))

    @classmethod
    def gold_classes(cls, labels: LabelSet, sample: Sample) -> tuple[int, ...] | None:
        """Return the number of the relation, as a tuple of one; None without a pair.

        Raises:
            InputError: an unknown relation, several pairs, or one that is no span and box.
        """
        if not sample.relations:
            return None
        relation, names = _pair(sample), _names(labels)
        if relation.type not in names:
            remedy = f"the model knows {', '.join(names)}"
            raise InputError(f"unknown relation {relation.type!r}", place=f"sample {sample.sample_id}", remedy=remedy)
        return (names.index(relation.type),)

    @classmethod
    def name_classes(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> tuple[str, ...]:  # noqa: ARG003
        """Return nothing: it answers in records."""
        return ()

    @classmethod
    def answer(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> Answer:
        """Return the relation of the sample's pair; none for the class None, or for a sample without a pair."""
        name = _names(labels)[classes[0]]
        return Answer((_pair(sample)._replace(type=name),) if sample.relations and name != NO_RELATION else ())

    def state_mask(self, mask: Tensor) -> Tensor:
        """Return that each sample has its one state [B, 1]."""
        return torch.ones_like(mask[:, :1])

    def forward(self, states: Tensor) -> Tensor:
        """Return zeros [B, 1, K]: states alone do not say which pair is asked for, `score` does."""
        return states.new_zeros(len(states), 1, self.linear.out_features, dtype=torch.float32)

    def score(self, view: View) -> Tensor:
        """Return logits [B, 1, K] of the pairs of a batch."""
        pairs = [_pair(sample) if sample.relations else None for sample in view.samples]
        spans = [row.head if row is not None and isinstance(row.head, Span) else Span(0, 1) for row in pairs]
        starts, ends = torch.tensor(spans, device=view.mask.device).T[:, :, None]
        places = torch.arange(view.mask.shape[1], device=view.mask.device)
        inside = ((places >= starts) & (places < ends) & view.mask).to(view.states.dtype)  # [B, P]
        head = torch.einsum("bp,bph->bh", inside, view.states) / inside.sum(1, keepdim=True).clamp(min=1)
        return self.linear(torch.cat([head, self.embed_objects(view, pairs)], -1)).float()[:, None, :]  # type: ignore[no-any-return]

    def embed_objects(self, view: View, pairs: Sequence[Relation | None]) -> Tensor:
        """Return the vector of the object of each pair [B, H]."""
        settings, device = self.settings, view.states.device
        found = find_candidates(view.features, settings.view, len(pairs), settings.feature_dim)
        given = [row.tail if row is not None and isinstance(row.tail, Box) else Box(0, 0, 0, 0) for row in pairs]
        boxes = torch.tensor(given, dtype=torch.float32, device=device)
        # MORE's boxes are fractions of their picture: no box of pixels lies within the first one
        sizes = torch.ones_like(boxes[:, :2])
        if found.boxes.shape[1] and view.features is not None:
            sizes = picture_sizes(view.features)
        in_pixels = torch.where((boxes <= 1).all(1, keepdim=True), boxes * torch.cat([sizes, sizes], 1), boxes)
        values = self.region(self.standardise(*_best_region(found, in_pixels)))
        places = encode_places(in_pixels, sizes).clamp(0, 1)
        return self.dropout(self.norm(values[:, 0] + self.place(places)))  # type: ignore[no-any-return]

    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the cross entropy [B]."""
        return nn.functional.cross_entropy(self.score(view)[:, 0], targets[:, 0], reduction="none")

    def posterior(self, view: View, temperature: float = 1.0, with_pairs: bool = False) -> Posterior:  # noqa: ARG002
        """Return log class probabilities [B, 1, K]; a single state has no pairs."""
        return Posterior(torch.log_softmax(self.score(view) / temperature, dim=-1), None)

    def decode(self, view: View) -> Tensor:
        """Return the likeliest class [B, 1]."""
        return self.score(view).argmax(dim=-1)


def _best_region(found: Candidates, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the vector of the candidate that fits a box best [B, 1, D], and whether it does by half [B, 1] bool."""
    if not found.values.shape[1]:
        nothing = found.values.new_zeros(len(boxes), 1, found.values.shape[-1])
        return nothing, torch.zeros_like(boxes[:, :1], dtype=torch.bool)
    overlaps = overlap_matrix(boxes[:, None, :], found.boxes)[:, 0].masked_fill(~found.present, 0.0)  # [B, K]
    most, best = overlaps.max(1)
    own = found.values[torch.arange(len(boxes), device=boxes.device), best]
    return own[:, None], (most >= LEAST_OVERLAP)[:, None]


def _names(labels: LabelSet) -> tuple[str, ...]:
    """Return the classes: None, and then the relations."""
    return (NO_RELATION, *(name for name in labels.relations if name != NO_RELATION))


def _pair(sample: Sample) -> Relation:
    rows = sample.relations or ()
    if len(rows) != 1 or not isinstance(rows[0].head, Span) or not isinstance(rows[0].tail, Box):
        raise InputError(
            "this head reads one relation of a span and a box from each sample",
            place=f"sample {sample.sample_id}",
            remedy="convert the data with --format more, or take model.head.kind=grid for relations of spans",
        )
    return rows[0]
