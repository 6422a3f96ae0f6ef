"""Conversion of a data set from its own files to our samples: which reader, which splits, which labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from schemas.dataset import NO_RELATION, Dataset, Task, write_dataset
from schemas.errors import InputError, UsageError
from schemas.manifest import InputFile, sha256_file
from schemas.records import Sample
from schemas.text_files import TextFile
from trainer.data.known_sets import KNOWN_SETS
from trainer.data.readers import (
    entity_type,
    find_boxes,
    read_boxes,
    read_cmner,
    read_columns,
    read_flmsre,
    read_forms,
    read_gmner,
    read_jmere,
    read_jsonl,
    read_mnre,
    read_more,
    read_wikidiverse,
)

__all__ = ["READERS", "SampleReader", "convert_files"]

SampleReader = Callable[[TextFile, str, Sequence[str] | None, "Counter[str]"], Iterator[Sample]]
"""(file, split, labels that may occur or None, counters to add to) -> the samples, in the order of the file."""
READERS: dict[str, SampleReader] = {
    "conll": read_columns,
    "mnre": read_mnre,
    "wikidiverse": read_wikidiverse,
    "jsonl": read_jsonl,
    "gmner": read_gmner,
    "jmere": read_jmere,
    "more": read_more,
    "cmner": read_cmner,
    "flmsre": read_flmsre,
    "forms": read_forms,
}
"""The word after --format -> reader. A new format is a file in `readers`, and a line here."""
_WITH_BOXES = ("gmner",)
"""The formats whose boxes stand in files of their own."""


def convert_files(
    files: Mapping[str, TextFile],
    out: Path,
    *,
    name: str,
    format: str | None = None,  # noqa: A002 - the word of the command line
    labels: Sequence[str] | None = None,
    overwrite: bool = False,
    progress: Callable[[str, int], object] | None = None,
    reader: SampleReader | None = None,
    boxes: Path | None = None,
) -> Dataset:
    """Convert the files of a data set, one per split, and write the folder of samples.

    Args:
        files: split -> file.
        out: the folder to write.
        name: of a known set, which has its format and labels; or any other name.
        format: a key of READERS; None takes the format of the known set.
        labels: entity types or relations that may occur; None takes those of the known set, or all that occur.
        overwrite: replace a data set that is already there.
        progress: called with (split, samples so far) after each sample.
        reader: reads the files in place of one of READERS.
        boxes: folder or archive of Pascal VOC files, for formats with boxes; None takes what is called `xml` beside
            the files, where there is such a thing.

    Raises:
        UsageError: the name is unknown and there is no format, or a data set is already there.
        InputError: a fault in a file, with its line.
    """
    known = KNOWN_SETS.get(name)
    reader = reader or READERS.get(format or (known.format if known else ""))
    if reader is None:
        raise UsageError(
            f"no format {format!r} for the set {name!r}" if format else f"{name!r} is not a known set",
            remedy=f"choose --format from {', '.join(READERS)}, or --set from {', '.join(KNOWN_SETS)}",
        )
    boxes = _check_boxes(boxes, format or (known.format if known else ""), files)
    if boxes is not None:
        reader = partial(reader, boxes=read_boxes(boxes))  # type: ignore[call-arg]
    allowed = labels if labels is not None else known.labels if known else None
    counters: Counter[str] = Counter()
    samples = {
        split: _read_split(reader(file, split, allowed, counters), split, file, progress)
        for split, file in files.items()
    }
    task = _find_task(samples)
    return write_dataset(
        out,
        samples,
        name=name,
        task=task,
        labels=allowed if allowed is not None else _find_labels(samples, task),
        inputs=_describe_inputs([*(file.path for file in files.values()), *([boxes] if boxes else [])]),
        counters={key: value for key, value in sorted(counters.items()) if value},
        overwrite=overwrite,
    )


def _read_split(
    samples: Iterator[Sample], split: str, file: TextFile, progress: Callable[[str, int], object] | None
) -> list[Sample]:
    rows: list[Sample] = []
    ids: set[str] = set()
    for sample in samples:
        # contexts, vectors and predictions are joined to samples by their ids
        if sample.sample_id in ids:
            raise InputError(f"two samples have the id {sample.sample_id!r}", path=str(file))
        ids.add(sample.sample_id)
        rows.append(sample)
        if progress is not None:
            progress(split, len(rows))
    if not rows:
        raise InputError("no sample in this file", path=str(file))
    return rows


def _check_boxes(boxes: Path | None, format: str, files: Mapping[str, TextFile]) -> Path | None:  # noqa: A002
    """Return where the boxes of a format stand, or None."""
    if format not in _WITH_BOXES:
        if boxes is not None:
            raise UsageError(f"the format {format!r} has no files of boxes", remedy="leave --boxes out")
        return None
    return boxes or next((found for file in files.values() if (found := find_boxes(file.path))), None)


def _find_task(samples: Mapping[str, Sequence[Sample]]) -> Task:
    rows = [row for part in samples.values() for row in part]
    has_pairs = any(row.head is not None for row in rows)
    if has_pairs and any(row.tags is not None for row in rows):
        raise InputError("some samples have tags and some have head and tail: one data set has one task")
    if has_pairs:
        return "re"
    return "joint" if any(row.relations is not None for row in rows) else "ner"


def _find_labels(samples: Mapping[str, Sequence[Sample]], task: Task) -> list[str]:
    """Collect the labels that occur: entity types by name, then the relations; of pairs, None first."""
    rows = [row for part in samples.values() for row in part]
    types = {kind for row in rows for tag in row.tags or () if (kind := entity_type(tag))}
    types |= {entity.type for row in rows for entity in row.entities or ()}
    if task == "re":
        return [NO_RELATION, *sorted({row.relation for row in rows if row.relation} - {NO_RELATION})]
    relations = {relation.type for row in rows for relation in row.relations or ()}
    first = [NO_RELATION] if NO_RELATION in relations else []
    return [*sorted(types), *first, *sorted(relations - types - {NO_RELATION})]


def _describe_inputs(paths: Sequence[Path]) -> list[InputFile]:
    """Describe the files that were read; a zip archive of all splits is one, a folder is all files in it."""
    found = {path for path in paths if not path.is_dir()}
    found |= {file for path in paths if path.is_dir() for file in path.rglob("*") if file.is_file()}
    return [InputFile(path.name, path.stat().st_size, sha256_file(path)) for path in sorted(found)]
