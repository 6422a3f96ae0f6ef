"""Imports expansions: texts about one entity of a post, keyed by its span, as RiVEG and SCANNER use them."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from indexer.contexts.import_rows import Given, import_parameters, is_text, picture_names, write_import
from schemas.context_cache import CacheInfo
from schemas.dataset import read_dataset, read_samples
from schemas.errors import InputError
from schemas.records import Sample
from schemas.text_files import TextFile, find_text_files

__all__ = ["find_spans", "import_expansions"]

_REMEDY = (
    "give lines `IMAGE###NAME(TYPE)###EXPANSION###...` as RiVEG has them, or lines of JSON: "
    '{"sample_id": "test-1", "start": 0, "end": 2, "text": "..."}'
)
_ENTITY = re.compile(r"(?P<name>.*?)\s*\((?P<type>[^()]*)\)")
_IMAGE = re.compile(r"(?:imageid:)?(?P<image>.*?)(?:#[0-9a-f]+)?", re.IGNORECASE)
"""RiVEG's second file has `Imageid:71044.jpg#7060`."""


class _Line(NamedTuple):
    """An expansion: of a sample or of a picture, about a span or a name."""

    sample_id: str
    image: str
    span: tuple[int, int] | None
    name: str
    text: str


def import_expansions(
    files: Path,
    samples: Path,
    out: Path,
    source: str,
    *,
    allow_unmatched: bool = False,
    overwrite: bool = False,
) -> CacheInfo:
    """Import expansions of entities, from a file, a folder or a zip archive; `matched` is the span: "start-end".

    RiVEG names the picture of a post and the entity: it is found among the tokens, as it stands there or in other case;
    of a name that stands several times, its first line is about the first place, and so on. The type behind the name is
    a label, gold or predicted: it is left out of the context.

    Args:
        files: RiVEG's lines, or lines of JSON with sample_id, start, end and text.
        samples: the folder of the data set.
        out: the folder of the cache.
        source: its name there.
        allow_unmatched: leave out lines of other posts, or of names that the tokens do not have, instead of an error.
        overwrite: replace another cache.

    Raises:
        InputError: a line of neither form, or about nothing in the samples, with file and line.
    """
    dataset = read_dataset(samples)
    rows = {split: read_samples(samples, split) for split in dataset.splits}
    places = _Places([row for part in rows.values() for row in part])
    given: dict[str, list[Given]] = defaultdict(list)
    found = find_text_files(files)
    unmatched = 0
    for file in found:
        for number, line in file.lines():
            if not line.strip():
                continue
            read = _read(line, file, number)
            place = places.find(read)
            if place is None:
                unmatched += 1
                if not allow_unmatched:
                    raise InputError(
                        f"no sample has this entity: {line[:80]!r}",
                        path=str(file),
                        place=f"line {number}",
                        remedy="import the file of these samples, or add --allow-unmatched",
                    )
                continue
            sample, start, end = place
            name = " ".join(sample.tokens[start:end])
            given[sample.sample_id].append(Given(f"{name}: {read.text}", f"{start}-{end}", "", name))
    if not given:
        raise InputError("no expansion is of an entity of these samples", path=files, remedy=_REMEDY)
    parameters = import_parameters("expansions", found, samples, rows, unmatched_lines=unmatched)
    return write_import(out, source, rows, given, parameters, overwrite=overwrite)


class _Places:
    """Finds the span that a line is about; a name that comes again is looked for behind its last place."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._by_id = {sample.sample_id: sample for sample in samples}
        self._names = picture_names(sample.image for sample in samples)
        self._of_image: dict[str, list[Sample]] = defaultdict(list)
        for sample in samples:
            self._of_image[sample.image or ""].append(sample)
        self._used: dict[tuple[str, str], int] = defaultdict(int)

    def find(self, line: _Line) -> tuple[Sample, int, int] | None:
        """Return the sample and the span of a line; None where there is none."""
        if line.span is not None:
            sample = self._by_id.get(line.sample_id)
            start, end = line.span
            return (sample, start, end) if sample is not None and 0 <= start < end <= len(sample.tokens) else None
        key = (line.image, line.name)
        for sample in self._of_image.get(self._names.get(line.image, line.image), []):
            spans = find_spans(sample.tokens, line.name)
            if spans:
                number = min(self._used[key], len(spans) - 1)
                self._used[key] += 1
                return sample, *spans[number]
        return None


def find_spans(tokens: Sequence[str], name: str) -> list[tuple[int, int]]:
    """Return the half-open spans of tokens that read as a name, without regard to blanks; in other case if need be.

    >>> find_spans(["NBA", ":", "nba", "All", "-", "Star"], "NBA"), find_spans(["All", "-", "Star"], "all-star")
    ([(0, 1)], [(0, 3)])
    """
    for change in (str, str.lower):
        words = [change(token) for token in tokens]
        wanted = change("".join(name.split()))
        found = []
        for start in range(len(words)):
            joined = ""
            for end in range(start, len(words)):
                joined += words[end]
                if not wanted.startswith(joined):
                    break
                if joined == wanted:
                    found.append((start, end + 1))
                    break
        if found:
            return found
    return []


def _read(line: str, file: TextFile, number: int) -> _Line:
    """Read a line of either form.

    Raises:
        InputError: it has neither.
    """
    if line.lstrip().startswith("{"):
        return _read_json(line, file, number)
    parts = line.split("###")
    entity = _ENTITY.fullmatch(parts[1].strip()) if len(parts) >= 3 else None
    image = _IMAGE.fullmatch(parts[0].strip())
    if entity is None or image is None or not image["image"] or not entity["name"]:
        raise InputError(f"no expansion: {line[:80]!r}", path=str(file), place=f"line {number}", remedy=_REMEDY)
    # The second file repeats `NAME(TYPE)-` before the text, with the label in it.
    text = parts[2].strip().removeprefix(f"{parts[1].strip()}-").strip()
    return _Line("", image["image"], None, entity["name"], text)


def _read_json(line: str, file: TextFile, number: int) -> _Line:
    row: Any = None
    with suppress(ValueError, RecursionError):
        row = json.loads(line)
    if isinstance(row, Mapping):
        sample_id, text, start, end = (row.get(name) for name in ("sample_id", "text", "start", "end"))
        if is_text(sample_id) and is_text(text) and _is_number(start) and _is_number(end):
            return _Line(sample_id, "", (start, end), "", " ".join(text.split()))
    raise InputError(f"no expansion: {line[:80]!r}", path=str(file), place=f"line {number}", remedy=_REMEDY)


def _is_number(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)  # true is an int for Python
