"""The formats by hand: their published examples, broken answers of every kind, and texts that a machine has mangled."""

from __future__ import annotations

import random
from collections import Counter
from importlib import import_module

import pytest

from schemas.records import Box, Entity, Relation, Sample, Span
from trainer.model.formats.alignment import Aligner
from trainer.model.formats.boxes import BoxesFormat
from trainer.model.formats.choices import ChoicesFormat, Question, filter_spans, read_choice
from trainer.model.formats.settings import BoxesSettings, ChoicesSettings
from trainer.model.formats.table import FORMATS, make_format
from trainer.model.formats.text_format import FAULTS, Format
from trainer.model.formats.words import FormatLabels

TOKENS = ("Messi", "and", "Donald", "Trump", "of", "New", "York", "met", "Messi", "in", "York", ";", "a", "|", "b")
SAMPLE = Sample("1", TOKENS)
PAIR = Sample("2", TOKENS, head=Span(8, 9), tail=Span(5, 7))
LABELS = FormatLabels(
    ("location", "person"), (("city", "location"), ("politician", "person"), ("player", "person")), ("lives_in", "peer")
)
BOX = Box(1, 2, 30, 40)
ENTITIES = [
    Entity(0, 1, "person", "player", (BOX,)), Entity(2, 4, "person", "politician"), Entity(5, 7, "location", "city"),
    Entity(8, 9, "person", "player", (BOX, Box(3, 3, 9, 9))),
]  # fmt: skip
RELATIONS = [Relation(Span(8, 9), Span(5, 7), "lives_in"), Relation(Span(0, 1), Span(2, 4), "peer")]
RECORDS = [*ENTITIES, *RELATIONS]
KINDS = [
    *((kind, {}) for kind in ("index", "phrase", "jmere", "boxes")),
    *((kind, {"content": content}) for kind in ("umie", "sel", "reamo") for content in ("entities", "relations")),
]
"""All formats but the choices, whose sample must have a pair."""


def all_formats() -> list[tuple[str, Format, Sample]]:
    made = [(f"{kind} {extra}", make_format(kind, LABELS, **extra), SAMPLE) for kind, extra in KINDS]
    pairs = [("umie", {"content": "relations"}), ("sel", {"content": "relations"}), ("jmere", {}), ("choices", {})]
    return made + [(f"pair {kind}", make_format(kind, LABELS, **extra), PAIR) for kind, extra in pairs]


def test_every_format_of_the_table_is_tried_here() -> None:
    assert {name.split()[-1 if name.startswith("pair") else 0] for name, _, _ in all_formats()} == set(FORMATS)


@pytest.mark.parametrize(("name", "format_", "sample"), all_formats())
def test_records_read_back(name: str, format_: Format, sample: Sample) -> None:
    answer = format_.read(format_.write(sample, RECORDS), sample)
    assert answer.records == format_.project(sample, RECORDS) and not answer.faults, name
    empty = format_.read(format_.write(sample, []), sample)
    assert not empty.records and not empty.faults, name


@pytest.mark.parametrize(("name", "format_", "sample"), all_formats())
def test_two_thousand_mangled_texts_raise_nothing_and_stay_inside_the_post(
    name: str, format_: Format, sample: Sample
) -> None:
    draw, text = random.Random(name), format_.write(sample, RECORDS)
    faulty = 0
    for _ in range(2000):
        answer = format_.read(mangle(text, draw), sample)
        faulty += bool(answer.faults)
        assert set(answer.faults) <= set(FAULTS)
        assert len(answer.regions) == len(answer.records)
        for row in answer.records:
            spans = [row[:2]] if isinstance(row, Entity) else [row.head, row.tail]
            assert all(0 <= start < end <= len(sample.tokens) for start, end in spans)
    assert faulty > 100, name


def mangle(text: str, draw: random.Random) -> str:
    """Delete, double, swap, cut or put in foreign characters, one to three times."""
    letters = list(text)
    for _ in range(draw.randint(1, 3)):
        a, b = sorted(draw.randrange(len(letters) + 1) for _ in range(2))
        kind = draw.randrange(6)
        if kind == 0:
            del letters[a:b]
        elif kind == 1:
            letters[a:a] = letters[a:b]
        elif kind == 2:
            letters[a:b] = reversed(letters[a:b])
        elif kind == 3:
            del letters[a:]
        elif kind == 4:
            letters[a:a] = draw.choice(
                ["\u0000", "é", "[", "]", "<", "(", ")", "|", ";", "9" * 30, "\n", " [SSEP] ", "👍"]
            )
        else:
            draw.shuffle(letters[a:b])
    return "".join(letters)


