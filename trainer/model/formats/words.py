"""The labels of a data set and the words that a text has for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from schemas.dataset import NO_RELATION
from schemas.entities import find_entities
from schemas.records import Sample

__all__ = ["FormatLabels", "label_words"]

_WORDS = {
    "PER": "person", "LOC": "location", "ORG": "organization", "MISC": "miscellaneous", "OTHER": "other",
    "per": "person", "loc": "location", "org": "organization", "misc": "miscellaneous",
}  # fmt: skip


@dataclass(frozen=True)
class FormatLabels:
    """The labels that a text may name.

    Args:
        types: of entities.
        fine: each fine type with the type that it belongs to; "" where that is not known.
        relations: without None, which is no record.
    """

    types: tuple[str, ...] = ()
    fine: tuple[tuple[str, str], ...] = ()
    relations: tuple[str, ...] = ()

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> FormatLabels:
        """Return the labels that samples have, sorted."""
        types, fine, relations = set(), set(), set()
        for sample in samples:
            for row in sample.entities if sample.entities is not None else find_entities(sample.tags or ()):
                types.add(row.type)
                if row.fine is not None:
                    fine.add((row.fine, row.type))
            relations |= {row.type for row in sample.relations or ()}
            if sample.relation not in (None, NO_RELATION):
                relations.add(str(sample.relation))
        return cls(tuple(sorted(types)), tuple(sorted(fine)), tuple(sorted(relations)))


def label_words(labels: Iterable[str]) -> dict[str, str]:
    """Return plain words for labels, no two of them equal.

    A path such as `/per/org/member_of` is called by its end where no other path ends so, else by all of its parts.

    >>> label_words(["PER", "/per/org/member_of", "/org/org/x", "/per/per/x"])
    {'PER': 'person', '/per/org/member_of': 'member of', '/org/org/x': 'org org x', '/per/per/x': 'per per x'}
    """
    names = list(labels)
    ends = Counter(name.rpartition("/")[2] for name in names)
    words = {}
    for name in names:
        end = name.rpartition("/")[2]
        chosen = end if ends[end] == 1 else name.strip("/").replace("/", " ")
        words[name] = _WORDS.get(chosen, chosen.replace("_", " "))
    return words if len(set(words.values())) == len(words) else {name: name for name in names}
