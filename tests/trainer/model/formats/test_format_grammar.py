"""The grammar: random walks are answers without a fault, wrong steps are refused, and no label is needed to walk."""

from __future__ import annotations

import random

import pytest

from schemas.records import Box, Entity, Relation, Sample, Span
from trainer.model.formats.grammar import END, Grammar
from trainer.model.formats.pattern import Symbol
from trainer.model.formats.pattern_format import PatternFormat
from trainer.model.formats.table import make_format
from trainer.model.formats.words import FormatLabels

LABELS = FormatLabels(
    ("location", "person"), (("city", "location"), ("politician", "person"), ("player", "person")), ("lives_in", "peer")
)
TOKENS = ("York", "and", "New", "York", "of", "York", ";", "a", "|", "New", "York")
SAMPLES = (Sample("1", TOKENS), Sample("2", TOKENS, head=Span(3, 4), tail=Span(9, 11)), Sample("3", ("York",)))
FORMATS = [
    ("index", {}), ("phrase", {}), ("phrase", {"has_regions": False}), ("jmere", {}), ("boxes", {}),
    ("umie", {"content": "entities"}), ("umie", {"content": "relations"}), ("sel", {"content": "entities"}),
    ("sel", {"content": "relations"}),
]  # fmt: skip


def samples_of(row: tuple[str, dict[str, object]]) -> list[Sample]:
    """The samples of a format: one of entities has no pair."""
    is_of_relations = row[0] == "jmere" or row[1].get("content") == "relations"
    return [sample for sample in SAMPLES if is_of_relations or sample.head is None]


def walk(grammar: Grammar, draw: random.Random, longest: int = 400) -> list[Symbol]:
    """Take allowed steps at random, and to the end as soon as one may after some of them."""
    state, symbols = grammar.start(), []
    for step in range(longest):
        allowed = grammar.allowed(state)
        if END in allowed.words and (step > 60 or draw.random() < 0.3 or not (allowed.words - {END} or allowed.copies)):
            return symbols
        choices: list[Symbol] = [*sorted(allowed.words - {END}), *sorted(allowed.copies)]
        symbols.append(draw.choice(choices))
        state = grammar.step(state, symbols[-1])
    raise AssertionError("a walk that does not end")


@pytest.mark.parametrize(("kind", "extra", "sample"), [(*row, sample) for row in FORMATS for sample in samples_of(row)])
def test_five_hundred_random_walks_are_read_without_a_fault(
    kind: str, extra: dict[str, object], sample: Sample
) -> None:
    format_ = make_format(kind, LABELS, **extra)
    assert isinstance(format_, PatternFormat)
    draw, seen = random.Random(f"{kind}{extra}"), 0
    for _ in range(500):
        answer = format_.read_symbols(walk(Grammar(format_.pattern, sample), draw), sample)
        assert not answer.faults
        records = [
            row._replace(boxes=(Box(1, 2, 3, 4),)) if place is not None and isinstance(row, Entity) else row
            for row, place in zip(answer.records, answer.regions, strict=True)
        ]
        again = format_.read(format_.write(sample, records), sample)
        assert not again.faults and [row[:3] for row in again.records] == [row[:3] for row in answer.records]
        assert [place is None for place in again.regions] == [place is None for place in answer.regions]
        seen += len(answer.records) > 0
    assert seen > 50


def test_a_wrong_step_is_refused() -> None:
    format_ = make_format("index", LABELS)
    assert isinstance(format_, PatternFormat)
    grammar = Grammar(format_.pattern, SAMPLES[0])
    state = grammar.walk([2, 3, "<<no region>>"])
    assert grammar.allowed(state).words == {"<<location>>", "<<person>>"}
    with pytest.raises(ValueError, match="not allowed"):
        grammar.step(state, END)
    with pytest.raises(ValueError, match="not allowed"):
        grammar.walk([2, 4])  # a gap
    after = grammar.walk([2, 3, "<<no region>>", "<<person>>"])
    assert min(grammar.allowed(after).copies) == 2, "forwards alone: the same first word, for a longer span"
    with pytest.raises(ValueError, match="not allowed"):
        grammar.walk([2, 3, "<<no region>>", "<<person>>", 2, 3, "<<no region>>"])


def test_without_regions_nothing_is_in_the_picture() -> None:
    format_ = make_format("index", LABELS)
    assert isinstance(format_, PatternFormat)
    grammar = Grammar(format_.pattern, SAMPLES[0], has_regions=False)
    assert grammar.allowed(grammar.walk([2])).words == {"<<no region>>"}


def test_a_fine_type_fits_its_coarse_one() -> None:
    format_ = make_format("phrase", LABELS)
    assert isinstance(format_, PatternFormat)
    grammar = Grammar(format_.pattern, SAMPLES[0])
    assert grammar.allowed(grammar.walk([0, " is a ", "location", " and a "])).words == {"city"}


def test_a_pair_is_copied_as_it_is_given_and_has_one_relation() -> None:
    format_ = make_format("umie", LABELS, content="relations")
    assert isinstance(format_, PatternFormat)
    grammar, pair = Grammar(format_.pattern, SAMPLES[1]), SAMPLES[1]
    assert grammar.allowed(grammar.start()).copies == {3} and END in grammar.allowed(grammar.start()).words
    symbols = format_.symbols(pair, [Relation(Span(3, 4), Span(9, 11), "peer")])
    assert grammar.allowed(grammar.walk(symbols)).words == {END}


def test_what_was_said_is_not_said_again() -> None:
    format_ = make_format("jmere", LABELS)
    assert isinstance(format_, PatternFormat)
    rows = [Entity(0, 1, "person"), Entity(2, 4, "location"), Relation(Span(0, 1), Span(2, 4), "lives_in")]
    symbols = format_.symbols(SAMPLES[0], rows)
    grammar = Grammar(format_.pattern, SAMPLES[0])
    again = [*symbols, "; ", *symbols[:-2]]
    assert grammar.allowed(grammar.walk(again)).words == {"peer"}
