"""The grid head: a class for each pair of words, which says entities (W2NER) or entities and relations (EEGA)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from schemas.errors import InputError
from schemas.records import Sample
from trainer.inputs import Answer, LabelSet, Window
from trainer.model.heads.head import Head, Posterior, Reading, View
from trainer.model.heads.settings import GridSettings
from trainer.model.heads.word_pairs import ConcatScorer, PairScorer, to_cells, to_grid
from trainer.schemes import JointScheme, RecordScheme, W2nerScheme

__all__ = ["GridHead"]

_NEVER = -30.0
"""Log probability of every other class of a cell beyond the window, which is empty."""


class GridHead(Head):
    """The cells of a word-pair grid, in the order of `word_pairs`: W2NER's scheme for ner, the joint one for joint."""

    kind = "grid"
    tasks = ("ner", "joint")

    def __init__(self, hidden: int, labels: LabelSet, settings: GridSettings) -> None:
        super().__init__(labels)
        width = settings.recurrent_dim or hidden
        classes = _scheme(labels).classes
        self.dropout = nn.Dropout(settings.dropout)
        self.recurrent: nn.LSTM | None = None
        if settings.recurrent_dim:
            self.recurrent = nn.LSTM(hidden, settings.recurrent_dim // 2, batch_first=True, bidirectional=True)
        if settings.scorer == "concat":
            self.scorer: nn.Module = ConcatScorer(width, classes, settings.layer_dropout)
        else:
            dropouts = settings.conv_dropout, settings.layer_dropout
            self.scorer = PairScorer(
                width, settings.biaffine_dim, settings.channels, settings.pair_dim, classes, dropouts
            )

    @classmethod
    def gold_classes(cls, labels: LabelSet, sample: Sample) -> tuple[int, ...] | None:
        """Return the classes of all cells of a sample."""
        answer = _gold(labels, sample)
        if answer is None:
            return None
        known = {*labels.types, *labels.relations}
        for record in answer.records:
            if record.type not in known:
                raise InputError(
                    f"unknown {labels.task.noun} {record.type!r}",
                    place=f"sample {sample.sample_id}",
                    remedy=f"the model knows {', '.join(sorted(known))}",
                )
        grid = _scheme(labels).encode(answer.entities, answer.relations, len(sample.tokens))
        return tuple(to_cells(torch.from_numpy(grid)[None])[0].tolist())

    @classmethod
    def name_classes(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> tuple[str, ...]:  # noqa: ARG003
        """Return nothing: it answers in records."""
        return ()

    @classmethod
    def answer(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> Answer:  # noqa: ARG003
        """Return the records that the cells say."""
        entities, relations = _scheme(labels).decode(to_grid(torch.tensor(classes)).numpy())
        return Answer((*entities, *relations))

    def extend(self, reading: Reading, sample: Sample) -> Reading:
        """Return the reading with empty cells for the words beyond the window."""
        beyond = len(sample.tokens) ** 2 - len(reading.classes)
        if not beyond:
            return reading
        empty = torch.full((beyond, reading.log_probs.shape[1]), _NEVER)
        empty[:, 0] = 0.0
        return reading._replace(
            log_probs=torch.cat([reading.log_probs, empty]),
            classes=torch.cat([reading.classes, torch.zeros(beyond, dtype=torch.long)]),
        )

    def targets(self, sample: Sample, window: Window) -> tuple[int, ...] | None:
        """Return the classes of the cells of the words that are in the window."""
        classes = self.gold_classes(self.labels, sample)
        return None if classes is None else classes[: len(window.first_piece) ** 2]

    def state_mask(self, mask: Tensor) -> Tensor:
        """Return which cells are there [B, P * P]: the first T * T of a sentence of T words."""
        cells = torch.arange(mask.shape[1] ** 2, device=mask.device)
        return cells[None, :] < mask.sum(1, keepdim=True) ** 2

    def score_states(self, states: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, P * P, K] of states [B, P, H] with mask [B, P]."""
        states = self.dropout(states)
        if self.recurrent is not None:
            lengths = mask.sum(1).cpu()
            packed = nn.utils.rnn.pack_padded_sequence(states, lengths, batch_first=True, enforce_sorted=False)
            states = nn.utils.rnn.pad_packed_sequence(
                self.recurrent(packed)[0], batch_first=True, total_length=mask.shape[1]
            )[0]
        return to_cells(self.scorer(states, mask).float())

    def forward(self, states: Tensor) -> Tensor:
        """Return logits [B, P * P, K] of states of which all are there."""
        return self.score_states(states, states.new_ones(states.shape[:2], dtype=torch.bool))

    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the mean cross entropy over the cells of each sample [B]."""
        there = self.state_mask(view.mask)
        losses = nn.functional.cross_entropy(view.logits.transpose(1, 2), targets, reduction="none")
        return losses.masked_fill(~there, 0.0).sum(1) / there.sum(1)

    def posterior(self, view: View, temperature: float = 1.0, with_pairs: bool = False) -> Posterior:  # noqa: ARG002
        """Return log class probabilities of the cells [B, P * P, K], which are no chain."""
        log_probs = torch.log_softmax(view.logits / temperature, dim=-1)
        return Posterior(log_probs.masked_fill(~self.state_mask(view.mask)[:, :, None], 0.0), None)

    def decode(self, view: View) -> Tensor:
        """Return the likeliest class of each cell [B, P * P]."""
        return view.logits.argmax(-1)


def _scheme(labels: LabelSet) -> RecordScheme:
    if labels.task_name == "joint":
        return JointScheme(labels.types, labels.relations)
    return W2nerScheme(labels.types)


def _gold(labels: LabelSet, sample: Sample) -> Answer | None:
    records = labels.task.gold_records(sample)
    return None if records is None else Answer(tuple(records))
