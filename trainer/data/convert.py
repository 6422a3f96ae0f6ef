"""A data set from its own files to our samples: which reader, which splits, which labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from schemas.dataset import NO_RELATION, Dataset, Task, read_dataset, read_samples, write_dataset
from schemas.errors import InputError, UsageError
from schemas.manifest import InputFile, sha256_file
from schemas.records import Sample
from schemas.text_files import TextFile
from trainer.data.conll import read_conll, type_of
from trainer.data.jsonl import read_jsonl
from trainer.data.known_sets import KNOWN_SETS
from trainer.data.mnre import read_mnre
from trainer.data.wikidiverse import read_wikidiverse

__all__ = ["READERS", "Dataset", "convert_files", "read_dataset", "read_samples"]

Reader = Callable[[TextFile, str, Sequence[str] | None, "Counter[str]"], Iterator[Sample]]
READERS: dict[str, Reader] = {
    "conll": read_conll,
    "mnre": read_mnre,
    "wikidiverse": read_wikidiverse,
    "jsonl": read_jsonl,
}
Progress = Callable[[str, int], None]


def convert_files(
    files: Mapping[str, TextFile],
    out: Path,
    *,
    name: str,
    format: str | None = None,  # noqa: A002 - the word of the command line
    labels: Sequence[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    reader: Reader | None = None,
) -> Dataset:
    """Convert the files of a data set, one per split.

    Args:
        files: split -> file.
        out: the folder to write.
        name: of a known set, which settles format and labels; or any other name.
        format: a name of READERS; None takes that of the known set.
        labels: entity types or relations that may occur; None takes the known set's, or those that occur.
        overwrite: replace a data set that is there.
        progress: told (split, samples so far), if any.
        reader: reads the files, in place of one of READERS.

    Raises:
        UsageError: no format for an unknown name, or a data set is there already.
        InputError: a fault in a file, with its line.
    """
    known = KNOWN_SETS.get(name)
    reader = reader or READERS.get(format or (known.format if known else ""))
    if reader is None:
        raise UsageError(
            f"no format {format!r} for the set {name!r}" if format else f"{name!r} is not a known set",
            remedy=f"choose --format from {', '.join(READERS)}, or --set from {', '.join(KNOWN_SETS)}",
        )
    wanted = labels if labels is not None else known.labels if known else None
    counters: Counter[str] = Counter()
    samples: dict[str, list[Sample]] = {}
    for split, file in files.items():
        samples[split] = _collect(reader(file, split, wanted, counters), split, file, progress)
    task = _task(samples)
    return write_dataset(
        out,
        samples,
        name=name,
        task=task,
        labels=wanted if wanted is not None else _labels(samples, task),
        inputs=_inputs(files),
        counters={key: value for key, value in sorted(counters.items()) if value},
        overwrite=overwrite,
    )


def _collect(samples: Iterator[Sample], split: str, file: TextFile, progress: Progress | None) -> list[Sample]:
    rows: list[Sample] = []
    seen: set[str] = set()
    for sample in samples:
        if sample.sample_id in seen:
            raise InputError(f"two samples have the id {sample.sample_id!r}", path=str(file))
        seen.add(sample.sample_id)
        rows.append(sample)
        if progress is not None:
            progress(split, len(rows))
    if not rows:
        raise InputError("no sample in this file", path=str(file))
    return rows


def _task(samples: Mapping[str, Sequence[Sample]]) -> Task:
    rows = [row for part in samples.values() for row in part]
    has_pairs = any(row.head is not None for row in rows)
    if has_pairs and any(row.tags is not None for row in rows):
        raise InputError("some samples have tags and some have head and tail: one data set has one task")
    return "re" if has_pairs else "ner"


def _labels(samples: Mapping[str, Sequence[Sample]], task: Task) -> list[str]:
    """Collect the labels that occur: entity types by name; relations with None first."""
    rows = [row for part in samples.values() for row in part]
    if task == "ner":
        return sorted({kind for row in rows for tag in row.tags or () if (kind := type_of(tag))})
    return [NO_RELATION, *sorted({row.relation for row in rows if row.relation} - {NO_RELATION})]


def _inputs(files: Mapping[str, TextFile]) -> list[InputFile]:
    paths = sorted({file.path for file in files.values()})
    return [InputFile(path.name, path.stat().st_size, sha256_file(path)) for path in paths]
