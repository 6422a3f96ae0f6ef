"""The heads that write their answer: a decoder under the grammar of a format, trained on gold texts.

Its loss is -log p(text) among the texts that the grammar allows, so a step without a choice has no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from schemas.records import Box, Entity, Relation, Sample
from trainer.inputs import Answer, LabelSet, Window
from trainer.model.formats import END, FormatLabels, Grammar, PatternFormat, Symbol, make_format
from trainer.model.fusion import exchange_pictures
from trainer.model.generators import (
    GoldText,
    Hypothesis,
    Memory,
    PointerDecoder,
    boxes_of,
    gold_text,
    pointer_loss,
    search,
    spread_markers,
    tags_of,
    text_marginals,
)
from trainer.model.heads.head import Head, Posterior, Reading, View
from trainer.model.heads.pointer_settings import PointerSettings, RegionPointerSettings
from trainer.model.heads.relation import RelationHead
from trainer.model.heads.tagging import TaggingHead, extend_tags

__all__ = ["FinePointerHead", "JointPointerHead", "PointerHead", "RegionPointerHead"]


class PointerHead(Head):
    """Writes entities, or the relation of a pair."""

    kind = "pointer"
    tasks: ClassVar[tuple[str, ...]] = ("ner", "re")
    says_more = True
    has_pairs = True

    def __init__(self, hidden: int, labels: LabelSet, settings: PointerSettings) -> None:
        super().__init__(labels)
        self.settings = settings
        self.format = self._make_format(labels, settings)
        words = (END, *self.format.pattern.words())
        self.numbers = {word: number for number, word in enumerate(words)}
        self.words = words
        grounded = settings if isinstance(settings, RegionPointerSettings) else None
        self.decoder = PointerDecoder(
            hidden, len(words), settings.width, settings.layers, settings.attention_heads, settings.dropout,
            grounded.feature_dim if grounded else 0, bool(grounded and grounded.is_published),
        )  # fmt: skip

    def _make_format(self, labels: LabelSet, settings: PointerSettings) -> PatternFormat:
        fine = tuple((name, "") for name in labels.fine) if "fine" in self.key else ()
        relations = labels.names if labels.task_name == "re" else labels.relations
        known = FormatLabels(labels.types, fine, tuple(name for name in relations if name != "None"))
        extra: dict[str, object] = {}
        if settings.format in ("umie", "sel"):
            extra["content"] = "relations" if labels.task_name == "re" else "entities"
        if settings.format == "phrase":
            extra["has_regions"] = isinstance(settings, RegionPointerSettings)
        made = make_format(settings.format, known, **extra)
        assert isinstance(made, PatternFormat)
        return made

    @classmethod
    def classes_of(cls, labels: LabelSet) -> type[Head]:
        """Return the tagging head or that of relations: the probabilities are about their classes."""
        return RelationHead if labels.task_name == "re" else TaggingHead

    @classmethod
    def gold_classes(cls, labels: LabelSet, sample: Sample) -> tuple[int, ...] | None:
        """Return the right classes: tags, or the relation."""
        return cls.classes_of(labels).gold_classes(labels, sample)

    @classmethod
    def name_classes(cls, labels: LabelSet, classes: Sequence[int], sample: Sample) -> tuple[str, ...]:
        """Return the labels of classes."""
        return cls.classes_of(labels).name_classes(labels, classes, sample)

    @classmethod
    def decode_mixed(
        cls, labels: LabelSet, log_probs: Tensor, log_pairs: Tensor | None, lengths: Sequence[int]
    ) -> Tensor:
        """Return the classes of mixed posteriors."""
        return cls.classes_of(labels).decode_mixed(labels, log_probs, log_pairs, lengths)

    def extend(self, reading: Reading, sample: Sample) -> Reading:
        """Return the reading with the tokens that lay beyond the window."""
        return reading if self.labels.task_name == "re" else extend_tags(reading, sample)

    def targets(self, sample: Sample, window: Window) -> tuple[int, ...] | None:
        """Return the classes, which only say that there is something to learn: the text is made of the records."""
        if self.labels.task_name == "joint":
            return None if sample.entities is None else ()
        classes = self.gold_classes(self.labels, sample)
        return classes if classes is None or self.labels.task_name == "re" else classes[: len(window.first_piece)]

    def state_mask(self, mask: Tensor) -> Tensor:
        """Return which states are there: of tokens, or the one of a pair."""
        return mask if self.labels.task_name != "re" else torch.ones_like(mask[:, :1])

    def forward(self, states: Tensor) -> Tensor:
        """Return no scores [B, P, 1]: those of an answer hang on its symbols, and are made as it is written."""
        return torch.zeros(*states.shape[:2], 1, device=states.device)

    def loss(self, view: View, targets: Tensor) -> Tensor:  # noqa: ARG002 - the text is made of the records
        """Return -log p(gold text) [B], and with regions the divergence of the pointer."""
        golds = [self._gold(sample, view, row) for row, sample in enumerate(view.samples)]
        memory, longest = self._memory(view), max(len(gold.symbols) for gold in golds)
        ids = torch.zeros(len(golds), longest, dtype=torch.long)
        allowed = torch.zeros(len(golds), longest, len(self.words) + memory.tokens.shape[1], dtype=torch.bool)
        for row, gold in enumerate(golds):
            ids[row, : len(gold.symbols)] = torch.tensor(gold.symbols)
            for step, columns in enumerate(gold.allowed):
                allowed[row, step, columns] = True
        lengths = torch.tensor([len(gold.symbols) for gold in golds])
        ids, allowed, lengths = (part.to(view.states.device) for part in (ids, allowed, lengths))
        states, scores = self.decoder(memory, self._moved(ids), lengths)  # one state more than symbols
        log_probs = scores[:, :-1].masked_fill(~allowed, -1e9).log_softmax(-1)
        right = log_probs.gather(2, ids[:, :, None])[:, :, 0]
        inside = torch.arange(longest, device=ids.device)[None] < lengths[:, None]
        loss: Tensor = self._region_loss(memory, states, golds) - (right * inside).sum(1)
        return loss

    def _region_loss(self, memory: Memory, states: Tensor, golds: Sequence[GoldText]) -> Tensor:
        """Return the divergence of the regions of each sample [B]: of the state that has read "which region"."""
        losses = states.new_zeros(len(golds), dtype=torch.float32)
        rows = [(row, step) for row, gold in enumerate(golds) for step in gold.regions]
        if not rows or memory.regions is None:
            return losses
        numbers, steps = (torch.tensor(part, device=states.device) for part in zip(*rows, strict=True))
        scores = self.decoder.region_scores(memory.take(numbers), states[numbers, steps + 1][:, None])[:, 0]
        targets = torch.tensor([golds[row].regions[step] for row, step in rows], device=states.device)
        weight = self.settings.region_weight if isinstance(self.settings, RegionPointerSettings) else 0.0
        return losses.index_add(0, numbers, weight * pointer_loss(scores, targets))

    def _gold(self, sample: Sample, view: View, row: int) -> GoldText:
        candidates, columns = None, 0
        if self._has_regions(view, row):
            assert view.features is not None
            candidates, columns = boxes_of(view.features, row), view.features.present.shape[1]
        return gold_text(
            self.format, self._seen(sample, view, row), self._records(sample), self._column, candidates, columns
        )

    def _records(self, sample: Sample) -> list[Entity | Relation]:
        key = self.key if sample.entities is not None else "span+type"
        return list(self.labels.task.gold_records(sample, key) or [])

    def _seen(self, sample: Sample, view: View, row: int) -> Sample:
        """Return a sample up to the end of its window. Of a pair the whole text counts: its names are given."""
        if self.labels.task_name == "re":
            return sample
        return replace(sample, tokens=sample.tokens[: int(view.mask[row].sum())], tags=None)

    def _has_regions(self, view: View, row: int) -> bool:
        return (
            view.features is not None
            and isinstance(self.settings, RegionPointerSettings)
            and bool(boxes_of(view.features, row))
        )

    def _column(self, symbol: Symbol) -> int:
        return self.numbers[symbol] if isinstance(symbol, str) else len(self.words) + symbol

    def _moved(self, ids: Tensor) -> Tensor:
        """Return columns as the decoder's inputs: copies moved on by one, as one more symbol begins a text."""
        moved: Tensor = torch.where(ids >= len(self.words), ids + 1, ids)
        return moved

    def _memory(self, view: View) -> Memory:
        pieces = view.states if view.pieces is None else view.pieces
        attention = view.mask if view.attention is None else view.attention
        tokens = view.states
        if self.labels.task_name == "re":  # the states are two markers: each token of a name has that of its marker
            rows = [spread_markers(states, sample) for states, sample in zip(tokens, view.samples, strict=True)]
            tokens = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
        features = view.features if isinstance(self.settings, RegionPointerSettings) else None
        if features is None:
            return self.decoder.remember(tokens, pieces, attention, None, None)
        present = features.present
        if features.boxes is not None:
            present = present & features.boxes.isfinite().all(-1)
        return self.decoder.remember(tokens, pieces, attention, features.values, present)

    @torch.no_grad()
    def write(self, view: View, beams: int) -> tuple[Memory, list[list[Hypothesis]]]:
        """Return what the decoder read, and for each sample its likeliest texts, best first."""
        memory = self._memory(view)
        grammars = [
            Grammar(self.format.pattern, self._seen(sample, view, row), self._has_regions(view, row))
            for row, sample in enumerate(view.samples)
        ]

        def score(rows: Sequence[tuple[int, Sequence[Symbol]]]) -> Tensor:
            numbers = torch.tensor([row for row, _ in rows], device=view.states.device)
            ids, lengths = self._padded([symbols for _, symbols in rows], view.states.device)
            scores = self.decoder(memory.take(numbers), self._moved(ids), lengths)[1]
            last: Tensor = scores[torch.arange(len(rows)), lengths].cpu()
            return last

        return memory, search(grammars, self.numbers, score, beams, self.settings.longest)

    def _padded(self, texts: Sequence[Sequence[Symbol]], device: torch.device) -> tuple[Tensor, Tensor]:
        longest = max((len(text) for text in texts), default=0)
        ids = torch.zeros(len(texts), longest, dtype=torch.long)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor([self._column(symbol) for symbol in text], dtype=torch.long)
        return ids.to(device), torch.tensor([len(text) for text in texts], device=device)

    def answers(self, view: View, samples: Sequence[Sample]) -> list[Answer]:
        """Return the records of the likeliest text of each sample."""
        memory, found = self.write(view._replace(samples=tuple(samples)), self.settings.beams)
        best = [rows[0].symbols for rows in found]
        regions = self._chosen(memory, best, view)
        answers = []
        for row, (symbols, sample) in enumerate(zip(best, samples, strict=True)):
            read = self.format.read_symbols(symbols, sample)
            records = [
                record
                if place is None or not isinstance(record, Entity)
                else record._replace(boxes=regions[row, place])
                for record, place in zip(read.records, read.regions, strict=True)
            ]
            answers.append(Answer(tuple(records), self._labels(records)))
        return answers

    def _labels(self, records: Sequence[Entity | Relation]) -> tuple[str, ...]:
        if self.labels.task_name != "re":
            return ()
        return (next((row.type for row in records if isinstance(row, Relation)), "None"),)

    @torch.no_grad()
    def _chosen(
        self, memory: Memory, texts: Sequence[Sequence[Symbol]], view: View
    ) -> dict[tuple[int, int], tuple[Box, ...]]:
        """Return the box of the likeliest region for each symbol "which region", by sample and place."""
        settings = self.settings
        if memory.regions is None or view.features is None or not isinstance(settings, RegionPointerSettings):
            return {}
        ids, lengths = self._padded(texts, view.states.device)
        states = self.decoder(memory, self._moved(ids), lengths)[0]
        scores = self.decoder.region_scores(memory, states)  # [B, T + 1, K]
        # state t has read t symbols and writes the next: that which has read symbol t is state t + 1
        shift = 0 if settings.is_published else 1
        chosen: dict[tuple[int, int], tuple[Box, ...]] = {}
        for row, text in enumerate(texts):
            boxes = dict(boxes_of(view.features, row))
            for place in range(len(text)) if boxes else ():
                column = int(scores[row, place + shift].argmax())
                chosen[row, place] = (boxes[column],) if column in boxes else ()
        return chosen

    def posterior(self, view: View, temperature: float = 1.0, with_pairs: bool = False) -> Posterior | None:  # noqa: ARG002
        """Return the probabilities of tags or of the relation, of the likeliest texts; approximate for tags."""
        found = self.write(view, self.settings.mixed_beams)[1]
        read = [
            [(text.log_prob, self.format.read_symbols(text.symbols, sample).records) for text in texts]
            for texts, sample in zip(found, view.samples, strict=True)
        ]
        single, pairs = text_marginals(read, self.labels, view.mask.sum(1).tolist())
        return Posterior(single, pairs if with_pairs else None)

    def decode(self, view: View) -> Tensor:
        """Return the tags, or the relation, of the likeliest text."""
        found = self.answers(view, view.samples)
        if self.labels.task_name == "re":
            return torch.tensor([[self.labels.names.index(answer.labels[0])] for answer in found])
        lengths = view.mask.sum(1).tolist()
        rows = [
            torch.tensor(tags_of(answer.records, self.labels, length))
            for answer, length in zip(found, lengths, strict=True)
        ]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


