"""Fields that stand in files of their own: a value for each sample, by its row, its id or its picture."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from schemas.context_cache import read_context_rows
from schemas.errors import InputError, UsageError
from schemas.records import Sample
from schemas.text_files import TextFile, find_split_files, split_of

__all__ = ["Fields", "context_fields", "read_fields"]

_MAX_BYTES = 256 * 1024 * 1024
_LABELS = {"relation", "tags", "label", "labels", "entities", "relations"}
"""Keys that are the gold label itself."""
_IDS = ("sample_id", "id")
_IMAGES = ("img_id", "image", "image_id", "img_path")
Fields: TypeAlias = dict[str, dict[str, list[str | None]]]
"""Name of a field -> split -> its value for each sample."""


def read_fields(source: str, samples: Mapping[str, Sequence[Sample]]) -> Fields:
    """Read the fields of a source for the samples of a data set.

    A file is a JSON list or dict, or has an object (JSON or a Python literal) a line. Values belong to samples by row
    where there are as many, else by id or by picture. Keys of objects are fields; those with one prefix (`known_h`,
    `known_t`) are one more field together.

    Args:
        source: a file named after a split, a folder or a zip archive; `PATH!WORD` takes the files with WORD in their
            name.
        samples: split -> samples.

    Raises:
        UsageError: no file is named after a split of the data set.
        InputError: a file cannot be read, or its values belong to no sample.
    """
    fields: Fields = {}
    for split, file in _find_files(source, samples).items():
        for name, values in _read_file(file, samples[split]).items():
            fields.setdefault(name, {})[split] = values
    return fields


def context_fields(folder: Path, samples: Mapping[str, Sequence[Sample]]) -> Fields:
    """Read each source of a context cache as a field: a sample's contexts, joined in order of rank."""
    texts: dict[tuple[str, str], list[str]] = {}
    rows = sorted(read_context_rows(folder), key=lambda row: row.rank)
    for row in rows:
        texts.setdefault((row.source, row.sample_id), []).append(f"{row.title} {row.text}")
    return {
        source: {
            split: [" ".join(texts.get((source, row.sample_id), [])) or None for row in part]
            for split, part in samples.items()
        }
        for source in sorted({row.source for row in rows})
    }


def _find_files(source: str, samples: Mapping[str, Sequence[Sample]]) -> dict[str, TextFile]:
    path, _, word = source.partition("!")
    if Path(path).is_file() and not path.endswith(".zip"):
        split = split_of(Path(path).name) or (next(iter(samples)) if len(samples) == 1 else None)
        files = {split: TextFile(Path(path))} if split else {}
    else:
        files = dict(find_split_files(Path(path), word))
    found = {split: file for split, file in files.items() if split in samples}
    if not found:
        raise UsageError(
            "no file here is named after a split of the data set", path=source, remedy="name it train, dev or test"
        )
    return found


def _read_file(file: TextFile, rows: Sequence[Sample]) -> dict[str, list[str | None]]:
    value = _parse(file)
    if isinstance(value, dict):
        if len(value) == len(rows) and all(key == str(i) for i, key in enumerate(value)):
            value = list(value.values())
        else:
            return {file_stem(file): _by_key(value, rows, file)}
    objects = [item if isinstance(item, dict) else {file_stem(file): item} for item in value]
    columns: dict[str, list[Any]] = {
        key: [item.get(key) for item in objects]
        for key in dict.fromkeys(key for item in objects for key in item if key not in (*_LABELS, *_IDS, *_IMAGES))
    }
    prefixes = [key.partition("_")[0] for key in columns if "_" in key]
    for prefix in [name for name in dict.fromkeys(prefixes) if prefixes.count(name) > 1]:
        parts = [columns[key] for key in list(columns) if key.startswith(f"{prefix}_")]
        columns[f"{prefix}_*"] = [" ".join(_text(cell) or "" for cell in cells) for cells in zip(*parts, strict=True)]
    return {key: _spread(objects, values, rows, file) for key, values in columns.items()}


def _parse(file: TextFile) -> Any:
    """Parse a file as one JSON value, or line by line."""
    data = file.read_bytes(_MAX_BYTES)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return [_parse_line(line, file, number) for number, line in file.lines() if line.strip()]
    return value if isinstance(value, dict | list) else [value]


def _parse_line(line: str, file: TextFile, number: int) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(line.strip()) if line.lstrip().startswith("{") and len(line) < 100_000 else line
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise InputError(f"neither JSON nor a literal ({error})", path=str(file), place=f"line {number}") from error


def _spread(
    objects: Sequence[dict[str, Any]], values: Sequence[Any], rows: Sequence[Sample], file: TextFile
) -> list[str | None]:
    """Return a value for each sample: by text and pair where the objects hold them, else by row, id or picture."""
    if objects and all(isinstance(item.get(name), str) for item in objects for name in ("text", "head", "tail")):
        pairs = [_squeeze(item["text"], item["head"], item["tail"]) for item in objects]
        by_pair = dict(zip(pairs, values, strict=True))
        found = [_text(by_pair.get(_squeeze(" ".join(row.tokens), *_names(row)))) for row in rows]
        if any(value is not None for value in found):
            return found
    if len(objects) == len(rows):
        return [_text(value) for value in values]
    for names in (_IDS, _IMAGES):
        keys = [next((str(item[name]) for name in names if name in item), None) for item in objects]
        table = {key: value for key, value in zip(keys, values, strict=True) if key is not None}
        if table:
            return _by_key(table, rows, file)
    raise InputError(f"{len(objects)} values for {len(rows)} samples, without ids or pictures", path=str(file))


def _squeeze(*texts: str) -> tuple[str, ...]:
    """Return texts without blanks: others join the tokens of a text in another way."""
    return tuple("".join(text.split()) for text in texts)


def _names(row: Sample) -> tuple[str, str]:
    head, tail = (" ".join(row.tokens[end.start : end.end]) if end else "" for end in (row.head, row.tail))
    return head, tail


def _by_key(table: Mapping[str, Any], rows: Sequence[Sample], file: TextFile) -> list[str | None]:
    """Return the value of each sample by its id, or by the name of its picture."""
    names = {Path(key).name: value for key, value in table.items()}

    def find(row: Sample) -> Any:
        image = Path(row.image or "")
        keys = (row.sample_id, row.sample_id.partition("-")[2], image.name, image.stem)
        return next((names[key] for key in keys if key in names), None)

    values = [_text(find(row)) for row in rows]
    if all(value is None for value in values):
        raise InputError("no value belongs to a sample of the data set, by id or by picture", path=str(file))
    return values


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return " ".join(filter(None, map(_text, value))) if isinstance(value, list) else json.dumps(value)


def file_stem(file: TextFile) -> str:
    """Return the name of a field that is a whole file: that of the file without the split."""
    stem = Path(file.member or file.path.name).stem
    return "_".join(part for part in stem.split("_") if split_of(part) is None) or stem
