"""GMNER and FMNERG: columns of tokens, tags and fine tags, and the boxes in which the picture shows an entity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from schemas.entities import find_entities
from schemas.errors import InputError
from schemas.records import Entity, Sample
from schemas.text_files import TextFile
from trainer.data.readers.boxes import PictureBoxes
from trainer.data.readers.twitter import image_file
from trainer.data.readers.validation import check_sample, check_tags

__all__ = ["COARSE_TYPES", "ColumnBlock", "read_blocks", "read_gmner"]

COARSE_TYPES = {
    "person": "PER", "organization": "ORG", "location": "LOC", "building": "LOC",
    "event": "OTHER", "art": "OTHER", "product": "OTHER", "other": "OTHER",
}  # fmt: skip
"""FMNERG's coarse type -> GMNER's type. Source: the two sets, compared entity by entity: no exception in 16,772."""


class ColumnBlock(NamedTuple):
    """The lines of one post.

    Args:
        key: what follows the prefix on the line above; None where there is no such line.
        rows: the columns of each token's line.
        line: number of its first line, from 1.
        tokens_line: number of the first token's line.
    """

    key: str | None
    rows: list[list[str]]
    line: int
    tokens_line: int


def read_blocks(file: TextFile, prefix: str, columns: Sequence[int]) -> Iterator[ColumnBlock]:
    """Read the posts of a file of columns parted by tabs, with a blank line or a line `prefix...` between posts.

    Args:
        file: to read.
        prefix: of the line that names a post's picture.
        columns: how many columns a line may have; all lines of a file have as many.

    Raises:
        InputError: a line has another number of columns, or an empty one; a key without tokens; with the line.
    """
    key: str | None = None
    rows: list[list[str]] = []
    first, first_row, width = 0, 0, 0
    for number, line in [*file.lines(), (0, "")]:
        is_key = line.startswith(prefix) and "\t" not in line
        if is_key or not line.strip(" \t"):
            if rows:
                yield ColumnBlock(key, rows, first or first_row, first_row)
            elif key is not None:
                raise InputError("a picture without a sentence", path=str(file), place=f"line {first}")
            key, first, rows = (line[len(prefix) :].strip(), number, []) if is_key else (None, 0, [])
            continue
        cells = line.split("\t")
        width = width or len(cells)
        if len(cells) not in columns or len(cells) != width or not cells[0] or not all(map(str.strip, cells[1:])):
            wanted = f"{width} columns" if width in columns else f"{' or '.join(map(str, columns))} columns"
            raise InputError(
                f"a line must hold {wanted} parted by tabs, this is {line[:60]!r}",
                path=str(file), place=f"line {number}",
            )  # fmt: skip
        first_row = number if not rows else first_row
        rows.append([cells[0], *map(str.strip, cells[1:])])


def read_gmner(
    file: TextFile,
    split: str,
    labels: Sequence[str] | None,
    counters: Counter[str],
    boxes: Mapping[str, PictureBoxes] | None = None,
) -> Iterator[Sample]:
    """Read the posts of GMNER (token, tag) or FMNERG (token, coarse tag, fine tag), with their entities as records.

    An entity has all boxes whose name equals its tokens, joined by one blank: two entities of a post with one surface
    share their boxes.

    Args:
        file: columns parted by tabs; `IMGID:123` before a post names its picture `123.jpg`.
        split: of the samples; their ids begin with it (`train-1`, in the order of the file, from 1).
        labels: the (coarse) entity types that may occur; None accepts any.
        counters: by split: `boxes` that an entity has, `names_without_entity`, `shared_surfaces` (entities whose
            surface stands before them in the post), `boxes_outside`.
        boxes: stem of a picture's file -> what was drawn in it.

    Raises:
        InputError: a malformed line or tag, an unknown type, fine tags with other bounds; with file and line.
    """
    for number, block in enumerate(read_blocks(file, "IMGID:", (2, 3)), start=1):
        tokens, tags, *fine = zip(*block.rows, strict=True)
        places = [f"line {block.tokens_line + i}" for i in range(len(tokens))]
        check_tags(tags, labels, file, places)
        if fine:
            check_tags(fine[0], None, file, places)
        entities = _with_fine(find_entities(tags), fine[0], file, places) if fine else find_entities(tags)
        drawn = (boxes or {}).get(block.key or "")
        image = image_file(block.key) if block.key else None
        sample = Sample(f"{split}-{number}", tokens, image, tags=tags, split=split)
        if drawn is not None:
            _count_boxes(drawn, sample, entities, counters)
            entities = [
                row._replace(boxes=tuple(box for name, box in drawn.boxes if name == surface))
                for row, surface in zip(entities, _surfaces(sample, entities), strict=True)
            ]
        names = _surfaces(sample, entities)
        counters[f"{split}_shared_surfaces"] += len(names) - len(set(names))
        yield check_sample(with_entities(sample, entities), file, f"line {block.line}")


def with_entities(sample: Sample, entities: Sequence[Entity]) -> Sample:
    """Return a sample with these entities beside its tags."""
    return Sample(
        sample.sample_id, sample.tokens, sample.image, tags=sample.tags, split=sample.split, entities=tuple(entities)
    )


def _with_fine(entities: Sequence[Entity], fine: Sequence[str], file: TextFile, places: Sequence[str]) -> list[Entity]:
    """Join each entity with the fine type of the same tokens."""
    by_span = {row[:2]: row.type for row in find_entities(fine)}
    for row in entities:
        if row[:2] not in by_span:
            raise InputError("the fine tags have other bounds here", path=str(file), place=places[row.start])
    if len(by_span) != len(entities):
        lone = min(set(by_span) - {row[:2] for row in entities})
        raise InputError("the fine tags have an entity more here", path=str(file), place=places[lone[0]])
    return [row._replace(fine=by_span[row[:2]]) for row in entities]


def _surfaces(sample: Sample, entities: Sequence[Entity]) -> list[str]:
    return [" ".join(sample.tokens[row.start : row.end]) for row in entities]


def _count_boxes(drawn: PictureBoxes, sample: Sample, entities: Sequence[Entity], counters: Counter[str]) -> None:
    surfaces = set(_surfaces(sample, entities))
    counters[f"{sample.split}_boxes"] += sum(name in surfaces for name, _ in drawn.boxes)
    counters[f"{sample.split}_names_without_entity"] += len({name for name, _ in drawn.boxes} - surfaces)
    counters[f"{sample.split}_boxes_outside"] += drawn.outside()
