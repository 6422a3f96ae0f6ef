"""The labels of a model, and which number each has in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.dataset import Dataset
from schemas.dataset import Task as TaskName
from schemas.errors import InputError
from schemas.records import Sample
from trainer.inputs.task import Task
from trainer.inputs.tasks import TASKS

__all__ = ["LabelSet"]


@dataclass(frozen=True)
class LabelSet:
    """The labels that a model predicts.

    Args:
        task_name: ner, re or joint.
        names: tags with O first, or relations, or of joint data the entity types and then the relations; the number of
            a label is its position here.
        fine: the fine types of the training set, sorted; () where it has none.
        relations: of joint data, those among the names that are relations.
        parents: the type to which each fine type belongs; "" where it belongs to several.
    """

    task_name: TaskName
    names: tuple[str, ...]
    fine: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: Dataset, samples: Iterable[Sample] = ()) -> LabelSet:
        """Return the labels of a data set.

        Args:
            dataset: its description.
            samples: of its training set. They show whether tags have an E- and an S-, and which fine types there are.
        """
        rows = list(samples)
        parents: dict[str, str] = {}
        for entity in (entity for row in rows for entity in row.entities or ()):
            if entity.fine is not None:
                known = parents.setdefault(entity.fine, entity.type)
                parents[entity.fine] = known if known == entity.type else ""
        fine = tuple(sorted(parents))
        names = TASKS[dataset.task].label_names(dataset, rows)
        relations = _relations_of(dataset.labels, rows) if dataset.task == "joint" else ()
        return cls(dataset.task, names, fine, relations, tuple(parents[name] for name in fine))

    @property
    def types(self) -> tuple[str, ...]:
        """The entity types, in the order of their labels.

        >>> LabelSet("ner", ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")).types
        ('PER', 'LOC')
        """
        if self.task_name == "joint":
            return tuple(name for name in self.names if name not in self.relations)
        return tuple(dict.fromkeys(name[2:] for name in self.names if name[1:2] == "-"))

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


def _relations_of(labels: Sequence[str], samples: Sequence[Sample]) -> tuple[str, ...]:
    """Return the relations among the labels of joint data: what stands behind the last label that is a type."""
    types = {entity.type for row in samples for entity in row.entities or ()}
    last = max((number for number, label in enumerate(labels) if label in types), default=-1)
    return tuple(labels[last + 1 :])
