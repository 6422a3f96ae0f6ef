"""Forms as FUNSD and its successors write them: fields with boxes, words and links, as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from schemas.errors import InputError
from schemas.records import Entity, Relation, Sample, Span
from schemas.text_files import TextFile
from trainer.data.readers.boxes import to_box
from trainer.data.readers.validation import check_sample, unknown_label

__all__ = ["read_forms"]

_MAX_BYTES = 64 * 1024 * 1024


class _Field(NamedTuple):
    """An entity of a form, and the ids that it is linked to, each with the name of the link."""

    entity: Entity
    links: tuple[tuple[int, int, str | None], ...]


def read_forms(file: TextFile, split: str, labels: Sequence[str] | None, counters: Counter[str]) -> Iterator[Sample]:
    """Read forms: the words of all fields are the tokens, each field is an entity with its box.

    A link from a question to an answer is the relation QUESTION-ANSWER; one that carries a name has that name. The
    picture of a form is named after its file: `a.json`, `a.png`.

    Args:
        file: {"form": [{"id", "box", "label", "words", "linking"}, ...]}, or a folder of such files.
        split: of the samples; their ids are the split and the name of the form's file.
        labels: labels of fields and names of relations that may occur; None accepts any.
        counters: `empty_words`, `empty_fields` (left out), `links_to_nothing`, `repeated_links` are counted here.

    Source: guillaumejaume.github.io/FUNSD; VT-NLP/Form-Document-IE, custom_re.py.

    Raises:
        InputError: no such JSON, a field without box, label or words, an unknown label; with file and place.
    """
    is_folder = file.member is None and file.path.is_dir()
    for form in sorted(file.path.rglob("*.json")) if is_folder else [None]:
        source = file if form is None else TextFile(form)
        stem = Path(source.member or source.path.name).stem
        yield check_sample(_read_form(source, stem, split, labels, counters), source, f"form {stem}")


def _read_form(file: TextFile, stem: str, split: str, labels: Sequence[str] | None, counters: Counter[str]) -> Sample:
    try:
        value = json.loads(file.read_bytes(_MAX_BYTES))
    except (ValueError, RecursionError) as error:
        raise InputError(f"not json ({error})", path=str(file)) from error
    rows = value.get("form") if isinstance(value, dict) else None
    if not isinstance(rows, list):
        raise InputError('not a form: {"form": [...]}', path=str(file))
    tokens: list[str] = []
    fields: dict[int, _Field] = {}
    for number, row in enumerate(rows, start=1):
        place = f"field {number}"
        words = _words(row, file, place, counters)
        if not words:
            counters["empty_fields"] += 1
            continue
        start = len(tokens)
        tokens += words
        field = _to_field(row, Span(start, len(tokens)), labels, file, place)
        if row["id"] in fields:
            raise InputError(f"two fields have the id {row['id']}", path=str(file), place=place)
        fields[row["id"]] = field
    relations = _relations(fields, counters)
    for relation in relations:
        if labels is not None and relation.type not in labels:
            raise unknown_label("relation", relation.type, labels, file, "links")
    return Sample(
        f"{split}-{stem}",
        tuple(tokens),
        f"{stem}.png",
        split=split,
        entities=tuple(field.entity for field in fields.values()),
        relations=relations,
    )


def _words(row: Any, file: TextFile, place: str, counters: Counter[str]) -> list[str]:
    words = row.get("words") if isinstance(row, dict) else None
    if not isinstance(words, list) or type(row.get("id")) is not int:
        raise InputError("a field needs 'id' and 'words'", path=str(file), place=place)
    texts = [word.get("text") if isinstance(word, dict) else None for word in words]
    if not all(isinstance(text, str) for text in texts):
        raise InputError("a word needs 'text'", path=str(file), place=place)
    counters["empty_words"] += sum(not text.strip() for text in texts if text is not None)
    return [text for text in texts if text and text.strip()]


def _to_field(row: dict[str, Any], span: Span, labels: Sequence[str] | None, file: TextFile, place: str) -> _Field:
    label, links = row.get("label"), row.get("linking", [])
    if not isinstance(label, str) or not label.strip():
        raise InputError("a field needs a 'label'", path=str(file), place=place)
    if labels is not None and label.upper() not in map(str.upper, labels):
        raise unknown_label("type", label, labels, file, place)
    if not isinstance(row.get("box"), list):
        raise InputError("a field needs a 'box'", path=str(file), place=place)
    if not isinstance(links, list) or not all(
        isinstance(link, list)
        and len(link) in (2, 3)
        and all(type(end) is int for end in link[:2])
        and all(isinstance(name, str) for name in link[2:])
        for link in links
    ):
        raise InputError("'linking' must hold [from, to] or [from, to, name]", path=str(file), place=place)
    # FUNSD writes labels in lower case, its successors in capitals
    entity = Entity(*span, label.strip().upper(), boxes=(to_box(row["box"], str(file), place),))
    return _Field(entity, tuple((link[0], link[1], link[2] if len(link) == 3 else None) for link in links))


def _relations(fields: dict[int, _Field], counters: Counter[str]) -> tuple[Relation, ...]:
    """Return each link once: FUNSD writes it at both of its ends."""
    found: dict[Relation, None] = {}
    for one, other, name in dict.fromkeys(link for field in fields.values() for link in field.links):
        if one not in fields or other not in fields:
            counters["links_to_nothing"] += 1
            continue
        head, tail = fields[one].entity, fields[other].entity
        kind = name or f"{head.type}-{tail.type}"
        relation = Relation(Span(head.start, head.end), Span(tail.start, tail.end), kind)
        counters["repeated_links"] += relation in found
        found[relation] = None
    return tuple(found)
