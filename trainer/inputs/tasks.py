"""The tasks, and all that depends on them before a model and after it: labels, records, markers and scores.

A task says what the samples of a data set ask for. How a model answers is up to its head (`trainer.model.heads`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple, TypeAlias

from schemas.dataset import NO_RELATION, Dataset
from schemas.entities import find_entities
from schemas.errors import InputError
from schemas.records import Relation, Sample
from trainer.inputs.markers import MARKERS, cut_around, mark_entities
from trainer.inputs.window import Window
from trainer.metrics import (
    Counts,
    Record,
    Score,
    label_by_order,
    record_counts,
    score_entities,
    score_records,
    score_relations,
    score_seen_unseen,
    surface_forms,
)

__all__ = ["TASKS", "Labels", "SentencePieces", "Task"]

Labels: TypeAlias = tuple[str, ...]
"""The labels of a sample: one tag per token, or (relation,)."""


class SentencePieces(NamedTuple):
    """The pieces of a sentence as they go into the window, and how many tokens were left out."""

    pieces: list[list[int]]
    cut_tokens: int


class Task(ABC):
    """What the samples of a data set ask for."""

    noun: ClassVar[str]
    """A label, in an error."""
    description: ClassVar[str]
    """What a model of the task predicts, for its card."""
    markers: ClassVar[tuple[str, ...]] = ()
    """Special pieces that the tokenizer must know."""
    has_tags: ClassVar[bool] = False
    """Whether a sample has one label per token."""

    @abstractmethod
    def label_names(self, dataset: Dataset, tags: Iterable[Sequence[str] | None]) -> tuple[str, ...]:
        """Return the labels of a data set in the order of their numbers.

        Args:
            dataset: with its entity types or relations.
            tags: of its training samples; for the prefixes that they have.
        """

    @abstractmethod
    def known_types(self, names: Iterable[str]) -> set[str]:
        """Return the entity types or relations that labels stand for."""

    @abstractmethod
    def gold(self, sample: Sample) -> Labels | None:
        """Return the gold labels of a sample, or None."""

    @abstractmethod
    def records(self, sample: Sample, labels: Sequence[str]) -> list[Record]:
        """Return the records that labels of a sample stand for."""

    @abstractmethod
    def check(self, sample: Sample) -> None:
        """Check that a sample is one of this task.

        Raises:
            InputError: it is of another task.
        """

    def lay_out(
        self,
        sample: Sample,  # noqa: ARG002 - for tasks with markers
        pieces: list[list[int]],
        marks: Sequence[int],  # noqa: ARG002
        unknown: int,  # noqa: ARG002
        room: int,  # noqa: ARG002
    ) -> SentencePieces:
        """Return the pieces of a sentence as they go into its window.

        Args:
            sample: of the task.
            pieces: of each token [T][>= 0].
            marks: ids of the markers.
            unknown: id of the piece for a token without pieces.
            room: how many pieces the window can take.
        """
        return SentencePieces(pieces, 0)

    @abstractmethod
    def positions(self, window: Window, marks: Sequence[int], sample: Sample) -> tuple[int, ...]:
        """Return the positions of the states that a head reads, in the window without contexts."""

    def score(self, samples: Sequence[Sample], predicted: Sequence[Labels]) -> Score:
        """Score predicted labels by the task's main metric: F1 over the records that they stand for."""
        return score_records(*self._all_records(samples, predicted))

    def counts(self, samples: Sequence[Sample], predicted: Sequence[Labels]) -> list[Counts]:
        """Count the right, predicted and gold records of each sample."""
        return record_counts(*self._all_records(samples, predicted))

    def _all_records(
        self, samples: Sequence[Sample], predicted: Sequence[Labels]
    ) -> tuple[list[list[Record]], list[list[Record]]]:
        gold = [self.records(sample, labels) if (labels := self.gold(sample)) else [] for sample in samples]
        return gold, [self.records(sample, labels) for sample, labels in zip(samples, predicted, strict=True)]

    @abstractmethod
    def all_scores(
        self, samples: Sequence[Sample], predicted: Sequence[Labels], trained_on: Sequence[Sample]
    ) -> dict[str, Score]:
        """Score by every convention of the task, the main one first.

        Args:
            samples: labelled.
            predicted: their labels.
            trained_on: samples of the training set, to tell entities that were seen in it.
        """


class Tagging(Task):
    """Named entities: one BIO tag for each token. The metric is entity F1 by the default convention."""

    noun = "tag"
    description = "named entities (BIO tags, linear-chain CRF)"
    has_tags = True

    def label_names(self, dataset: Dataset, tags: Iterable[Sequence[str] | None]) -> tuple[str, ...]:
        """Return O, then B-X and I-X of each type; E-X and S-X too where tags have them."""
        prefixes = "BIES" if any(tag[:2] in ("E-", "S-") for row in tags for tag in row or ()) else "BI"
        return ("O", *(f"{prefix}-{kind}" for kind in dataset.labels for prefix in prefixes))

    def known_types(self, names: Iterable[str]) -> set[str]:
        """Return the entity types of tags."""
        return {name.partition("-")[2] for name in names}

    def gold(self, sample: Sample) -> Labels | None:
        """Return the tags."""
        return sample.tags

    def records(self, sample: Sample, labels: Sequence[str]) -> list[Record]:  # noqa: ARG002
        """Return the entities of tags, by the default convention."""
        return list(find_entities(labels))

    def check(self, sample: Sample) -> None:
        """Refuse a sample with a relation and no tags."""
        if sample.tags is None and sample.relation is not None:
            raise _other_task(sample, "tags")

    def positions(self, window: Window, marks: Sequence[int], sample: Sample) -> tuple[int, ...]:  # noqa: ARG002
        """Return the first piece of each token that is in the window."""
        return window.first_piece

    def all_scores(
        self, samples: Sequence[Sample], predicted: Sequence[Labels], trained_on: Sequence[Sample]
    ) -> dict[str, Score]:
        """Score by the default and the strict convention, and by whether an entity was seen in training."""
        gold = [sample.tags or () for sample in samples]
        known = surface_forms([row.tokens for row in trained_on], [row.tags or () for row in trained_on])
        return {
            "default": score_entities(gold, predicted, "default"),
            "strict": score_entities(gold, predicted, "strict"),
            **score_seen_unseen([sample.tokens for sample in samples], gold, predicted, known),
        }


