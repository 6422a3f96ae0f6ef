"""FL-MSRE: a table of Chinese sentences in which two persons are marked, and their relation."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from schemas.dataset import NO_RELATION
from schemas.errors import InputError
from schemas.records import Sample, Span
from schemas.text_files import TextFile
from trainer.data.readers.validation import check_sample, unknown_label

__all__ = ["read_flmsre"]

_COLUMNS = ("marked", "head_id", "tail_id", "relation")
_MARK = re.compile(r"<(/?)(head|tail)>")


def read_flmsre(file: TextFile, split: str, labels: Sequence[str] | None, counters: Counter[str]) -> Iterator[Sample]:
    """Read the rows of a table: each character of a sentence is a token, the marks are head and tail.

    `group` names the pair of persons: a fair episode has no pair in both its support and its queries.

    Args:
        file: CSV with a line of names: marked, head_id, tail_id, relation and others that are not read.
        split: of the samples; their ids begin with it (`train-1`, in the order of the file, from 1).
        labels: the relations that may occur; None accepts any.
        counters: `overlapping_spans` are counted here.

    Raises:
        InputError: a column is missing, a sentence without both marks, an unknown relation; with file and line.
    """
    rows = csv.DictReader((line + "\n" for _, line in file.lines()), strict=True)
    number = 0
    try:
        missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise InputError(f"no column {missing[0]!r} in the first line", path=str(file), place="line 1")
        for number, row in enumerate(rows, start=1):
            place = f"line {rows.line_num}"
            if any(row[name] is None for name in _COLUMNS) or None in row:
                raise InputError("another number of columns than the first line", path=str(file), place=place)
            yield check_sample(_to_sample(row, f"{split}-{number}", split, labels, file, place, counters), file, place)
    except csv.Error as error:
        raise InputError(f"not CSV ({error})", path=str(file), place=f"row {number + 1}") from error


def _to_sample(
    row: dict[str, str],
    sample_id: str,
    split: str,
    labels: Sequence[str] | None,
    file: TextFile,
    place: str,
    counters: Counter[str],
) -> Sample:
    text, spans = _unmark(row["marked"])
    if sorted(spans) != ["head", "tail"]:
        raise InputError("a sentence needs one <head>...</head> and one <tail>...</tail>", path=str(file), place=place)
    head, tail = spans["head"], spans["tail"]
    counters["overlapping_spans"] += head.start < tail.end and tail.start < head.end
    relation = row["relation"].strip() or NO_RELATION
    relation = NO_RELATION if relation.lower() == "none" else relation
    if labels is not None and relation not in labels:
        raise unknown_label("relation", relation, labels, file, place)
    pair = f"{row['head_id']} {row['tail_id']}"
    return Sample(sample_id, tuple(text), head=head, tail=tail, relation=relation, split=split, group=pair)


def _unmark(marked: str) -> tuple[str, dict[str, Span]]:
    """Return a sentence without its marks, and the spans that they enclosed; {} where a mark is missing or doubled.

    >>> _unmark("<tail>木叉</tail>道<head>王</head>")
    ('木叉道王', {'tail': Span(start=0, end=2), 'head': Span(start=3, end=4)})
    """
    text, opened, spans, last = "", dict[str, int](), dict[str, Span](), 0
    for match in _MARK.finditer(marked):
        text, last = text + marked[last : match.start()], match.end()
        is_end, name = match.groups()
        if name in spans or (name in opened) != bool(is_end):
            return text, {}
        if is_end:
            spans[name] = Span(opened[name], len(text))
        else:
            opened[name] = len(text)
    return text + marked[last:], spans
