"""E2E's text: `<answer>name|TYPE|[x1,y1,x2,y2];name|TYPE|None</answer>`, boxes in whole pixels.

Source: Finch-coder/E2E-GMNER, evaluation/metrics.py. An entity with several boxes has them all, parted by commas.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from schemas.records import Box, Entity, Relation, Sample, Span
from trainer.model.formats.alignment import Aligner
from trainer.model.formats.pattern import Choice, Copy, Filled, Pattern
from trainer.model.formats.pattern_format import Part, PatternFormat, Slots
from trainer.model.formats.settings import BoxesSettings
from trainer.model.formats.text_format import Answer
from trainer.model.formats.words import FormatLabels

__all__ = ["BoxesFormat"]

_BAR = r"\s*[|｜¦]\s*"
_NUMBER = r"\s*(-?\d{1,7}(?:\.\d{0,6})?)\s*"
_BOX = re.compile(rf"\[{_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}\]")
_NONE = "None"
_NO_BOX = "no such region"


class BoxesFormat(PatternFormat):
    """Writes entities with their boxes. An entity whose box is none keeps its name and type, and the fault is counted.

    >>> sample, labels = Sample("1", ("Hi", "Messi")), FormatLabels(("PER",))
    >>> text = BoxesFormat(labels, BoxesSettings()).write(sample, [Entity(1, 2, "PER", boxes=(Box(1, 2, 30, 40),))])
    >>> text
    '<answer>Messi|PER|[1,2,30,40]</answer>'
    """

    def __init__(self, labels: FormatLabels, settings: BoxesSettings) -> None:  # noqa: ARG002 - as all formats
        types = Choice("type", {name: name for name in labels.types})
        shown = Choice("shown", {"yes": "[box]", "no": _NONE})
        self.pattern = Pattern((Copy("span"), "|", types, "|", shown), ";", "<answer>", "</answer>")
        names = "|".join(re.escape(name) for name in sorted(labels.types, key=len, reverse=True))
        self.expression = re.compile(rf"\s*(.+?){_BAR}({names}){_BAR}(None|none|\[.*\])\s*", re.DOTALL)

    def fill(self, sample: Sample, records: Sequence[Entity | Relation]) -> list[Filled]:  # noqa: ARG002
        """Return the slots of entities, in the order of the text."""
        rows = sorted((row for row in records if isinstance(row, Entity)), key=lambda row: row[:2])
        return [
            {
                "span": Span(row.start, row.end),
                "type": row.type,
                "shown": "yes" if row.boxes else "no",
                "boxes": ",".join(f"[{','.join(str(round(side)) for side in box)}]" for box in row.boxes),
            }
            for row in rows
        ]

    def build(self, sample: Sample, row: Slots) -> list[Entity | Relation]:  # noqa: ARG002
        """Return the entity of a row, with the boxes of its text."""
        span, filled = row.filled["span"], row.filled
        assert isinstance(span, Span)
        boxes = [Box(*map(float, match.groups())) for match in _BOX.finditer(str(filled.get("boxes", "")))]
        return [Entity(span.start, span.end, str(filled["type"]), boxes=tuple(boxes))]

    def render(self, sample: Sample, rows: Sequence[Filled]) -> str:
        """Return filled slots as a text."""
        aligner, parts = Aligner(sample.tokens), []
        for row in rows:
            assert isinstance(row["span"], Span)
            parts.append(f"{aligner.name_in_order(row['span'])}|{row['type']}|{row.get('boxes') or _NONE}")
        return f"<answer>{';'.join(parts)}</answer>"

    def read_one(self, part: Part, aligner: Aligner, sample: Sample) -> tuple[Slots | None, str]:  # noqa: ARG002
        """Return the slots of one part, or its fault."""
        match = self.expression.fullmatch(part.text)
        if match is None:
            return None, "unknown label" if re.fullmatch(rf".+{_BAR}.*{_BAR}.+", part.text[:300]) else "malformed"
        span = aligner.place(match[1].strip())
        if span is None:
            return None, "not in the text"
        filled: dict[str, Span | str] = {"span": span, "type": match[2], "shown": "no", "boxes": ""}
        if match[3].lower() == _NONE.lower():
            return Slots(filled, None), ""
        filled["boxes"] = match[3] if _are_boxes(match[3]) else _NO_BOX
        return Slots({**filled, "shown": "yes"}, part.start + match.start(3)), ""

    def answer(self, sample: Sample, rows: Sequence[Slots], faults: list[str]) -> Answer:
        """Return filled slots as an answer; a box that is none is a fault, and its entity has no region."""
        faults = [*faults, *(_NO_BOX for row in rows if row.filled.get("boxes") == _NO_BOX)]
        right = [row._replace(region=None) if row.filled.get("boxes") == _NO_BOX else row for row in rows]
        return super().answer(sample, right, faults)


def _are_boxes(text: str) -> bool:
    """Return whether a text is boxes, each with an area inside the picture's first quadrant."""
    rest = _BOX.sub("", text).replace(",", "").strip()
    rows = [list(map(float, match.groups())) for match in _BOX.finditer(text)]
    return not rest and bool(rows) and all(0 <= x1 < x2 and 0 <= y1 < y2 for x1, y1, x2, y2 in rows)
