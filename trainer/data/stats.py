"""The counts of a data set: samples, tokens, images, entities by type, relations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.entities import find_entities
from schemas.records import Entity, Sample
from trainer.metrics import surface_forms, to_markdown

__all__ = ["count_split", "stats_to_markdown"]


def count_split(rows: Sequence[Sample], train: Sequence[Sample] = ()) -> dict[str, Any]:
    """Count one split.

    Args:
        rows: the samples of the split.
        train: the training samples; entities whose surface form is not among theirs are counted as unseen.

    Returns:
        name -> count, and "labels" -> label -> count. Entities are read by the default convention (`trainer.metrics`).

    >>> count_split([Sample("a", ("Rome", "!"), tags=("B-LOC", "O"))])["labels"]
    {'LOC': 1}
    """
    lengths = sorted(len(row.tokens) for row in rows)
    relations = Counter(row.relation for row in rows if row.relation is not None)
    relations += Counter(relation.type for row in rows for relation in row.relations or ())
    tagged = [row for row in rows if row.tags is not None]
    found = [_entities_of(row) for row in rows if row.tags is not None or row.entities is not None]
    entities = Counter(entity.type for part in found for entity in part)
    known = surface_forms((row.tokens for row in train if row.tags), (row.tags for row in train if row.tags))
    # by form and not by mention: a name that occurs ten times in a sentence is one surface form
    unseen = sum(len(_surface_forms_of(row) - known) for row in tagged)
    return {
        "samples": len(rows),
        "distinct_sentences": len({row.tokens for row in rows}),
        "tokens": sum(lengths),
        "tokens_median": lengths[len(lengths) // 2] if lengths else 0,
        "tokens_max": lengths[-1] if lengths else 0,
        "with_image": sum(row.image is not None for row in rows),
        "distinct_images": len({row.image for row in rows if row.image is not None}),
        "without_labels": sum(_has_no_label(row) for row in rows),
        "without_entities": sum(not part for part in found),
        "entities_with_box": sum(bool(entity.boxes) for part in found for entity in part),
        "fine_types": len({entity.fine for part in found for entity in part} - {None}),
        "surface_forms_not_in_train": unseen,
        "labels": dict(sorted((entities + relations).items(), key=lambda item: (-item[1], item[0]))),
    }


def stats_to_markdown(stats: Mapping[str, Mapping[str, Any]]) -> str:
    """Return two Markdown tables: the counts with a row per split, and the labels with a column per split."""
    names = [name for name in next(iter(stats.values())) if name != "labels"]
    rows = [[split, *(counts[name] for name in names)] for split, counts in stats.items()]
    labels = dict.fromkeys(label for counts in stats.values() for label in counts["labels"])
    by_label = [[label, *(counts["labels"].get(label, 0) for counts in stats.values())] for label in labels]
    header = ["split", *(name.replace("_", " ") for name in names)]
    return to_markdown(header, rows) + "\n\n" + to_markdown(["label", *stats], by_label)


def _entities_of(row: Sample) -> Sequence[Entity]:
    """Return the entities of a sample: its records, or what its tags stand for."""
    return find_entities(row.tags or ()) if row.entities is None else row.entities


def _has_no_label(row: Sample) -> bool:
    return row.tags is None and row.relation is None and row.entities is None and row.relations is None


def _surface_forms_of(row: Sample) -> set[str]:
    return surface_forms([row.tokens], [row.tags or ()])
