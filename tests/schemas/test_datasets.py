"""Samples with records on disk, the versions of their tables, and digests that stay what they were."""

from __future__ import annotations

import json
import re
from dataclasses import fields, replace
from pathlib import Path

import pytest

from schemas import SAMPLES_VERSION, SCHEMA_VERSION, tables
from schemas.dataset import find_fault, fingerprint_samples, input_digest, read_dataset, read_samples, write_dataset
from schemas.errors import IndexMismatch
from schemas.records import Box, Entity, Relation, Sample, Span

FINGERPRINT = "e08399db0952dfd50bfd428a42fe9f93e2355adceff7bdbe75a703b2e47d537f"
DIGEST = "d9ca2a58ca1780fe"
BOX = Box(0.1, 2.0, 33.3, 44.0)
RICH = Sample(
    "a-1", ("Anna", "met", "Bob"), "a.jpg", tags=("B-PER", "O", "B-PER"),
    entities=(Entity(0, 1, "PER", "actor", (BOX, Box(1.0, 1.0, 2.0, 2.0)), 0.3), Entity(2, 3, "PER")),
    relations=(Relation(Span(0, 1), Span(2, 3), "peer", 0.1), Relation(Span(0, 1), BOX, "shown"), ),
    group="photo 7", step=2,
)  # fmt: skip
PLAIN = Sample("a-2", ("Rome", "it", "is"), tags=("B-LOC", "O", "O"))


def write(folder: Path, *samples: Sample) -> None:
    write_dataset(folder, {"test": samples}, name="x", task="ner", labels=["PER"], inputs=[], counters={})


def test_samples_have_the_columns_of_their_table_in_order() -> None:
    assert tables.SAMPLES.names == [item.name for item in fields(Sample)]


def test_records_survive_the_folder_of_a_data_set(tmp_path: Path) -> None:
    write(tmp_path, RICH, PLAIN)
    assert read_samples(tmp_path, "test") == [RICH, PLAIN]


def test_digests_of_samples_without_records_are_those_of_version_1() -> None:
    """Both values were printed by the version before; caches and runs that carry them stay valid."""
    pair = Sample("re-1", ("Anna", "of", "Rome"), None, None, Span(0, 1), Span(2, 3), "/per/loc/visits", "train")
    assert fingerprint_samples([PLAIN, pair]) == FINGERPRINT
    assert input_digest(PLAIN) == DIGEST
    assert fingerprint_samples([RICH]) != fingerprint_samples([Sample(RICH.sample_id, RICH.tokens, "a.jpg", RICH.tags)])


def test_the_tables_of_an_index_have_one_version() -> None:
    assert (SCHEMA_VERSION, SAMPLES_VERSION) == (2, 2)
    for schema in (
        *tables.TABLES.values(),
        *tables.OPTIONAL_TABLES.values(),
        tables.CONTEXTS,
        tables.QUERIES,
        tables.IMAGE_IDS,
    ):
        assert tables.schema_version(schema) == "2"


def test_a_data_set_of_the_version_before_must_be_converted_again(tmp_path: Path) -> None:
    write(tmp_path, PLAIN)
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 1}))
    with pytest.raises(IndexMismatch, match=r"schema version 1.*convert it again: mie-train data convert") as caught:
        read_dataset(tmp_path)
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"entities": (Entity(1, 1, "PER"),)}, r"entity 1 \[1, 1\) is not a span of 3 tokens"),
        ({"entities": (Entity(0, 1, "PER", boxes=(Box(3, 0, 2, 9),)),)}, "entity 1 has no box of pixels"),
        ({"entities": (Entity(0, 1, "PER", boxes=(Box(0, 0, float("nan"), 9),)),)}, "no box of pixels"),
        ({"relations": (Relation(Span(0, 1), Span(2, 4), "peer"),)}, r"tail of relation 1 \[2, 4\) is not a span"),
        ({"step": -1}, "step -1 is below 0"),
    ],
)
def test_a_faulty_record_is_named(change: dict[str, object], fault: str) -> None:
    found = find_fault(replace(PLAIN, **change))  # type: ignore[arg-type]
    assert found is not None and re.search(fault, found)
