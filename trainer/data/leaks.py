"""The leak test: whether a field beside the text gives the gold label away to a table that reads nothing else.

A field leaks where a few of its words, which do not stand in the text, tell the label of training samples and of test
samples far better than the text itself does. The table is no model: it maps the sequence of those words to the label
that training samples with this sequence have most often.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.dataset import NO_RELATION
from schemas.entities import find_entities
from schemas.records import Sample
from trainer.metrics import Counts, Score

__all__ = ["Leak", "probe_field", "probe_text"]

Field = Mapping[str, Sequence[str | None]]
"""Split -> the field's value of each sample; None where it has none."""
_Label = frozenset[str]
_Signature = tuple[str, ...]
_WORDS = 8
"""Words that a table reads. TMR's phrases need 3, MNRE's types 4; with 20, tables of long captions learn by heart."""
_RAREST = 5
"""Samples that a word must occur in, to be one of them."""
_MARGIN = 0.25
"""How far above the text's own table F1 must lie, in train and in test.

On MNRE-2 phrases with the gold types give .87, the order of the entities .21, honest captions at most .07.
"""


@dataclass(frozen=True, slots=True)
class Leak:
    """What a table gives that reads one field alone.

    Args:
        field: its name.
        train_f1, test_f1: F1 of the table on the samples that made it, and on others, in [0, 1].
        text_f1: F1 on the others of a table that reads words of the text.
        words: that the table reads, the most telling first.
        is_leak: whether both lie far above the text.
    """

    field: str
    train_f1: float
    test_f1: float
    text_f1: float
    words: tuple[str, ...]
    is_leak: bool


def probe_field(name: str, samples: Mapping[str, Sequence[Sample]], field: Field, floor: float = 0.0) -> Leak:
    """Test whether a field gives the labels away.

    Args:
        name: of the field, for the result.
        samples: split -> samples.
        field: its values for the same samples; splits that it lacks are left out. Where it has one split alone, every
            second sample makes the table.
        floor: F1 that something harmless gives, for instance the order of the entities.

    >>> from schemas.records import Span
    >>> kinds = ["peer", "None"] * 20
    >>> rows = [Sample(str(i), ("a", "b"), head=Span(0, 1), tail=Span(1, 2), relation=k) for i, k in enumerate(kinds)]
    >>> probe_field("hint", {"test": rows * 2}, {"test": ["yes" if k == "peer" else "no" for k in kinds * 2]}).is_leak
    True
    """
    train, test = _two_parts(samples, field)
    rest = [[_other_words(value, row) for row, value in part] for part in (train, test)]
    labels = [[_label_of(row) for row, _ in part] for part in (train, test)]
    words = _telling_words(rest[0], labels[0])
    train_f1, test_f1 = _table_f1(words, rest, labels)
    text_f1 = probe_text([row for row, _ in train], [row for row, _ in test])
    limit = max(text_f1, floor) + _MARGIN
    return Leak(name, train_f1, test_f1, text_f1, words, min(train_f1, test_f1) > limit)


def probe_text(train: Sequence[Sample], test: Sequence[Sample]) -> float:
    """Return F1 on test of a table that reads the most telling words of the text itself."""
    rows = [[_words(" ".join(row.tokens)) for row in part] for part in (train, test)]
    labels = [[_label_of(row) for row in part] for part in (train, test)]
    return _table_f1(_telling_words(rows[0], labels[0]), rows, labels)[1]


def _two_parts(
    samples: Mapping[str, Sequence[Sample]], field: Field
) -> tuple[list[tuple[Sample, str | None]], list[tuple[Sample, str | None]]]:
    """Return the samples that make the table and those that test it, each with its value of the field."""
    splits = {
        split: list(zip(rows, field[split], strict=True)) for split, rows in samples.items() if split in field and rows
    }
    others = [row for split in ("test", "dev") if split in splits for row in splits[split]]
    if "train" in splits and others:
        return splits["train"], splits.get("test") or splits["dev"]
    rows = splits.get("train") or others
    # not by halves: files are often sorted by label
    by_label = sorted(rows, key=lambda pair: sorted(_label_of(pair[0])))
    return by_label[::2], by_label[1::2]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _other_words(value: str | None, row: Sample) -> list[str]:
    """Return the words of a value that are not in the text: what a field only repeats is no leak."""
    own = set(_words(" ".join(row.tokens)))
    return [word for word in _words(value or "") if word not in own]


def _label_of(row: Sample) -> _Label:
    """Return the set of labels of a sample: its relation, or the types of its entities and relations."""
    if row.head is not None:
        return frozenset({row.relation}) - {NO_RELATION, None} if row.relation else frozenset()
    if row.relations is not None:
        return frozenset(relation.type for relation in row.relations) - {NO_RELATION}
    entities = row.entities if row.entities is not None else find_entities(row.tags or ())
    return frozenset(entity.type for entity in entities)


def _telling_words(rows: Sequence[Sequence[str]], labels: Sequence[_Label]) -> tuple[str, ...]:
    """Return the words whose presence has the most information on the label, the most telling first."""
    by_label, by_word, both = Counter(labels), Counter[str](), Counter[tuple[str, _Label]]()
    for words, label in zip(rows, labels, strict=True):
        for word in set(words):
            by_word[word] += 1
            both[word, label] += 1
    found: dict[str, float] = {}
    for word, count in by_word.items():
        if count < _RAREST:
            continue
        cells = [
            pair
            for label, size in by_label.items()
            for pair in ((both[word, label], count, size), (size - both[word, label], len(rows) - count, size))
        ]
        found[word] = sum(n / len(rows) * math.log(n * len(rows) / (seen * size)) for n, seen, size in cells if n)
    return tuple(sorted(found, key=lambda word: (-found[word], word))[:_WORDS])


def _table_f1(
    words: Sequence[str], rows: Sequence[Sequence[Sequence[str]]], labels: Sequence[Sequence[_Label]]
) -> tuple[float, float]:
    """Make the table from the first part, and return its F1 on the first and on the second."""
    known = set(words)
    signatures: list[list[_Signature]] = [[tuple(w for w in row if w in known) for row in part] for part in rows]
    counts: dict[_Signature, Counter[_Label]] = {}
    for signature, label in zip(signatures[0], labels[0], strict=True):
        counts.setdefault(signature, Counter())[label] += 1
    table = {signature: found.most_common(1)[0][0] for signature, found in counts.items()}
    commonest: _Label = Counter(labels[0]).most_common(1)[0][0] if labels[0] else frozenset()
    scores = []
    for part, gold in zip(signatures, labels, strict=True):
        total = Counts()
        for signature, label in zip(part, gold, strict=True):
            guess = table.get(signature, commonest)
            total = total.plus(Counts(len(guess & label), len(guess), len(label)))
        scores.append(Score.of(total).f1)
    return scores[0], scores[1]
