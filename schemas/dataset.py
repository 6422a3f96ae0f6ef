"""The folder of a converted data set: one table of samples per split, and `dataset.json`, written last."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import SAMPLES_VERSION
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, UsageError
from schemas.manifest import InputFile, write_json_atomically
from schemas.records import Box, Entity, Relation, Sample, Span
from schemas.tables import SAMPLES, read_table
from schemas.text_files import SPLITS

__all__ = [
    "DATASET_NAME",
    "NO_RELATION",
    "Dataset",
    "SplitInfo",
    "Task",
    "find_fault",
    "fingerprint_samples",
    "input_digest",
    "read_dataset",
    "read_samples",
    "write_dataset",
]

DATASET_NAME = "dataset.json"
NO_RELATION = "None"
Task = Literal["ner", "re", "joint"]
_KIND = "samples"
_NEW_FIELDS = ("entities", "relations", "group", "step")
_REMEDY = "convert it again: mie-train data convert SOURCE --out FOLDER --overwrite"


@dataclass(frozen=True)
class SplitInfo:
    """One split: its rows, and the hash of all that they hold (`fingerprint_samples`)."""

    rows: int
    fingerprint: str


@dataclass(frozen=True)
class Dataset:
    """The description of a folder of samples.

    Args:
        name: of a known set (`twitter2015`), or what the user calls it.
        task: ner (tags; entities as records too where they have fine types or boxes), re (the relation of a pair), or
            joint (records alone: entities, and relations of any number).
        labels: entity types without prefix, or relations with "None" first; of joint, the types and then the relations.
        splits: by name, in the order train, dev, test.
        inputs: the files it was made from.
        counters: how often the reader had to decide something, by name.
    """

    name: str
    task: Task
    labels: tuple[str, ...]
    splits: dict[str, SplitInfo]
    inputs: tuple[InputFile, ...]
    counters: dict[str, int]
    kind: str = _KIND
    schema_version: int = SAMPLES_VERSION


def input_digest(sample: Sample) -> str:
    """Return a digest of what a source of contexts can see of a sample: id, tokens and image, never a label.

    >>> a = Sample("test-1", ("Rome",), tags=("O",))
    >>> input_digest(a) == input_digest(Sample("test-1", ("Rome",), tags=("B-LOC",)))
    True
    """
    return _hash([sample.sample_id, sample.tokens, sample.image])[:16]


def fingerprint_samples(samples: Iterable[Sample]) -> str:
    """Hash samples with their labels, in their order.

    The hash of a sample that has none of the fields of version 2 is the one of version 1: runs and caches that were
    made from such samples stay valid when the data is converted again.
    """
    digest = hashlib.sha256()
    for sample in samples:
        row = _to_row(sample)
        if all(row[name] is None for name in _NEW_FIELDS):
            row = {name: value for name, value in row.items() if name not in _NEW_FIELDS}
        digest.update(_hash(list(row.values())).encode())
    return digest.hexdigest()


def find_fault(sample: Sample) -> str | None:
    """Return the first fault of a sample, or None.

    >>> find_fault(Sample("a", ("x", "")))
    'token 2 is empty'
    >>> find_fault(Sample("a", ("x", "y"), tags=("O",)))
    '2 tokens but 1 tags'
    """
    if not sample.tokens:
        return "empty token list"
    if "" in sample.tokens:
        return f"token {sample.tokens.index('') + 1} is empty"
    if sample.tags is not None and len(sample.tags) != len(sample.tokens):
        return f"{len(sample.tokens)} tokens but {len(sample.tags)} tags"
    try:
        json.dumps(_to_row(sample), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "text with half of a surrogate pair, which is not Unicode text"
    return _fault_of_pair(sample) or _fault_of_image(sample.image) or next(_faults_of_records(sample), None)


def _fault_of_pair(sample: Sample) -> str | None:
    if (sample.head is None) != (sample.tail is None):
        return "head without tail, or tail without head"
    if sample.relation is not None and sample.head is None:
        return "a relation without head and tail"
    ends = (("head", sample.head), ("tail", sample.tail))
    return next((fault for name, end in ends if end is not None and (fault := _fault_of_end(name, end, sample))), None)


def _fault_of_image(image: str | None) -> str | None:
    if image is None:
        return None
    path = PurePosixPath(image)
    if not image.strip() or image.endswith("/") or path.is_absolute() or ".." in path.parts or "\0" in image:
        return f"broken image reference {image!r} (it must be a file name within the folder of images)"
    return None


def _faults_of_records(sample: Sample) -> Iterator[str]:
    for number, entity in enumerate(sample.entities or (), start=1):
        ends: list[Span | Box] = [Span(entity.start, entity.end), *entity.boxes]
        for end in ends:
            if fault := _fault_of_end(f"entity {number}", end, sample):
                yield fault
    for number, relation in enumerate(sample.relations or (), start=1):
        for name, end in (("head", relation.head), ("tail", relation.tail)):
            if fault := _fault_of_end(f"{name} of relation {number}", end, sample):
                yield fault
    if sample.step is not None and sample.step < 0:
        yield f"step {sample.step} is below 0"


def _fault_of_end(name: str, end: Span | Box, sample: Sample) -> str | None:
    if isinstance(end, Box):
        is_sound = all(map(math.isfinite, end)) and end.x1 < end.x2 and end.y1 < end.y2
        return None if is_sound else f"{name} has no box of pixels: {tuple(end)}"
    start, stop = end
    if 0 <= start < stop <= len(sample.tokens):
        return None
    return f"{name} [{start}, {stop}) is not a span of {len(sample.tokens)} tokens"


def write_dataset(
    folder: Path,
    samples: Mapping[str, Sequence[Sample]],
    *,
    name: str,
    task: Task,
    labels: Sequence[str],
    inputs: Sequence[InputFile],
    counters: Mapping[str, int],
    overwrite: bool = False,
) -> Dataset:
    """Write the samples of each split and then `dataset.json`.

    Raises:
        UsageError: the folder holds a data set already, and overwrite is false.
        ValueError: a sample has a fault, or two have one id (readers check before).
    """
    described = folder / DATASET_NAME
    if described.exists() and not overwrite:
        raise UsageError("there is a data set here already", path=folder, remedy="add --overwrite")
    _check_samples(samples)
    folder.mkdir(parents=True, exist_ok=True)
    described.unlink(missing_ok=True)
    splits = {split: samples[split] for split in SPLITS if split in samples}
    for split, rows in splits.items():
        temporary = folder / f"{split}.parquet.tmp"
        pq.write_table(pa.Table.from_pylist([_to_row(row) for row in rows], schema=SAMPLES), temporary)
        temporary.replace(folder / f"{split}.parquet")
    info = {split: SplitInfo(len(rows), fingerprint_samples(rows)) for split, rows in splits.items()}
    dataset = Dataset(name, task, tuple(labels), info, tuple(inputs), dict(counters))
    write_json_atomically(described, asdict(dataset))
    return dataset


def read_dataset(folder: str | Path) -> Dataset:
    """Read the description of a folder of samples.

    Raises:
        IndexNotFound: it has no `dataset.json`.
        IndexCorrupt: that file is not one of ours.
        IndexMismatch: it was written under another schema version.
    """
    path = Path(folder) / DATASET_NAME
    if not path.is_file():
        raise IndexNotFound("no converted data set here (there is no dataset.json)", path=folder, remedy=_REMEDY)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or values.get("kind") != _KIND:
            raise ValueError("not the description of a data set")
        if values["schema_version"] != SAMPLES_VERSION:
            raise IndexMismatch(
                f"schema version {values['schema_version']}, this program reads {SAMPLES_VERSION}",
                path=path,
                remedy=_REMEDY,
            )
        splits = {split: SplitInfo(**values["splits"][split]) for split in SPLITS if split in values["splits"]}
        inputs = tuple(InputFile(**row) for row in values["inputs"])
        return Dataset(**{**values, "labels": tuple(values["labels"]), "splits": splits, "inputs": inputs})
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise IndexCorrupt(f"unreadable description ({error})", path=path, remedy=_REMEDY) from error


def read_samples(folder: str | Path, split: str) -> list[Sample]:
    """Read the samples of one split.

    Raises:
        UsageError: the data set has no such split.
        IndexCorrupt: the rows differ from `dataset.json`.
    """
    dataset = read_dataset(folder)
    if split not in dataset.splits:
        raise UsageError(f"no split {split!r}, there are: {', '.join(dataset.splits)}", path=folder)
    path = Path(folder) / f"{split}.parquet"
    samples = [_to_sample(row) for row in read_table(path, SAMPLES, _REMEDY).to_pylist()]
    if fingerprint_samples(samples) != dataset.splits[split].fingerprint:
        raise IndexCorrupt("the rows differ from dataset.json", path=path, remedy=_REMEDY)
    return samples


def _check_samples(samples: Mapping[str, Sequence[Sample]]) -> None:
    seen: set[str] = set()
    for split, rows in samples.items():
        if split not in SPLITS:
            raise ValueError(f"unknown split {split!r}")
        for row in rows:
            fault = "another split" if row.split != split else find_fault(row)
            if fault or row.sample_id in seen:
                raise ValueError(f"sample {row.sample_id!r}: {fault or 'its id stands twice'}")
            seen.add(row.sample_id)


def _to_row(sample: Sample) -> dict[str, Any]:
    """Return a sample as plain values, by column in the order of the table."""
    row: dict[str, Any] = {name: getattr(sample, name) for name in SAMPLES.names}  # asdict copies tokens
    for name in ("head", "tail"):
        span = row[name]
        row[name] = None if span is None else {"start": span[0], "end": span[1]}
    if sample.entities is not None:
        row["entities"] = [
            {**entity._asdict(), "boxes": [box._asdict() for box in entity.boxes]} for entity in sample.entities
        ]
    if sample.relations is not None:
        row["relations"] = [
            {**relation._asdict(), "head": _end_to_row(relation.head), "tail": _end_to_row(relation.tail)}
            for relation in sample.relations
        ]
    return row


def _to_sample(row: Mapping[str, Any]) -> Sample:
    values = dict(row)
    values["tokens"] = tuple(row["tokens"])
    values["tags"] = None if row["tags"] is None else tuple(row["tags"])
    for name in ("head", "tail"):
        values[name] = None if row[name] is None else Span(**row[name])
    if row["entities"] is not None:
        values["entities"] = tuple(
            Entity(**{**entity, "boxes": tuple(Box(**box) for box in entity["boxes"])}) for entity in row["entities"]
        )
    if row["relations"] is not None:
        values["relations"] = tuple(
            Relation(**{**relation, "head": _row_to_end(relation["head"]), "tail": _row_to_end(relation["tail"])})
            for relation in row["relations"]
        )
    return Sample(**values)


def _end_to_row(end: Span | Box) -> dict[str, Any]:
    return {"span": end._asdict(), "box": None} if isinstance(end, Span) else {"span": None, "box": end._asdict()}


def _row_to_end(row: Mapping[str, Any]) -> Span | Box:
    return Span(**row["span"]) if row["span"] is not None else Box(**row["box"])


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()
