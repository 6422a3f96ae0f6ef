"""Is a converted data set what it should be: counts, tags, tokens, images, repetitions, version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.dataset import NO_RELATION, Dataset
from schemas.display import tell
from schemas.entities import find_entities
from schemas.errors import UsageError
from schemas.image_files import find_image
from schemas.records import Sample
from trainer.data.known_sets import KNOWN_SETS, Published
from trainer.data.overlap import find_repetitions
from trainer.data.versions import describe_version

__all__ = ["Finding", "check_dataset", "count_orphans"]

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that the reader of a result should know. is_warning: the data is not what it should be."""

    split: str
    kind: str
    count: int
    message: str
    is_warning: bool
    examples: tuple[str, ...] = ()


def check_dataset(
    dataset: Dataset, samples: Mapping[str, Sequence[Sample]], images: Path | None = None
) -> list[Finding]:
    """Check all splits of a data set; the findings stand in the order of the splits.

    Args:
        dataset: what it says of itself.
        samples: the rows of each split.
        images: the folder of its images; None checks none.

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
        findings += _check_images(split, rows, images)
        version = describe_version(dataset.name, split, rows)
        findings.append(Finding(split, "version", len(rows), f"version: {version}", is_warning=False))
    for known_split in known.published if known else ():
        if known_split not in samples:
            findings.append(Finding(known_split, "absent_split", 0, "this split is absent", is_warning=True))
    return findings + [_repetition(row.name, row.count, row.examples) for row in find_repetitions(samples)]


def count_orphans(tags: Sequence[str]) -> int:
    """Count I- tags that follow neither a B- nor an I- of their type.

    >>> count_orphans(["I-PER", "I-PER", "B-LOC", "I-PER"])
    2
    """
    pairs = zip(["O", *tags], tags, strict=False)
    return sum(tag.startswith("I-") and last not in (tag, f"B-{tag[2:]}") for last, tag in pairs)


def _check_counts(split: str, rows: Sequence[Sample], published: Published | None) -> list[Finding]:
    if published is None:
        return []
    counted = {
        "samples": len(rows),
        "entities": sum(tag.startswith("B-") for row in rows for tag in row.tags or ()),
        "no_relation": sum(row.relation == NO_RELATION for row in rows),
    }
    findings = []
    for name, count in counted.items():
        wanted = getattr(published, name)
        if wanted is not None:
            verdict = "as published" if count == wanted else f"published are {wanted}"
            findings.append(
                Finding(split, f"count_{name}", count, f"{count} {_WORDS[name]}: {verdict}", is_warning=count != wanted)
            )
    return findings


_WORDS = {"samples": "samples", "entities": "entities (B- tags)", "no_relation": "pairs without a relation"}


def _check_tags(split: str, rows: Sequence[Sample], published: Published | None) -> list[Finding]:
    counts = {row.sample_id: count_orphans(row.tags) for row in rows if row.tags}
    total = sum(counts.values())
    wanted = published.orphans if published else None
    if not total and not wanted:
        return []
    default = sum(len(find_entities(row.tags or ())) for row in rows)
    strict = sum(len(find_entities(row.tags or (), "strict")) for row in rows)
    known = "" if wanted is None else ", as known of this set" if total == wanted else f", known are {wanted}"
    message = f"{total} orphan I- tags{known}: {default} entities by the default convention, {strict} by the strict one"
    examples = _first(sample_id for sample_id, count in counts.items() if count)
    return [Finding(split, "orphan_tags", total, message, is_warning=total != wanted, examples=examples)]


def _check_tokens(split: str, rows: Sequence[Sample]) -> list[Finding]:
    blank = [row.sample_id for row in rows if any(not token.strip() for token in row.tokens)]
    if not blank:
        return []
    message = f"{len(blank)} samples with a token of white space only (kept: its tag belongs to it)"
    return [Finding(split, "blank_tokens", len(blank), message, is_warning=False, examples=_first(blank))]


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
        Finding(split, kind, len(found), f"{len(found)} {words}", is_warning=False, examples=_first(found))
        for kind, (words, found) in cases.items()
        if found
    ]


def _check_images(split: str, rows: Sequence[Sample], images: Path | None) -> list[Finding]:
    without = [row.sample_id for row in rows if row.image is None]
    findings = []
    if without:
        message = f"{len(without)} samples without an image"
        findings.append(Finding(split, "no_image", len(without), message, is_warning=False, examples=_first(without)))
    if images is None:
        return findings
    names = sorted({row.image for row in rows if row.image is not None})
    paths = {name: find_image(images, split, name) for name in names}
    missing = [name for name, path in paths.items() if path is None]
    broken = []
    for number, (name, path) in enumerate(paths.items()):
        tell("images", number, len(paths), "images")
        if path is not None and not _is_image(path):
            broken.append(name)
    for kind, words, found in (("missing_images", "missing", missing), ("broken_images", "not readable", broken)):
        message = f"{len(found)} of {len(names)} image files are {words}"
        findings.append(Finding(split, kind, len(found), message, is_warning=bool(found), examples=_first(found)))
    return findings


def _is_image(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return False
    return True


def _repetition(name: str, count: int, examples: Sequence[str]) -> Finding:
    return Finding("all", "repetition", count, f"{count} {name}", is_warning=False, examples=tuple(examples))


def _first(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name, _ in zip(names, range(_EXAMPLES), strict=False))
