"""RiVEG's files of entities by picture and surface, and its counting of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from schemas.errors import InputError
from schemas.records import Box
from schemas.text_files import TextFile
from trainer.metrics.counts import Counts, Score
from trainer.metrics.records import is_same_region

__all__ = ["RivegEntity", "RivegLevel", "read_riveg", "score_riveg"]

_NUMBER = r"-?\d+(?:\.\d+)?"
_BOX = re.compile(rf"\[({_NUMBER}), ({_NUMBER}), ({_NUMBER}), ({_NUMBER})\]")
_NAME = re.compile(r"(.+)\(([^()]+)\)", re.DOTALL)
_PREDICTED_IMAGE = re.compile(r"Imageid:(.+)#[0-9a-f]+")
RivegLevel = tuple[bool, bool]
"""Whether the type must be right, whether the region must."""


class RivegEntity(NamedTuple):
    """An entity by its picture and surface: the files do not say where it stands in the text.

    Args:
        image: file name of the picture.
        surface: its tokens, joined by blanks.
        type: PER, LOC, ORG or OTHER.
        expansion: the words for it that the language model found.
        is_groundable: whether the picture shows it.
        boxes: where; () in predictions, whose grounding is another file.
    """

    image: str
    surface: str
    type: str
    expansion: str
    is_groundable: bool
    boxes: tuple[Box, ...] = ()


def read_riveg(file: TextFile) -> Iterator[RivegEntity]:
    """Read gold entities (GMNER_finall_label.txt) or predicted ones (OFAVE_to_OFAREC_augment.txt).

    Gold: `image###surface(TYPE)###expansion###0 or 2###&[x1, y1, x2, y2]&[...]`; predicted:
    `Imageid:image#number###surface(TYPE)###expansion###0 or 2`. 2 is groundable. The box of an entity that is not
    groundable is four zeros.

    Raises:
        InputError: a line has another form; with its number.
    """
    for number, line in file.lines():
        if line.strip():
            yield _parse(line, file, f"line {number}")


def _parse(line: str, file: TextFile, place: str) -> RivegEntity:
    parts = line.strip().split("###")
    image = _PREDICTED_IMAGE.fullmatch(parts[0]).group(1) if _PREDICTED_IMAGE.fullmatch(parts[0]) else parts[0]  # type: ignore[union-attr]
    name = _NAME.fullmatch(parts[1]) if len(parts) in (4, 5) else None
    if name is None or parts[3] not in ("0", "2"):
        raise InputError(f"not a line of RiVEG's: {line[:80]!r}", path=str(file), place=place)
    is_groundable = parts[3] == "2"
    boxes: tuple[Box, ...] = ()
    if len(parts) == 5:
        if re.sub(_BOX, "", parts[4]).strip("&") or not _BOX.search(parts[4]):
            raise InputError(f"not boxes: {parts[4][:80]!r}", path=str(file), place=place)
        boxes = tuple(Box(*map(float, numbers)) for numbers in _BOX.findall(parts[4])) if is_groundable else ()
    return RivegEntity(image, name.group(1), name.group(2), parts[2], is_groundable, boxes)


def score_riveg(
    gold: Sequence[RivegEntity],
    predicted: Sequence[RivegEntity],
    ground: Callable[[RivegEntity], Box | None] = lambda _: None,
    level: RivegLevel = (True, True),
) -> Score:
    """Score entities as RiVEG's script does: by surface, each gold entity removed once a prediction has used it.

    Args:
        gold: with boxes.
        predicted: in their order, which the rule can depend on.
        ground: the box that a grounder gives for a predicted entity that is groundable.
        level: (True, True) is GMNER, (True, False) MNER, (False, True) EEG.

    Source: JinYuanLi0012/RiVEG, statistic.py: IoU of at least 0.5 with any gold box, one box per prediction.

    >>> row = RivegEntity("1.jpg", "Ann", "PER", "", True, (Box(0, 0, 10, 10),))
    >>> score_riveg([row], [row], lambda _: Box(0, 0, 10, 5)).f1, score_riveg([row], [row]).f1
    (1.0, 0.0)
    """
    needs_type, needs_region = level
    left: dict[tuple[str, ...], list[RivegEntity]] = {}
    for row in gold:
        left.setdefault(_key(row, needs_type), []).append(row)
    right = 0
    for row in predicted:
        rows = left.get(_key(row, needs_type), [])
        box = ground(row) if needs_region and row.is_groundable else None
        found = next((other for other in rows if not needs_region or _is_shown(other, row, box)), None)
        if found is not None:
            rows.remove(found)
            right += 1
    return Score.of(Counts(right, len(predicted), len(gold)))


def _key(row: RivegEntity, needs_type: bool) -> tuple[str, ...]:
    return (row.image, row.surface, row.type) if needs_type else (row.image, row.surface)


def _is_shown(gold: RivegEntity, predicted: RivegEntity, box: Box | None) -> bool:
    if not gold.is_groundable or not predicted.is_groundable:
        return not gold.is_groundable and not predicted.is_groundable
    return box is not None and is_same_region(gold.boxes, (box,))