class FinePointerHead(PointerHead):
    """Writes entities with their fine types."""

    kind = "fine_pointer"
    tasks = ("ner",)
    key = "span+type+fine"


class RegionPointerHead(PointerHead):
    """Writes entities, and points at a region for each that the picture shows; fine types too where there are some."""

    kind = "region_pointer"
    tasks = ("ner",)
    key = "span+type+region"

    def loss(self, view: View, targets: Tensor) -> Tensor:
        """Return the loss [B]; a share of the samples, drawn at random, has no picture."""
        settings, features = self.settings, view.features
        share = settings.absent_share if isinstance(settings, RegionPointerSettings) else 0.0
        if share and self.training and features is not None:
            view = view._replace(features=exchange_pictures(features, absent_share=share, wrong_share=0.0))
        return super().loss(view, targets)


class JointPointerHead(PointerHead):
    """Writes entities and relations of any number. It has no probability for each token, so it joins no mixture."""

    kind = "joint_pointer"
    tasks = ("joint",)
    has_posterior = False
    has_pairs = False

    @classmethod
    def gold_classes(cls, labels: LabelSet, sample: Sample) -> tuple[int, ...] | None:  # noqa: ARG003
        """Return nothing: records have no classes."""
        return None

    def posterior(self, view: View, temperature: float = 1.0, with_pairs: bool = False) -> None:  # noqa: ARG002
        """Return None: there are no classes."""
        return