def test_hostile_answers_are_faults_and_no_errors() -> None:
    for name, format_, sample in all_formats():
        for text in (
            "",
            " ",
            "\n",
            "(" * 5000,
            "Messi is a person" * 400,
            "[SSEP]" * 3000,
            "<extra_id_0>" * 3000,
            ";" * 5000,
        ):
            answer = format_.read(text, sample)
            assert len(answer.records) <= len(sample.tokens), name


def test_phrase_writes_tigers_clauses() -> None:
    text = make_format("phrase", LABELS).write(SAMPLE, ENTITIES[:2])
    assert text == (
        "Messi is a person and a player, which is in the image [SSEP] "
        "Donald Trump is a person and a politician, which is not in the image"
    )


def test_a_broken_clause_shifts_no_region() -> None:
    """In TIGER's release one broken clause moves the regions of all later ones."""
    format_ = make_format("phrase", LABELS)
    good = format_.write(SAMPLE, ENTITIES)
    parts = good.split(" [SSEP] ")
    text = " [SSEP] ".join([parts[0], "Donald Trump is a", *parts[2:]])
    answer = format_.read(text, SAMPLE)
    assert [row[:2] for row in answer.records] == [(0, 1), (5, 7), (8, 9)] and answer.faults == ("malformed",)
    assert [place is not None for place in answer.regions] == [True, False, True]
    places = [place for place in answer.regions if place is not None]
    assert all(text[place:].startswith(", which is in the image") for place in places)


@pytest.mark.parametrize(
    ("kind", "text", "faults"),
    [
        ("phrase", "Obama is a person and a player, which is in the image", ["not in the text"]),
        ("phrase", "Messi is a robot and a player, which is in the image", ["unknown label"]),
        ("phrase", "Messi is a location and a player, which is in the image", ["unknown label"]),
        ("phrase", "Messi is", ["malformed"]),
        ("umie", "person, Messi <spot> person, Messi [1]", ["repeated"]),
        ("umie", "animal, Messi <spot> person, Donald Trump", ["unknown label"]),
        ("sel", "<extra_id_0> <extra_id_0> person <extra_id_5> Messi <extra_id_1>", ["unfinished"]),
        ("sel", "<extra_id_0> <extra_id_0> person <extra_id_5> <extra_id_6> <extra_id_1> <extra_id_1>", []),
        ("boxes", "<answer>Messi|person|[5,5,1,1]</answer>", ["no such region"]),
        ("boxes", "<answer>Messi|person|[1,2,3,4]", ["unfinished"]),
        ("boxes", "<answer>Messi|robot|None</answer>", ["unknown label"]),
        (
            "reamo",
            "person: Messi <Module>VideoTracking</Module> <Instruction>Messi: x</Instruction>",
            ["no such region"],
        ),
        (
            "reamo",
            "person: Messi <Module>ImageSegmentation</Module> <Instruction>Ann: x</Instruction>",
            ["region of no entity"],
        ),
        ("index", "0 7 2 5 1", ["unknown label"]),
        ("index", "0 7 9 3 5 1", ["gap in a span"]),
        ("index", "0 7 2", ["unfinished", "unfinished"]),
        ("index", "0 7 2 5 7 2 5 1", ["repeated"]),
        ("index", "0 500 2 5 1", ["malformed"]),
    ],
)
def test_faults_have_their_kind(kind: str, text: str, faults: list[str]) -> None:
    answer = make_format(kind, LABELS).read(text, SAMPLE)
    if (kind, text) == ("index", "0 7 2 5 1"):
        assert answer.records == (Entity(0, 1, "person"),) and not answer.faults
        return
    assert Counter(answer.faults) == Counter(faults), answer


