"""Imports what a language model wrote about posts: JSON lines with the post, the text, the model and the prompt."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from indexer.contexts.import_rows import Given, import_parameters, is_text, write_import
from schemas.context_cache import CacheInfo
from schemas.dataset import read_dataset, read_samples
from schemas.display import tell
from schemas.errors import InputError
from schemas.text_files import TextFile, find_text_files

__all__ = ["import_knowledge"]

_REMEDY = (
    'give lines of JSON: {"sample_id": "test-1", "text": "...", "model": "...", "prompt_digest": "..."}; model and '
    "prompt_digest may be absent"
)
_ID_KEYS = ("sample_id", "id")
_TEXT_KEYS = ("text", "knowledge")


def import_knowledge(
    files: Path,
    samples: Path,
    out: Path,
    source: str,
    *,
    allow_unmatched: bool = False,
    overwrite: bool = False,
) -> CacheInfo:
    """Import texts of a language model, from a .jsonl file, a folder or a zip archive.

    Several texts of a post are ranked in their order. The model stands in the title of a context and the digest of the
    prompt in its doc_id; how many texts each wrote stands in the parameters of the cache.

    Args:
        files: lines of JSON: sample_id, text (or a list of texts), and perhaps model and prompt_digest.
        samples: the folder of the data set.
        out: the folder of the cache.
        source: its name there.
        allow_unmatched: leave out texts of posts that are no sample, instead of an error.
        overwrite: replace another cache.

    Raises:
        InputError: a line is no such object, or is of no sample, with file and line; or no text is of a sample.
    """
    dataset = read_dataset(samples)
    rows = {split: read_samples(samples, split) for split in dataset.splits}
    known = {row.sample_id for part in rows.values() for row in part}
    given: dict[str, list[Given]] = defaultdict(list)
    counts: Counter[str] = Counter()
    found = find_text_files(files)
    unmatched = 0
    for file in found:
        for number, line in file.lines():
            if not line.strip():
                continue
            tell("knowledge", number, 0, "lines")
            sample_id, texts = _read(line, file, number)
            if sample_id not in known:
                unmatched += 1
                if not allow_unmatched:
                    message = f"no sample {sample_id!r}"
                    raise InputError(message, path=str(file), place=f"line {number}", remedy="add --allow-unmatched")
                continue
            given[sample_id] += texts
            counts.update(f"{row.title or 'unnamed'} {row.doc_id}".strip() for row in texts)
    if not given:
        raise InputError("no text is of a sample", path=files, remedy=_REMEDY)
    facts = {"unmatched_lines": unmatched, "models_and_prompts": dict(sorted(counts.items()))}
    parameters = import_parameters("knowledge", found, samples, rows, **facts)
    return write_import(out, source, rows, given, parameters, overwrite=overwrite)


def _read(line: str, file: TextFile, number: int) -> tuple[str, list[Given]]:
    """Read the sample of a line and its texts.

    Raises:
        InputError: it is no object with both.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"no JSON ({error})", path=str(file), place=f"line {number}", remedy=_REMEDY) from error
    fault = "no object"
    if isinstance(row, Mapping):
        sample_id = next((row[key] for key in _ID_KEYS if key in row), None)
        text = next((row[key] for key in _TEXT_KEYS if key in row), None)
        texts: list[Any] = text if isinstance(text, list) else [text]
        marks = [row.get(key) or "" for key in ("model", "prompt_digest")]
        if all(is_text(part) for part in [sample_id, *texts, *marks]):
            return str(sample_id), [Given(" ".join(part.split()), "", marks[1], marks[0]) for part in texts]
        fault = "sample_id, text, model and prompt_digest must be texts"
    raise InputError(fault, path=str(file), place=f"line {number}", remedy=_REMEDY)
