"""The labels of a model, and which number each has in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.dataset import Dataset
from schemas.dataset import Task as TaskName
from schemas.errors import InputError
from trainer.inputs.tasks import TASKS, Task

__all__ = ["LabelSet"]


@dataclass(frozen=True)
class LabelSet:
    """The labels that a model predicts.

    Args:
        task_name: ner or re.
        names: tags with O first, or relations; the number of a label is its position here.
    """

    task_name: TaskName
    names: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Dataset, tags: Iterable[Sequence[str] | None] = ()) -> LabelSet:
        """Return the labels of a data set. Tags of its samples show whether entities have an E- and an S-."""
        return cls(dataset.task, TASKS[dataset.task].label_names(dataset, tags))

    @property
    def task(self) -> Task:
        """The task whose labels they are."""
        return TASKS[self.task_name]

    def numbers(self, labels: Sequence[str], sample_id: str) -> tuple[int, ...]:
        """Return the numbers of labels.

        Raises:
            InputError: a label is not in the set; the error names the sample and the nearest label.

        >>> LabelSet("ner", ("O", "B-PER", "I-PER")).numbers(["B-PER", "O"], "a")
        (1, 0)
        """
        try:
            return tuple(self.names.index(label) for label in labels)
        except ValueError:
            unknown = next(label for label in labels if label not in self.names)
        near = difflib.get_close_matches(unknown, self.names, n=1)
        hint = f", did you mean {near[0]}" if near else ""
        raise InputError(
            f"unknown {self.task.noun} {unknown!r}{hint}",
            place=f"sample {sample_id}",
            remedy=f"the model knows {', '.join(self.names)}",
        )
