"""Conversion of a data set from its own files to our samples: which reader, which splits, which labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from schemas.dataset import NO_RELATION, Dataset, Task, write_dataset
from schemas.errors import InputError, UsageError
from schemas.manifest import InputFile, sha256_file
from schemas.records import Sample
from schemas.text_files import TextFile
from trainer.data.jsonl import read_jsonl
from trainer.data.known_sets import KNOWN_SETS
from trainer.data.mnre import read_mnre
from trainer.data.twitter import read_columns
from trainer.data.validation import entity_type
from trainer.data.wikidiverse import read_wikidiverse

__all__ = ["READERS", "SampleReader", "convert_files"]

SampleReader = Callable[[TextFile, str, Sequence[str] | None, "Counter[str]"], Iterator[Sample]]
"""(file, split, labels that may occur or None, counters to add to) -> the samples, in the order of the file."""
READERS: dict[str, SampleReader] = {
    "conll": read_columns,
    "mnre": read_mnre,
    "wikidiverse": read_wikidiverse,
    "jsonl": read_jsonl,
}
"""The word after --format -> reader. A new format is a file beside this one, and a line here."""


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
        inputs=_describe_inputs(files),
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


def _find_task(samples: Mapping[str, Sequence[Sample]]) -> Task:
    rows = [row for part in samples.values() for row in part]
    has_pairs = any(row.head is not None for row in rows)
    if has_pairs and any(row.tags is not None for row in rows):
        raise InputError("some samples have tags and some have head and tail: one data set has one task")
    return "re" if has_pairs else "ner"


def _find_labels(samples: Mapping[str, Sequence[Sample]], task: Task) -> list[str]:
    """Collect the labels that occur: entity types by name; relations with None first."""
    rows = [row for part in samples.values() for row in part]
    if task == "ner":
        return sorted({kind for row in rows for tag in row.tags or () if (kind := entity_type(tag))})
    return [NO_RELATION, *sorted({row.relation for row in rows if row.relation} - {NO_RELATION})]


def _describe_inputs(files: Mapping[str, TextFile]) -> list[InputFile]:
    paths = sorted({file.path for file in files.values()})  # a zip archive of all splits is one input
    return [InputFile(path.name, path.stat().st_size, sha256_file(path)) for path in paths]