class PairRelation(Task):
    """The relation of two given entities. The metric is micro F1 without the class None."""

    noun = "relation"
    description = "relations of two marked entities"
    markers = MARKERS

    def label_names(self, dataset: Dataset, tags: Iterable[Sequence[str] | None]) -> tuple[str, ...]:  # noqa: ARG002
        """Return the relations."""
        return dataset.labels

    def known_types(self, names: Iterable[str]) -> set[str]:
        """Return the relations."""
        return set(names)

    def gold(self, sample: Sample) -> Labels | None:
        """Return the relation."""
        return None if sample.relation is None else (sample.relation,)

    def records(self, sample: Sample, labels: Sequence[str]) -> list[Record]:
        """Return the relation of the pair; none for the class None."""
        if labels[0] == NO_RELATION or sample.head is None or sample.tail is None:
            return []
        return [Relation(sample.head, sample.tail, labels[0])]

    def check(self, sample: Sample) -> None:
        """Refuse a sample that names no pair."""
        if sample.head is None or sample.tail is None:
            raise _other_task(sample, "head and tail")

    def lay_out(
        self, sample: Sample, pieces: list[list[int]], marks: Sequence[int], unknown: int, room: int
    ) -> SentencePieces:
        """Put markers around the pair, and cut a sentence that is too long around them."""
        marked = mark_entities(sample, [row or [unknown] for row in pieces], marks)
        return SentencePieces(*cut_around(marked, marks, room))

    def positions(self, window: Window, marks: Sequence[int], sample: Sample) -> tuple[int, ...]:
        """Return the two opening markers, in the order in which they stand.

        Raises:
            InputError: the window is too small for both.
        """
        opening = {marks[0], marks[2]}
        positions = tuple(position for position, piece in enumerate(window.ids) if piece in opening)
        if len(positions) != 2:
            raise InputError("the two entities do not fit into one window", place=f"sample {sample.sample_id}")
        return positions

    def all_scores(
        self,
        samples: Sequence[Sample],
        predicted: Sequence[Labels],
        trained_on: Sequence[Sample],
    ) -> dict[str, Score]:
        """Score by the one convention that there is; beside it, what the order of head and tail gives alone."""
        gold = [str(sample.relation) for sample in samples]
        scores = {"micro without None": score_relations(gold, [row[0] for row in predicted])}
        if trained_on:
            scores["order of head and tail alone"] = score_relations(gold, label_by_order(trained_on, samples))
        return scores


class JointRecords(Task):
    """Entities and any number of relations, as records. Heads for it answer in records: there are no labels by number.

    The metric is F1 over facts of two typed spans and a relation (`trainer.metrics`).
    """

    noun = "record"
    description = "entities and relations"

    def label_names(self, dataset: Dataset, tags: Iterable[Sequence[str] | None]) -> tuple[str, ...]:  # noqa: ARG002
        """Return the types of entities and then the relations."""
        return dataset.labels

    def known_types(self, names: Iterable[str]) -> set[str]:
        """Return the types and relations."""
        return set(names)

    def gold(self, sample: Sample) -> Labels | None:  # noqa: ARG002
        """Return None: a sample has records, and no label per token."""
        return None

    def records(self, sample: Sample, labels: Sequence[str]) -> list[Record]:  # noqa: ARG002
        """Return the gold records of a sample."""
        return [*(sample.entities or ()), *(sample.relations or ())]

    def check(self, sample: Sample) -> None:
        """Refuse a sample that has neither entities nor relations as records."""
        if sample.entities is None and sample.relations is None:
            raise _other_task(sample, "entities or relations")

    def positions(self, window: Window, marks: Sequence[int], sample: Sample) -> tuple[int, ...]:  # noqa: ARG002
        """Return the first piece of each token that is in the window."""
        return window.first_piece

    def all_scores(
        self,
        samples: Sequence[Sample],  # noqa: ARG002
        predicted: Sequence[Labels],  # noqa: ARG002
        trained_on: Sequence[Sample],  # noqa: ARG002
    ) -> dict[str, Score]:
        """Return nothing: labels by number say no records."""
        return {}


TASKS: dict[str, Task] = {"ner": Tagging(), "re": PairRelation(), "joint": JointRecords()}
"""The tasks by the name that files have for them."""


def _other_task(sample: Sample, lacking: str) -> InputError:
    return InputError(f"a sample without {lacking}", place=f"sample {sample.sample_id}", remedy="check data.samples")
