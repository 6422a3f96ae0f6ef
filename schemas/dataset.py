"""The folder of a converted data set: one table of samples per split, and `dataset.json`, written last."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from schemas import SCHEMA_VERSION
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, UsageError
from schemas.manifest import InputFile, write_json_atomically
from schemas.records import Sample, Span
from schemas.tables import SAMPLES, find_null
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
    "read_table",
    "write_dataset",
]

DATASET_NAME = "dataset.json"
NO_RELATION = "None"
Task = Literal["ner", "re"]
_KIND = "samples"
_FIELDS = tuple(item.name for item in fields(Sample))
_REMEDY = "convert it again: mie-train data convert SOURCE --out FOLDER --overwrite"


@dataclass(frozen=True)
class SplitInfo:
    """One split: its rows, and the hash of all that they hold (`fingerprint_samples`)."""

    rows: int
    fingerprint: str


@dataclass(frozen=True)
class Dataset:
    """What a folder of samples holds.

    Args:
        name: of a known set (`twitter2015`), or what the user calls it.
        task: ner (tags) or re (relations).
        labels: entity types without prefix, or relations with "None" first.
        splits: by name, in the order train, dev, test.
        inputs: the files it was made from.
        counters: what the reader had to decide: name -> number.
    """

    name: str
    task: Task
    labels: tuple[str, ...]
    splits: dict[str, SplitInfo]
    inputs: tuple[InputFile, ...]
    counters: dict[str, int]
    kind: str = _KIND
    schema_version: int = SCHEMA_VERSION


def input_digest(sample: Sample) -> str:
    """Identify what a source of contexts can see of a sample: id, tokens and image, never a label.

    >>> a = Sample("test-1", ("Rome",), tags=("O",))
    >>> input_digest(a) == input_digest(Sample("test-1", ("Rome",), tags=("B-LOC",)))
    True
    """
    return _hash([sample.sample_id, sample.tokens, sample.image])[:16]


def fingerprint_samples(samples: Iterable[Sample]) -> str:
    """Hash samples with their labels, in their order."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(_hash(list(_row(sample).values())).encode())
    return digest.hexdigest()


def find_fault(sample: Sample) -> str | None:
    """Say what is wrong with a sample, or return None.

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
        json.dumps(_row(sample), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "text with half of a surrogate pair, which is not Unicode text"
    return _fault_of_pair(sample) or _fault_of_image(sample.image)


def _fault_of_pair(sample: Sample) -> str | None:
    if (sample.head is None) != (sample.tail is None):
        return "head without tail, or tail without head"
    if sample.relation is not None and sample.head is None:
        return "a relation without head and tail"
    for name, span in (("head", sample.head), ("tail", sample.tail)):
        if span is not None and not 0 <= span.start < span.end <= len(sample.tokens):
            return f"{name} [{span.start}, {span.end}) is not a span of {len(sample.tokens)} tokens"
    return None


def _fault_of_image(image: str | None) -> str | None:
    if image is None:
        return None
    path = PurePosixPath(image)
    if not image.strip() or image.endswith("/") or path.is_absolute() or ".." in path.parts or "\0" in image:
        return f"broken image reference {image!r} (a file name within the folder of images is wanted)"
    return None


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
        pq.write_table(pa.Table.from_pylist([_row(row) for row in rows], schema=SAMPLES), temporary)
        temporary.replace(folder / f"{split}.parquet")
    info = {split: SplitInfo(len(rows), fingerprint_samples(rows)) for split, rows in splits.items()}
    dataset = Dataset(name, task, tuple(labels), info, tuple(inputs), dict(counters))
    write_json_atomically(described, asdict(dataset))
    return dataset


def read_dataset(folder: str | Path) -> Dataset:
    """Read what a folder of samples holds.

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
        if values["schema_version"] != SCHEMA_VERSION:
            raise IndexMismatch(
                f"schema version {values['schema_version']}, this program reads {SCHEMA_VERSION}",
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
    samples = [_sample(row) for row in read_table(path, SAMPLES, _REMEDY).to_pylist()]
    if fingerprint_samples(samples) != dataset.splits[split].fingerprint:
        raise IndexCorrupt("the rows differ from dataset.json", path=path, remedy=_REMEDY)
    return samples


def read_table(path: Path, schema: pa.Schema, remedy: str) -> pa.Table:
    """Read a Parquet file that must have a schema and our schema version.

    Raises:
        IndexCorrupt: it is not readable, or its columns differ.
        IndexMismatch: it was written under another schema version.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise IndexCorrupt(f"not a readable Parquet file ({error})", path=path, remedy=remedy) from error
    if (table.schema.metadata or {}).get(b"schema_version") != str(SCHEMA_VERSION).encode():
        raise IndexMismatch("another schema version", path=path, remedy=remedy)
    if not table.schema.equals(schema):
        raise IndexCorrupt("columns differ from the contract", path=path, remedy=remedy)
    if (name := find_null(table)) is not None:
        raise IndexCorrupt("a value is not there", path=path, place=f"column {name}", remedy=remedy)
    return table


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


def _row(sample: Sample) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(sample, name) for name in _FIELDS}  # asdict copies every token
    for name in ("head", "tail"):
        span = getattr(sample, name)
        row[name] = None if span is None else {"start": span[0], "end": span[1]}
    return row


def _sample(row: dict[str, Any]) -> Sample:
    head, tail = (None if row[name] is None else Span(**row[name]) for name in ("head", "tail"))
    tags = None if row["tags"] is None else tuple(row["tags"])
    return Sample(**{**row, "tokens": tuple(row["tokens"]), "tags": tags, "head": head, "tail": tail})


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()
