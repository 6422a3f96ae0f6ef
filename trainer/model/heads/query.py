"""The query head: a query for each entity type reads where spans start and end, which match, and if there are any."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from schemas.errors import InputError
from schemas.records import Entity, Sample
from trainer.inputs import Answer, LabelSet, Window
from trainer.model.heads.head import Head, Posterior, Reading, View
from trainer.model.heads.settings import QuerySettings
from trainer.model.heads.slots import EXISTS, slot_count, slots_of, words_of
from trainer.model.heads.word_pairs import ConditionalNorm
from trainer.schemes import decode_flat

__all__ = ["QueryHead"]

_NEVER = -30.0
"""Log probability of yes for what lies beyond the window."""


class QueryHead(Head):
    """Yes-or-no decisions, those of a slot side by side for all C types.

    A query is a learned vector that changes gain and bias of a layer norm of the states. The framework encodes each
    query as a sentence before the text, which costs C windows for a text.

    Source: Jia et al., ACM MM 2022; Li et al., ACL 2020; ShannonAI/mrc-for-flat-nested-ner, models/bert_query_ner.py.
    """

    kind = "query"
    tasks = ("ner",)

    def __init__(self, hidden: int, labels: LabelSet, settings: QuerySettings) -> None:
        super().__init__(labels)
        self.candidates = settings.candidates
        total = settings.start_weight + settings.end_weight + settings.match_weight
        self.weights = [settings.start_weight / total, settings.end_weight / total, settings.match_weight / total]
        self.existence_weight = settings.existence_weight
        self.dropout = nn.Dropout(settings.dropout)
        self.queries = nn.Parameter(torch.randn(len(labels.types), hidden))
        self.norm = ConditionalNorm(hidden)
        self.start, self.end, self.existence = (nn.Linear(hidden, 1) for _ in range(3))
        self.first = nn.Linear(hidden, settings.match_dim)
        self.last = nn.Linear(hidden, settings.match_dim, bias=False)
        self.match = nn.Linear(settings.match_dim, 1)

    @classmethod
    def gold_classes(cls, labels: LabelSet, sample: Sample) -> tuple[int, ...] | None:
        """Return the right decisions: 1 is yes."""
        entities = labels.task.gold_records(sample)
        if entities is None:
            return None
        slots = slots_of(len(sample.tokens))
        right = torch.zeros(slot_count(len(sample.tokens)), len(labels.types), dtype=torch.long)
        for entity in entities:
            if not isinstance(entity, Entity) or entity.type not in labels.types:
                raise InputError(
                    f"unknown {labels.task.noun} {entity.type!r}",
                    place=f"sample {sample.sample_id}",
                    remedy=f"the model knows {', '.join(labels.types)}",
                )
            start, last = entity.start, entity.end - 1
            span = last * (last + 1) // 2 + start
            for slot in (EXISTS, slots.starts[start], slots.ends[last], slots.spans[span]):
                right[slot, labels.types.index(entity.type)] = 1
        return tuple(right.flatten().tolist())

    @classmethod
    def name_classes(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> tuple[str, ...]:  # noqa: ARG003
        """Return nothing: it answers in records."""
        return ()

    @classmethod
    def answer(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> Answer:  # noqa: ARG003
        """Return the entities: of a type that is there, each start with its nearest end, where the two match."""
        decisions = torch.tensor(classes).view(-1, len(labels.types)).bool()  # [S, C]
        words = words_of(len(decisions))
        slots = slots_of(words)
        found: list[Entity] = []
        for number, kind in enumerate(labels.types):
            yes = decisions[:, number]
            if yes[EXISTS]:
                matches = torch.zeros(words, words, dtype=torch.bool)
                matches[slots.firsts, slots.lasts] = yes[slots.spans]
                spans = decode_flat(yes[slots.starts].tolist(), yes[slots.ends].tolist(), matches.tolist())
                found += [Entity(span.start, span.end, kind) for span in spans]
        return Answer(tuple(sorted(found)))

    def extend(self, reading: Reading, sample: Sample) -> Reading:
        """Return the reading with no for everything beyond the window."""
        beyond = slot_count(len(sample.tokens)) * len(self.labels.types) - len(reading.classes)
        no = torch.tensor([0.0, _NEVER]).expand(beyond, 2)
        return reading._replace(
            log_probs=torch.cat([reading.log_probs, no]),
            classes=torch.cat([reading.classes, torch.zeros(beyond, dtype=torch.long)]),
        )

    def targets(self, sample: Sample, window: Window) -> tuple[int, ...] | None:
        """Return the decisions about the words that are in the window."""
        classes = self.gold_classes(self.labels, sample)
        return None if classes is None else classes[: slot_count(len(window.first_piece)) * len(self.labels.types)]

    def state_mask(self, mask: Tensor) -> Tensor:
        """Return which decisions are there [B, S C]."""
        counts = torch.tensor([slot_count(words) for words in mask.sum(1).tolist()], device=mask.device)
        types = len(self.labels.types)
        decisions = torch.arange(slot_count(mask.shape[1]) * types, device=mask.device)
        return decisions[None, :] < types * counts[:, None]

    def score_states(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, S C, 2] of states [B, P, H] with mask [B, P]: nought for no."""
        samples, words, _ = states.shape
        queries = self.queries.expand(samples, -1, -1)  # [B, C, H]
        reading = self.norm(queries, self.dropout(states))  # [B, C, P, H]
        starts, ends = self.start(reading)[..., 0], self.end(reading)[..., 0]  # [B, C, P]
        largest = reading.masked_fill(~mask[:, None, :, None], -torch.inf).amax(2)  # [B, C, H]
        slots = slots_of(words)
        scores = torch.empty(samples, len(self.labels.types), slot_count(words), device=states.device)
        scores[..., EXISTS] = self.existence(largest)[..., 0].float()
        scores[..., slots.starts], scores[..., slots.ends] = starts.float(), ends.float()
        for number in range(scores.shape[1]):  # one type at a time: a layer for each span is large
            first, last = self.first(reading[:, number]), self.last(reading[:, number])  # [B, P, D]
            spans = nn.functional.gelu(first[:, slots.firsts] + last[:, slots.lasts])  # [B, P (P + 1) / 2, D]
            scores[:, number, slots.spans] = self.match(self.dropout(spans))[..., 0].float()
        yes = scores.transpose(1, 2).flatten(1)  # [B, S C]
        return torch.stack([torch.zeros_like(yes), yes], dim=-1)

    def forward(self, states: Tensor) -> Tensor:
        """Return logits [B, S C, 2] of states of which all are there."""
        return self.score_states(states, states.new_ones(states.shape[:2], dtype=torch.bool))

    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the weighted mean binary cross entropies of starts, ends, matches and existence [B]."""
        types, slots = len(self.labels.types), slots_of(view.mask.shape[1])
        scores = view.logits[..., 1].reshape(len(targets), -1, types)  # [B, S, C]
        right = targets.reshape(len(targets), -1, types).to(scores.dtype)
        losses = nn.functional.binary_cross_entropy_with_logits(scores, right, reduction="none")
        words = view.mask[:, :, None].expand(-1, -1, types)  # [B, P, C]
        spans = words[:, slots.lasts] & self._is_candidate(scores, right)
        parts = [
            _mean(losses[:, slots.starts], words),
            _mean(losses[:, slots.ends], words),
            _mean(losses[:, slots.spans], spans),
        ]
        existence = self.existence_weight * losses[:, EXISTS].mean(-1)
        return existence + sum(weight * part for weight, part in zip(self.weights, parts, strict=True))

    def posterior(self, view: View, temperature: float = 1.0, with_pairs: bool = False) -> Posterior:  # noqa: ARG002
        """Return log probabilities of no and yes [B, S C, 2], which are no chain."""
        log_probs = torch.log_softmax(view.logits / temperature, dim=-1)
        return Posterior(log_probs.masked_fill(~self.state_mask(view.mask)[:, :, None], 0.0), None)

    def decode(self, view: View) -> Tensor:
        """Return the decisions [B, S C]."""
        return view.logits.argmax(-1)

    def _is_candidate(self, scores: Tensor, right: Tensor) -> Tensor:
        """Return which spans the match learns from [B, P (P + 1) / 2, C]."""
        slots = slots_of(words_of(scores.shape[1]))
        starts, ends = right[:, slots.starts] > 0, right[:, slots.ends] > 0  # [B, P, C]
        gold = starts[:, slots.firsts] & ends[:, slots.lasts]
        if self.candidates == "all":
            return torch.ones_like(gold)
        if self.candidates == "gold":
            return gold
        starts, ends = scores[:, slots.starts] > 0, scores[:, slots.ends] > 0
        return gold | starts[:, slots.firsts] & ends[:, slots.lasts]


def _mean(losses: Tensor, is_there: Tensor) -> Tensor:
    """Return the mean of those that are there [B], 0 where none is, of losses [B, N, C]."""
    kept = losses.masked_fill(~is_there, 0.0).flatten(1).sum(1)
    return kept / is_there.flatten(1).sum(1).clamp(min=1)
