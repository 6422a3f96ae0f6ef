"""MQA's filter and leak on the real files, and what our options do in their place."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from schemas.dataset import read_samples
from schemas.entities import find_entities
from schemas.records import Span
from schemas.text_files import find_split_files
from trainer.data import convert_files
from trainer.model.formats.choices import ChoicesFormat, filter_spans
from trainer.model.formats.settings import ChoicesSettings
from trainer.model.formats.words import FormatLabels

pytestmark = pytest.mark.integration


def test_the_filter_alone_bounds_the_recall(shared_data: Path, tmp_path: Path) -> None:
    """95 of the test set's entities are lost by the filter, whoever answers: they stand inside another name.

    On MQA's own copy of the set 5,118 of 5,237 were counted. That copy is not here, and in UMT's files there are not as
    many: 5,207 where an I- that follows no tag of its type begins an entity, 5,072 where it is dropped, 5,249 where
    each such I- is one by itself. What is lost is between 1.2 and 1.9 % in each of them, and 2.3 % there.
    """
    file = find_split_files(shared_data / "twitter2015")["test"]
    convert_files({"test": file}, tmp_path / "t15", name="twitter2015")
    samples = read_samples(tmp_path / "t15", "test")

    def kept_and_gold(spans_of: Callable[[Sequence[str]], list[Span]]) -> tuple[int, int]:
        gold = kept = 0
        for sample in samples:
            names = [" ".join(sample.tokens[start:end]) for start, end in spans_of(sample.tags or ())]
            found = filter_spans(names, sample)
            gold += len(names)
            kept += sum(name.lower() in found for name in names)
        return kept, gold

    assert kept_and_gold(lambda tags: [Span(row.start, row.end) for row in find_entities(tags)]) == (5112, 5207)
    assert kept_and_gold(lambda tags: spans_of_tags(tags, keeps_stray=False)) == (5013, 5072)
    assert kept_and_gold(lambda tags: spans_of_tags(tags, keeps_stray=True)) == (5150, 5249)


def spans_of_tags(tags: Sequence[str], keeps_stray: bool) -> list[Span]:
    """Return the spans that begin with a B-, and an I- that continues none as a span of one token or not at all."""
    spans: list[Span] = []
    is_open = False
    for place, tag in enumerate(tags):
        if tag.startswith("I-") and is_open and tags[place - 1][2:] == tag[2:]:
            spans[-1] = Span(spans[-1].start, place + 1)
            continue
        is_open = tag.startswith("B-")
        if is_open or (keeps_stray and tag != "O"):
            spans.append(Span(place, place + 1))
    return spans


def test_the_published_options_give_the_relation_away(shared_data: Path, tmp_path: Path) -> None:
    """The options of a pair have the types that its gold relation spells: a rule without a model scores 53.83."""
    rows = json.loads((shared_data / "mqa" / "mnre2_test_type.json").read_text(encoding="utf-8"))
    convert_files(find_split_files(shared_data / "mnre"), tmp_path / "mnre2", name="mnre2")
    by_types: dict[tuple[str, str], Counter[str]] = {}
    for sample in read_samples(tmp_path / "mnre2", "train"):
        if sample.relation not in (None, "None"):
            _, head, tail, _ = str(sample.relation).split("/")
            by_types.setdefault((head, tail), Counter())[str(sample.relation)] += 1
    positive = [row for row in rows if row["relation"] != "None"]
    spelled = [tuple(row["relation"].split("/")[1:3]) == (row["known_h"], row["known_t"]) for row in positive]
    assert (len(spelled), sum(spelled)) == (640, 640)
    agreeing = sum((row["pred_h"], row["pred_t"]) == (row["known_h"], row["known_t"]) for row in positive)
    assert agreeing == 476

    def f1(is_leaking: bool) -> float:
        right = said = 0
        for row in rows:
            known = is_leaking and row["relation"] != "None"
            types = (row["known_h"], row["known_t"]) if known else (row["pred_h"], row["pred_t"])
            answer = by_types[types].most_common(1)[0][0] if types in by_types else "None"
            said += answer != "None"
            right += answer == row["relation"] != "None"
        return 2 * right / (said + len(positive))

    assert (round(100 * f1(True), 2), round(100 * f1(False), 2)) == (53.83, 40.75)


def test_every_relation_can_be_answered_and_no_option_hangs_on_it(shared_data: Path, tmp_path: Path) -> None:
    convert_files(find_split_files(shared_data / "mnre"), tmp_path / "mnre2", name="mnre2")
    labels = FormatLabels.of(read_samples(tmp_path / "mnre2", "train"))
    format_ = ChoicesFormat(labels, ChoicesSettings())
    for sample in read_samples(tmp_path / "mnre2", "test"):
        question = format_.ask(sample)
        assert set(question.labels) == {*labels.relations, None} and len(set(question.options)) == len(question.options)
