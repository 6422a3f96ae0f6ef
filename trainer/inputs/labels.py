"""The classes of a task: the tags of entity types, or relations; and which number each has in a model."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas.dataset import Dataset, Task
from schemas.errors import InputError

__all__ = ["LabelSet"]


@dataclass(frozen=True)
class LabelSet:
    """What a model predicts.

    Args:
        task: ner or re.
        names: tags with O first, or relations; the number of a label is its place here.
    """

    task: Task
    names: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Dataset, tags: Iterable[Sequence[str] | None] = ()) -> LabelSet:
        """Make the labels of a data set: O, then B-X and I-X of each type; E-X and S-X too where tags have them."""
        if dataset.task == "re":
            return cls("re", dataset.labels)
        prefixes = "BIES" if any(tag[:2] in ("E-", "S-") for row in tags for tag in row or ()) else "BI"
        return cls("ner", ("O", *(f"{prefix}-{kind}" for kind in dataset.labels for prefix in prefixes)))

    def numbers(self, labels: Sequence[str], sample_id: str) -> tuple[int, ...]:
        """Return the numbers of labels.

        Raises:
            InputError: one is not of the set, with the sample and the nearest that is.

        >>> LabelSet("ner", ("O", "B-PER", "I-PER")).numbers(["B-PER", "O"], "a")
        (1, 0)
        """
        try:
            return tuple(self.names.index(label) for label in labels)
        except ValueError:
            unknown = next(label for label in labels if label not in self.names)
        near = difflib.get_close_matches(unknown, self.names, n=1)
        hint = f", did you mean {near[0]}" if near else ""
        kind = "tag" if self.task == "ner" else "relation"
        raise InputError(
            f"unknown {kind} {unknown!r}{hint}",
            place=f"sample {sample_id}",
            remedy=f"the model knows {', '.join(self.names)}",
        )
