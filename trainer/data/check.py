"""Checks of a converted data set: counts against the published ones, tags, images, repetitions, version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from schemas.dataset import NO_RELATION, Dataset
from schemas.display import tell
from schemas.entities import find_entities
from schemas.errors import UsageError
from schemas.image_files import find_image
from schemas.records import Sample
from trainer.data.field_files import Fields
from trainer.data.findings import Finding, first_names
from trainer.data.known_sets import KNOWN_SETS, PublishedCounts
from trainer.data.overlap import find_repetitions
from trainer.data.record_checks import (
    check_boxes,
    check_leaks,
    check_order,
    check_records,
    count_boxes,
)
from trainer.data.versions import describe_version

__all__ = ["check_dataset", "count_orphans"]


def check_dataset(
    dataset: Dataset,
    samples: Mapping[str, Sequence[Sample]],
    images: Path | None = None,
    fields: Fields | None = None,
) -> list[Finding]:
    """Check all splits of a data set, and return the findings in the order of the splits.

    Args:
        dataset: the description of the set.
        samples: split -> samples.
        images: the folder of its images; None leaves them unchecked.
        fields: what else a system could read of a sample (`read_fields`), for the leak test.

    Raises:
        UsageError: images is no folder.
    """
    if images is not None and not images.is_dir():
        raise UsageError("there is no such folder of images", path=images)
    known = KNOWN_SETS.get(dataset.name)
    findings: list[Finding] = []
    for split, rows in samples.items():
        published = known.published.get(split) if known else None
        findings += _check_counts(split, rows, published)
        findings += _check_tags(split, rows, published)
        findings += _check_tokens(split, rows)
        findings += _check_pairs(split, rows)
        findings += check_records(dataset, split, rows)
        findings += _check_images(split, rows, images)
        findings += check_boxes(split, rows, images)
        version = describe_version(dataset.name, split, rows)
        findings.append(Finding(split, "version", len(rows), f"version: {version}", is_warning=False))
    for known_split in known.published if known else ():
        if known_split not in samples:
            findings.append(Finding(known_split, "absent_split", 0, "this split is absent", is_warning=True))
    findings += check_order(samples) + check_leaks(samples, fields or {})
    return findings + [
        Finding("all", "repetition", row.count, f"{row.count} {row.name}", is_warning=False, examples=row.examples)
        for row in find_repetitions(samples)
    ]


def count_orphans(tags: Sequence[str]) -> int:
    """Count I- tags that follow neither a B- nor an I- tag of their own entity type.

    >>> count_orphans(["I-PER", "I-PER", "B-LOC", "I-PER"])
    2
    """
    pairs = zip(["O", *tags], tags, strict=False)  # (the tag before, the tag)
    return sum(tag.startswith("I-") and before not in (tag, f"B-{tag[2:]}") for before, tag in pairs)


def _check_counts(split: str, rows: Sequence[Sample], published: PublishedCounts | None) -> list[Finding]:
    if published is None:
        return []
    counted = {
        "samples": len(rows),
        "entities": sum(_count_entities(row) for row in rows),
        "no_relation": sum(row.relation == NO_RELATION for row in rows),
        "groundable": sum(bool(entity.boxes) for row in rows for entity in row.entities or ()),
        "boxes": count_boxes(rows),
        "relations": sum(len(row.relations or ()) for row in rows),
    }
    findings = []
    for name, count in counted.items():
        expected = getattr(published, name)
        if expected is None:
            continue
        verdict = "as published" if count == expected else f"published are {expected}"
        message = f"{count} {_COUNTED[name]}: {verdict}"
        findings.append(Finding(split, f"count_{name}", count, message, is_warning=count != expected))
    return findings


_COUNTED = {
    "samples": "samples",
    "entities": "entities (B- tags, or records where there are no tags)",
    "no_relation": "pairs without a relation",
    "groundable": "entities that the picture shows",
    "boxes": "boxes of entities",
    "relations": "relations",
}


def _count_entities(row: Sample) -> int:
    if row.tags is None:
        return len(row.entities or ())
    return sum(tag.startswith("B-") for tag in row.tags)


def _check_tags(split: str, rows: Sequence[Sample], published: PublishedCounts | None) -> list[Finding]:
    counts = {row.sample_id: count_orphans(row.tags) for row in rows if row.tags}
    total = sum(counts.values())
    expected = published.orphans if published else None
    if not total and not expected:
        return []
    default = sum(len(find_entities(row.tags or ())) for row in rows)
    strict = sum(len(find_entities(row.tags or (), "strict")) for row in rows)
    known = "" if expected is None else ", as known of this set" if total == expected else f", known are {expected}"
    message = f"{total} orphan I- tags{known}: {default} entities by the default convention, {strict} by the strict one"
    examples = first_names(sample_id for sample_id, count in counts.items() if count)
    return [Finding(split, "orphan_tags", total, message, is_warning=total != expected, examples=examples)]


def _check_tokens(split: str, rows: Sequence[Sample]) -> list[Finding]:
    blank = [row.sample_id for row in rows if any(not token.strip() for token in row.tokens)]
    if not blank:
        return []
    message = f"{len(blank)} samples with a token of white space only (kept: its tag belongs to it)"
    return [Finding(split, "blank_tokens", len(blank), message, is_warning=False, examples=first_names(blank))]


def _check_pairs(split: str, rows: Sequence[Sample]) -> list[Finding]:
    pairs = [(row, row.head, row.tail) for row in rows if row.head is not None and row.tail is not None]
    cases = {
        "last_token": ("pairs with an entity that ends at the last token", [
            row.sample_id for row, head, tail in pairs if len(row.tokens) in (head.end, tail.end)
        ]),
        "overlapping_spans": ("pairs whose spans overlap", [
            row.sample_id for row, head, tail in pairs if head.start < tail.end and tail.start < head.end
        ]),
    }  # fmt: skip
    return [
        Finding(split, kind, len(ids), f"{len(ids)} {words}", is_warning=False, examples=first_names(ids))
        for kind, (words, ids) in cases.items()
        if ids
    ]


def _check_images(split: str, rows: Sequence[Sample], images: Path | None) -> list[Finding]:
    without = [row.sample_id for row in rows if row.image is None]
    findings = []
    if without:
        message = f"{len(without)} samples without an image"
        findings.append(
            Finding(split, "no_image", len(without), message, is_warning=False, examples=first_names(without))
        )
    if images is None:
        return findings
    names = sorted({row.image for row in rows if row.image is not None})
    paths = {name: find_image(images, split, name) for name in names}
    missing = [name for name, path in paths.items() if path is None]
    broken = []
    # each file is opened: tens of thousands take minutes, so progress is shown
    for number, (name, path) in enumerate(paths.items()):
        tell("images", number, len(paths), "images")
        if path is not None and not _is_image(path):
            broken.append(name)
    for kind, words, files in (("missing_images", "missing", missing), ("broken_images", "not readable", broken)):
        message = f"{len(files)} of {len(names)} image files are {words}"
        findings.append(Finding(split, kind, len(files), message, is_warning=bool(files), examples=first_names(files)))
    return findings


def _is_image(path: Path) -> bool:
    """Return whether Pillow can read a file as an image; a JPEG that is cut off still counts as one."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return True
