"""What a task is: what the samples of a data set ask for, before a model and after it.

How a model answers is up to its head (`trainer.model.heads`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, NamedTuple

from schemas.dataset import Dataset
from schemas.records import Sample
from trainer.inputs.answers import Answer, Labels
from trainer.inputs.window import Window
from trainer.metrics import Counts, Record, RecordKey, Score, record_counts, score_records

__all__ = ["SentencePieces", "Task"]


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
    def label_names(self, dataset: Dataset, samples: Iterable[Sample]) -> tuple[str, ...]:
        """Return the labels of a data set in the order of their numbers.

        Args:
            dataset: with its entity types or relations.
            samples: of its training set; for the prefixes that their tags have.
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

    def answer(self, sample: Sample, labels: Labels) -> Answer:
        """Return labels of a sample as an answer."""
        return Answer(tuple(self.records(sample, labels)), labels)

    def gold_records(self, sample: Sample, key: RecordKey = "span+type") -> list[Record] | None:  # noqa: ARG002
        """Return the gold records of a sample; None where it has no labels.

        Args:
            sample: of the task.
            key: what of a record is compared. Tags say spans and types; the rest stands in the records of a sample.
        """
        labels = self.gold(sample)
        return None if labels is None else self.records(sample, labels)

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

    def score(self, samples: Sequence[Sample], predicted: Sequence[Answer], key: RecordKey = "span+type") -> Score:
        """Score answers by the task's main metric: F1 over records.

        Args:
            samples: labelled.
            predicted: an answer for each.
            key: what of a record must be right.
        """
        return score_records(*self._all_records(samples, predicted, key), key)

    def counts(
        self, samples: Sequence[Sample], predicted: Sequence[Answer], key: RecordKey = "span+type"
    ) -> list[Counts]:
        """Count the right, predicted and gold records of each sample."""
        return record_counts(*self._all_records(samples, predicted, key), key)

    def _all_records(
        self, samples: Sequence[Sample], predicted: Sequence[Answer], key: RecordKey
    ) -> tuple[list[list[Record]], list[list[Record]]]:
        gold = [self.gold_records(sample, key) or [] for sample in samples]
        return gold, [list(answer.records) for answer in predicted]

    @abstractmethod
    def all_scores(
        self,
        samples: Sequence[Sample],
        predicted: Sequence[Answer],
        trained_on: Sequence[Sample],
        key: RecordKey = "span+type",
    ) -> dict[str, Score]:
        """Score by every convention of the task, the main one first.

        Args:
            samples: labelled.
            predicted: an answer for each.
            trained_on: samples of the training set, to tell entities that were seen in it.
            key: what of a record the system answers.
        """