def test_an_entity_with_an_impossible_box_keeps_its_name_and_type() -> None:
    answer = make_format("boxes", LABELS).read("<answer>Messi|person|[5,5,1,1];York|location|None</answer>", SAMPLE)
    assert [row[:3] for row in answer.records] == [(0, 1, "person"), (6, 7, "location")]
    assert answer.records[0].boxes == () and answer.regions == (None, None)  # type: ignore[union-attr]


def test_boxes_reads_other_bars_and_names_with_a_bar() -> None:
    format_ = BoxesFormat(FormatLabels(("person",)), BoxesSettings())
    answer = format_.read("<answer>a | b｜person|[1, 2, 30, 40];Messi | person | None</answer>", SAMPLE)
    assert answer.records == (Entity(12, 15, "person", boxes=(BOX,)), Entity(0, 1, "person")) and not answer.faults


def test_reamo_follows_every_call_and_over_lines() -> None:
    text = (
        "person: Messi; person: Donald Trump\n<Module>ImageSegmentation</Module>\n<Instruction>Messi:\nplayer"
        "</Instruction><Module>ImageSegmentation</Module><Instruction>Donald Trump: man</Instruction>"
    )
    answer = make_format("reamo", LABELS).read(text, SAMPLE)
    assert len(answer.records) == 2 and not answer.faults and None not in answer.regions


def test_relations_are_read_against_the_given_pair() -> None:
    format_ = make_format("umie", LABELS, content="relations")
    relation = Relation(Span(8, 9), Span(5, 7), "peer")
    assert format_.read(format_.write(PAIR, [relation]), PAIR).records == (relation,)  # Messi stands there twice
    wrong = format_.read("Donald Trump <spot> peer <spot> New York", PAIR)
    assert not wrong.records and wrong.faults == ("another pair",)


def test_a_name_that_is_meant_elsewhere_gets_its_number() -> None:
    relations = [Relation(Span(8, 9), Span(5, 7), "peer")]
    text = make_format("umie", LABELS, content="relations").write(SAMPLE, relations)
    assert text == "Messi [2] <spot> peer <spot> New York"
    aligner = Aligner(("A", "[2]", "A", "A"))
    names = [aligner.name(span) for span in (Span(0, 2), Span(0, 1), Span(2, 3))]
    assert [aligner.locate(name) for name in names] == [Span(0, 2), Span(0, 1), Span(2, 3)]


def test_names_are_found_without_blanks_and_capitals() -> None:
    assert Aligner(("don", "'", "t", "NEW", "York")).place("don't new york") == Span(0, 5)


def test_the_order_of_options_hangs_on_sample_and_seed_alone() -> None:
    plain = Sample("2", TOKENS, head=Span(8, 9), tail=Span(5, 7), relation="peer")
    other = Sample("2", TOKENS, head=Span(8, 9), tail=Span(5, 7), relation="lives_in")
    format_ = ChoicesFormat(LABELS, ChoicesSettings())
    assert format_.ask(plain) == format_.ask(other)
    orders = {ChoicesFormat(LABELS, ChoicesSettings(seed=seed)).ask(plain).labels for seed in range(8)}
    assert len(orders) == 2 and all(set(order) == {"lives_in", "peer", None} and order[-1] is None for order in orders)
    types = {format_.ask_type(SAMPLE, Span(0, 1)).labels for _ in range(3)}
    assert len(types) == 1


def test_an_answer_without_an_option_is_the_last_one_and_a_fault() -> None:
    question = Question(("peer", "lives_in", None), ("A works with B", "A lives in B", "A and B have no relation"))
    assert read_choice("(A) or rather (B)", question) == (1, "")
    assert read_choice("I would say that A lives in B", question) == (1, "")
    assert read_choice("(Q)", question) == (2, "unknown label")
    assert {read_choice("no idea", question) for _ in range(20)} == {(2, "malformed")}


def test_mqas_filter_drops_what_is_inside_another_name() -> None:
    assert filter_spans(["New York", "YORK", " ", "Paris"], SAMPLE) == ["new york"]


def test_every_kind_of_the_table_has_its_settings() -> None:
    for kind, places in FORMATS.items():
        part, settings = (getattr(import_module(place.partition(":")[0]), place.partition(":")[2]) for place in places)
        assert settings().kind == kind and issubclass(part, Format)
