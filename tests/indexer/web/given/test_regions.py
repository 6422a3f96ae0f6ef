"""Regions of feature stores, and what evaluation compares beside spans and types: fine types, boxes, relations."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.web.given.dataset import _gold_of
from indexer.web.given.evaluation import evaluate_split
from indexer.web.given.mistakes import compare_entities, compare_facts
from indexer.web.given.regions import FeatureStores
from schemas.predictions import PredictedEntity, PredictedRelation, Prediction
from schemas.records import Box, Entity, Relation, Sample, Span
from tests.support.feature_store import write_features

BOX, HALF, OTHER = Box(0, 0, 10, 10), Box(0, 0, 10, 5), Box(0, 0, 10, 4)
SAMPLES = [Sample("a", ("Ann", "and", "Rex"), "one.jpg"), Sample("b", ("x",), "two.jpg"), Sample("c", ("y",), None)]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    rows = {"one.jpg": [[1.0, 0.0], [0.0, 1.0]], "two.jpg": []}
    return write_features(tmp_path / "store", SAMPLES, {"regions": rows}, dim=2)


def test_the_regions_of_a_sample_have_their_numbers_and_boxes(store: Path) -> None:
    stores = FeatureStores({"store": store})
    found, faults = stores.regions_of(SAMPLES[0])
    assert [(row.store, row.view, row.number, row.box) for row in found] == [
        ("store", "regions", 0, Box(0, 1, 2, 3)),
        ("store", "regions", 1, Box(4, 5, 6, 7)),
    ]
    assert found[0].name == "" and found[0].score is None and not faults
    assert stores.regions_of(SAMPLES[1]) == ([], []) and stores.regions_of(SAMPLES[2]) == ([], [])


def test_another_picture_or_a_sample_that_the_store_lacks_has_no_regions(store: Path) -> None:
    stores = FeatureStores({"store": store})
    assert stores.regions_of(replace(SAMPLES[0], image="other.jpg")) == ([], [])
    assert stores.regions_of(Sample("z", ("x",), "one.jpg")) == ([], [])


def test_boxes_without_an_area_or_with_nan_are_not_regions(store: Path) -> None:
    path = store / "regions.parquet"
    table = pq.read_table(path)
    at, field = table.schema.get_field_index("boxes"), table.schema.field("boxes")
    column = pa.array([[[0.0, 0.0, 0.0, 5.0], [float("nan")] * 4], []], field.type)
    pq.write_table(table.set_column(at, field, column), path)
    assert FeatureStores({"store": store}).regions_of(SAMPLES[0]) == ([], [])


def test_a_store_that_cannot_be_read_is_a_fault_with_its_name_and_no_end(store: Path) -> None:
    (store / "regions.parquet").write_bytes(b"no table")
    found, faults = FeatureStores({"broken": store}).regions_of(SAMPLES[0])
    assert not found and [name for name, _ in faults] == ["broken"] and "regions.parquet" in str(faults[0][1].path)


def test_fine_types_and_regions_are_compared_where_the_run_answers_them() -> None:
    gold = [Entity(0, 1, "PER", "actor", (BOX,)), Entity(2, 3, "MISC", "dog")]
    said = [Entity(0, 1, "PER", "author", (OTHER,)), Entity(2, 3, "MISC", "dog", (BOX,))]
    kinds = [(row.kind, row.gold) for row in compare_entities(gold, said, has_fine=True, has_regions=True)]
    assert kinds == [("wrong fine type", gold[0]), ("wrong region", gold[0]), ("wrong region", gold[1])]
    assert compare_entities(gold, said) == []
    right = [gold[0]._replace(boxes=(HALF,)), gold[1]]  # an overlap of a half is right
    assert compare_entities(gold, right, has_fine=True, has_regions=True) == []
    unknown = [row._replace(fine=None) for row in gold]  # gold that says no fine type cannot call one wrong
    assert compare_entities(unknown, said, has_fine=True) == []


def test_relations_are_compared_with_their_direction_and_ends_that_are_boxes_by_overlap() -> None:
    a, b, c = Span(0, 1), Span(1, 2), Span(2, 3)
    gold = [Relation(a, b, "peer"), Relation(a, c, "couple"), Relation(a, BOX, "holds")]
    said = [Relation(b, a, "peer"), Relation(a, c, "peer"), Relation(a, HALF, "holds", 0.5)]
    rows = [(row.kind, row.gold, row.predicted) for row in compare_facts(gold, said)]
    assert rows == [("wrong relation", gold[1], said[1]), ("missed", gold[0], None), ("spurious", None, said[0])]
    assert [row.kind for row in compare_facts(gold[2:], [Relation(a, OTHER, "holds")])] == ["missed", "spurious"]


def test_gold_entities_of_tags_have_what_their_records_say_and_data_without_tags_its_records() -> None:
    entities = (Entity(0, 1, "PER", "actor", (BOX,)),)
    tagged = Sample("a", ("Ann", "Rome"), tags=("B-PER", "B-LOC"), entities=entities)
    assert _gold_of(tagged) == (entities[0], Entity(1, 2, "LOC"))
    assert _gold_of(replace(tagged, tags=None)) == entities and _gold_of(Sample("b", ("x",))) == ()


def test_joint_data_is_evaluated_by_entities_and_relations() -> None:
    a, b = Span(0, 1), Span(2, 3)
    entities = (Entity(0, 1, "PER"), Entity(2, 3, "MISC"))
    sample = Sample("a", ("Ann", "and", "Rex"), entities=entities, relations=(Relation(a, b, "owns"),))
    said = Prediction(
        "a", sample.tokens, entities=tuple(PredictedEntity(*row[:3], "") for row in entities),
        relations=(PredictedRelation((0, 1), (2, 3), "owns", 0.7), PredictedRelation((2, 3), (0, 1), "owns")),
    )  # fmt: skip
    row = evaluate_split([sample], [entities], {"a": 0}, [said]).rows[0]
    assert row.kinds == ("spurious",) and row.mistakes[0].predicted == Relation(b, a, "owns")
    assert row.relations[0] == Relation(a, b, "owns", 0.7) and row.entities == entities
    right = replace(said, relations=said.relations[:1])
    assert evaluate_split([sample], [entities], {"a": 0}, [right]).rows[0].kinds == ("right",)
