"""Checks of entities and relations as records: boxes, names, surfaces, and what a field or an order gives away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from schemas.dataset import NO_RELATION, Dataset
from schemas.image_files import find_image
from schemas.records import Box, Sample
from trainer.data.field_files import Fields
from trainer.data.findings import Finding, first_names
from trainer.data.leaks import Leak, probe_field
from trainer.metrics import label_by_order, score_relations

__all__ = ["check_boxes", "check_leaks", "check_order", "check_records"]

Splits = Mapping[str, Sequence[Sample]]
_COUNTED_BY_READER = {
    "names_without_entity": ("names in the boxes' files match no entity", True),
    "boxes_outside": ("boxes reach beyond their picture", True),
    "shared_surfaces": ("entities have the surface of an entity before them in the post, and its boxes", False),
}
"""Counter of the reader of boxes, after the split -> what it counts, and whether that is a warning."""


def check_records(dataset: Dataset, split: str, rows: Sequence[Sample]) -> list[Finding]:
    """Check the entities and relations of a split: how many have boxes, what their reader counted, which overlap."""
    findings = []
    for name, (words, is_warning) in _COUNTED_BY_READER.items():
        if count := dataset.counters.get(f"{split}_{name}"):
            findings.append(Finding(split, name, count, f"{count} {words}", is_warning))
    entities = [(row.sample_id, entity) for row in rows for entity in row.entities or ()]
    if not entities and not any(row.relations for row in rows):
        return findings
    shown = sum(bool(entity.boxes) for _, entity in entities)
    fine = len({entity.fine for _, entity in entities} - {None})
    relations = sum(relation.type != NO_RELATION for row in rows for relation in row.relations or ())
    message = f"{len(entities)} entities as records, {shown} with a box, {fine} fine types; {relations} relations"
    findings.append(Finding(split, "records", len(entities), message, is_warning=False))
    overlapping = [row.sample_id for row in rows if _overlap_in(row)]
    if overlapping:
        message = f"{len(overlapping)} samples with entities that overlap: tags cannot say them"
        findings.append(
            Finding(split, "overlapping_entities", len(overlapping), message, False, first_names(overlapping))
        )
    return findings


def count_boxes(rows: Sequence[Sample]) -> int:
    """Count the boxes of entities; two entities of a post with one surface share theirs, which count once."""
    boxes = {
        (row.sample_id, row.tokens[entity.start : entity.end]): len(entity.boxes)
        for row in rows
        for entity in row.entities or ()
    }
    return sum(boxes.values())


def check_boxes(split: str, rows: Sequence[Sample], images: Path | None) -> list[Finding]:
    """Check that boxes lie within their pictures, where the pictures are at hand.

    Boxes that are given in fractions of the picture must lie within 1.
    """
    if images is None:
        return []
    outside = []
    for row in rows:
        boxes = _boxes_of(row)
        if boxes and row.image is not None and (size := _size_of(find_image(images, split, row.image))) is not None:
            is_fraction = max(max(box) for box in boxes) <= 1
            width, height = (1, 1) if is_fraction else size
            if any(min(box[:2]) < 0 or box.x2 > width or box.y2 > height for box in boxes):
                outside.append(row.sample_id)
    if not outside:
        return []
    message = f"{len(outside)} samples with a box that reaches beyond the picture's file"
    return [Finding(split, "boxes_beyond_file", len(outside), message, True, first_names(outside))]


def check_order(samples: Splits) -> list[Finding]:
    """Report what the order of head and tail, and types in the names of relations, give away without a model."""
    train = samples.get("train", ())
    if not any(row.relation is not None for row in train):
        return []
    findings = []
    for split, rows in samples.items():
        gold = [row.relation or NO_RELATION for row in rows]
        score = score_relations(gold, label_by_order(train, rows))
        turned = sum(row.head is not None and row.tail is not None and row.tail.start < row.head.start for row in rows)
        message = f"{turned} pairs have the tail before the head: the order alone gives F1 {100 * score.f1:.2f}"
        findings.append(Finding(split, "order", turned, message, is_warning=False))
    fields = {split: [_types_in_name(row.relation) for row in rows] for split, rows in samples.items()}
    if any(value for values in fields.values() for value in values):
        leak = probe_field("types in the names of relations", samples, fields)
        message = (
            f"the names of relations hold the types of head and tail: given to a table they give F1 "
            f"{100 * leak.test_f1:.2f}, so no system may read types from there"
        )
        findings.append(Finding("all", "types_in_names", len(train), message, is_warning=False))
    return findings


def check_leaks(samples: Splits, fields: Fields) -> list[Finding]:
    """Test each field for the gold label; the order of the entities counts as what something harmless gives."""
    floor = 0.0
    test = samples.get("test") or samples.get("dev") or ()
    if samples.get("train") and any(row.relation for row in test):
        gold = [row.relation or NO_RELATION for row in test]
        floor = score_relations(gold, label_by_order(samples["train"], test)).f1
    return [_to_finding(probe_field(name, samples, field, floor), samples) for name, field in fields.items()]


def _to_finding(leak: Leak, samples: Splits) -> Finding:
    verdict = "gives the gold label away" if leak.is_leak else "does not give the gold label away"
    message = (
        f"field {leak.field!r} {verdict}: a table of its words {', '.join(leak.words) or '(none)'} has F1 "
        f"{100 * leak.test_f1:.2f} on samples that it was not made from ({100 * leak.train_f1:.2f} on the others), "
        f"the text {100 * leak.text_f1:.2f}"
    )
    return Finding("all", "leak", sum(map(len, samples.values())), message, is_warning=leak.is_leak)


def _types_in_name(relation: str | None) -> str | None:
    """Return the types that a name like `/per/org/member_of` holds, as words that no text has."""
    parts = (relation or "").split("/")
    return f"type_of_{parts[1]} type_of_{parts[2]}" if len(parts) == 4 and not parts[0] else None


def _overlap_in(row: Sample) -> bool:
    spans = sorted({(entity.start, entity.end) for entity in row.entities or ()})
    return any(one[1] > other[0] for one, other in pairwise(spans))


def _boxes_of(row: Sample) -> list[Box]:
    ends = [end for relation in row.relations or () for end in (relation.head, relation.tail)]
    return [box for entity in row.entities or () for box in entity.boxes] + [e for e in ends if isinstance(e, Box)]


def _size_of(path: Path | None) -> tuple[int, int] | None:
    """Return the size of a picture in pixels, or None where there is no readable one."""
    from PIL import Image

    try:
        if path is not None:
            with Image.open(path) as image:
                return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        pass
    return None
