"""The job on the real slice, built once by the installed command with both views."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from schemas.manifest import read_manifest
from schemas.records import FATES
from schemas.tables import TABLES, check_table, embeddings_schema

pytestmark = pytest.mark.integration


def column(index: Path, table: str, name: str) -> list[Any]:
    return list(pq.read_table(index / table, columns=[name]).column(name).to_pylist())


def test_the_206_pages_are_100_redirects_and_106_others(slice_index: Path) -> None:
    manifest = read_manifest(slice_index)
    assert manifest.pages_read == 206
    assert set(manifest.counts) == set(FATES)
    assert sum(manifest.counts.values()) == 206
    assert manifest.counts["redirect"] == 100
    assert manifest.counts["kept"] + manifest.counts["disambiguation"] == 106
    assert manifest.counts["rejected"] == manifest.counts["empty"] == 0
    fates = column(slice_index, "pages", "fate")
    assert {fate: fates.count(fate) for fate in FATES} == manifest.counts


def test_every_table_has_its_schema_and_the_manifests_rows(slice_index: Path) -> None:
    manifest = read_manifest(slice_index)
    for shard in manifest.shards:
        if shard.table in TABLES:
            assert check_table(slice_index / shard.path, TABLES[shard.table]) == shard.rows
    assert manifest.image_index is not None
    path = slice_index / "embeddings" / "part-00000.parquet"
    assert check_table(path, embeddings_schema(manifest.image_index["dim"]))


def test_ids_are_unique_and_every_sentence_stands_in_its_paragraph(slice_index: Path) -> None:
    sentences = pq.read_table(slice_index / "sentences").to_pylist()
    paragraphs = {row["paragraph_id"]: row for row in pq.read_table(slice_index / "paragraphs").to_pylist()}
    assert len({row["sentence_id"] for row in sentences}) == len(sentences) > 15_000
    assert len(paragraphs) == len(column(slice_index, "paragraphs", "paragraph_id"))
    for row in sentences:
        assert row["text"] in paragraphs[row["paragraph_id"]]["text"]
        assert row["sentence_id"].startswith(f"{row['paragraph_id']}#")


def test_no_link_leads_to_a_redirect_of_the_slice(slice_index: Path) -> None:
    pages = pq.read_table(slice_index / "pages")
    redirects = set(pages.filter(pc.equal(pages.column("fate"), "redirect")).column("title").to_pylist())
    links = pc.list_flatten(pq.read_table(slice_index / "paragraphs").column("links"))
    targets = set(pc.struct_field(links, "target").to_pylist())
    assert len(targets) > 5_000
    assert not targets & redirects


def test_images_used_are_embedded_or_listed_as_missing(slice_index: Path, slice_photos: Path) -> None:
    counted = read_manifest(slice_index).counters["images"]
    used, embedded = set(column(slice_index, "images", "file")), set(column(slice_index, "embeddings", "file"))
    rejects = pq.read_table(slice_index / "rejects").to_pylist()
    missing = {row["id"] for row in rejects if (row["stage"], row["reason"]) == ("image", "missing")}
    assert embedded == {path.name for path in slice_photos.iterdir()}
    assert used == embedded | missing
    assert not embedded & missing
    assert (counted["files"], counted["embedded"], counted["missing"]) == (len(used), len(embedded), len(missing))
    assert counted["broken"] == 0


def test_rows_of_a_page_are_found_by_row_group_statistics(slice_index: Path) -> None:
    metadata = pq.read_metadata(slice_index / "paragraphs" / "part-00000.parquet")
    column = metadata.schema.names.index("page_id")
    ranges = [metadata.row_group(at).column(column).statistics for at in range(metadata.num_row_groups)]
    assert len(ranges) > 3
    assert all(one.max <= two.min for one, two in itertools.pairwise(ranges))
