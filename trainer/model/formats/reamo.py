"""Reamo's answer: types and names, and behind a name that the picture shows a call of the tool that finds it.

    person: Messi <Module>ImageSegmentation</Module> <Instruction>Messi: person</Instruction>; location: New York

Source: scofield7419/MUIE-REAMO, predict.py: the calls are cut out, the rest is the text part. There the first call
alone is followed, and none that runs over several lines; here all of them are. The form of the text part is not in the
repository: here `type: name` and `relation: head, tail`, as InstructUIE writes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from schemas.records import Entity, Sample, Span
from trainer.model.formats.alignment import Aligner
from trainer.model.formats.pattern import Choice, Copy, Filled, Pattern
from trainer.model.formats.pattern_format import Part, Slots, squeezed
from trainer.model.formats.settings import ReamoSettings
from trainer.model.formats.text_format import Answer
from trainer.model.formats.umie import TypedFormat
from trainer.model.formats.words import FormatLabels, label_words

__all__ = ["ReamoFormat"]

_CALL = re.compile(r"<Module>(?P<tool>.{0,100}?)</Module>\s*<Instruction>(?P<words>.{0,500}?)</Instruction>", re.DOTALL)
_MARK = re.compile(r"</?(?:Module|Instruction|region|SP)>")
_TOOL = "ImageSegmentation"


class _Call(NamedTuple):
    """A call of the tool: the name that it is for, and where it stands."""

    name: str
    start: int


class ReamoFormat(TypedFormat):
    """Reads and writes the answers of a model that calls tools.

    >>> sample, labels = Sample("1", ("Hi", "Messi")), FormatLabels(("PER",))
    >>> ReamoFormat(labels, ReamoSettings()).read("person: Messi", sample).records
    (Entity(start=1, end=2, type='PER', fine=None, boxes=(), score=None),)
    """

    has_grammar = False

    def __init__(self, labels: FormatLabels, settings: ReamoSettings) -> None:
        self.content = settings.content
        if settings.content == "relations":
            slots = (Choice("relation", label_words(labels.relations)), ": ", Copy("head"), ", ", Copy("tail"))
            self.pattern = Pattern(slots, between="; ", is_ordered=False)
        else:
            self.pattern = Pattern((Choice("type", label_words(labels.types)), ": ", Copy("span")), between="; ")

    def render(self, sample: Sample, rows: Sequence[Filled]) -> str:
        """Return filled slots as a text, with a call behind each entity that the picture shows."""
        if self.content == "relations":
            return super().render(sample, rows)
        aligner, parts = Aligner(sample.tokens), []
        words = label_words(name for name in self._types())
        for row in rows:
            span, word = row["span"], words[str(row["type"])]
            assert isinstance(span, Span)
            name = aligner.name_in_order(span)
            call = f" <Module>{_TOOL}</Module> <Instruction>{name}: {word}</Instruction>"
            parts.append(f"{word}: {name}{call if row['shown'] == 'yes' else ''}")
        return "; ".join(parts)

    def read(self, text: str, sample: Sample) -> Answer:
        """Return the records of an answer, each with its call, and the faults. Never raises."""
        calls, faults = [], []
        for match in _CALL.finditer(text):
            name = match["words"].rpartition(":")[0] or match["words"]
            if match["tool"].strip() == _TOOL:
                calls.append(_Call(name, match.start()))
            else:
                faults.append("no such region")  # a tool for sound or film
        # blanks of the same length: the offsets of what is left stay right
        plain = _CALL.sub(lambda match: " " * len(match[0]), text)
        faults += ["malformed"] * len(_MARK.findall(plain))
        answer = super().read(_MARK.sub(lambda match: " " * len(match[0]), plain), sample)
        regions, lost = self._assign(answer, calls, sample)
        return answer._replace(faults=(*answer.faults, *faults, *lost), regions=regions)

    def read_one(self, part: Part, aligner: Aligner, sample: Sample) -> tuple[Slots | None, str]:
        """Return the slots of one part, or its fault. A name may hold the comma that parts head and tail."""
        row, fault = super().read_one(part, aligner, sample)
        if row is not None or self.content != "relations":
            return (row._replace(region=part.start) if row and self.content == "entities" else row), fault
        word, _, rest = part.text.partition(":")
        choice = self.pattern.record[0]
        assert isinstance(choice, Choice)
        label = next((label for label, name in choice.words.items() if squeezed(name) == squeezed(word)), None)
        for comma in re.finditer(",", rest[:400] if label else ""):
            names = rest[: comma.start()].strip(), rest[comma.end() :].strip()
            head, _ = self.span(Copy("head"), names[0], aligner, sample)
            tail, _ = self.span(Copy("tail"), names[1], aligner, sample)
            if head is not None and tail is not None:
                return Slots({"relation": str(label), "head": head, "tail": tail}, None), ""
        return None, fault

    def _types(self) -> tuple[str, ...]:
        choice = self.pattern.record[0]
        assert isinstance(choice, Choice)
        return tuple(choice.words)

    def _assign(
        self, answer: Answer, calls: Sequence[_Call], sample: Sample
    ) -> tuple[tuple[int | None, ...], list[str]]:
        """Return the call of each entity: the last one of that name before the call, else the first behind it."""
        regions: list[int | None] = [None] * len(answer.records)
        faults = []
        for call in calls:
            named = [
                i
                for i, row in enumerate(answer.records)
                if regions[i] is None and isinstance(row, Entity) and _is_name(call.name, row, sample)
            ]
            before = [i for i in named if (answer.regions[i] or 0) <= call.start]
            if not named:
                faults.append("region of no entity")
                continue
            regions[before[-1] if before else named[0]] = call.start
        return tuple(regions), faults


def _is_name(name: str, row: Entity, sample: Sample) -> bool:
    surface = squeezed(" ".join(sample.tokens[row.start : row.end]))
    return squeezed(re.sub(r" \[\d+\]$", "", name.strip())) == surface or squeezed(name) == surface
