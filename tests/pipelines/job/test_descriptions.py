"""Descriptions, facts and dropped templates in the index that the job writes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from indexer.index import WikiIndex
from indexer.report import find_document, find_faults, list_dropped
from pipelines.build_wiki_index import build_wiki_index
from pipelines.stages import BuildRequest, BuildSettings, RunOptions
from schemas.display import Progress
from schemas.manifest import Manifest, read_manifest
from tests.support.dumps import DumpPage, write_dump

pytestmark = pytest.mark.integration

PAGES = [
    DumpPage(
        "Ann Poe",
        "{{Short description|American rapper}}\n{{Infobox person|occupation=Rapper|image=A.jpg}}\n"
        "'''Ann Poe''' lived near {{zstn|Hub}} for years.{{citation needed}} She raps.",
    ),
    DumpPage("Poe", "#REDIRECT [[Ann Poe]] {{Short description|A redirect}}", redirect="Ann Poe"),
    DumpPage("Tea", "'''Tea''' is a {{zword}} drink."),
    DumpPage("Cup (disambiguation)", "{{Short description|Topics}}{{disambiguation}}\n'''Cup''' may be:\n* a cup"),
    DumpPage("Again", "{{Infobox x|born=1}} A page whose number comes twice.", page_id=1),
]


def build(tmp_path: Path, **settings: Any) -> Manifest:
    dump = write_dump(tmp_path, PAGES, kind="xml")
    request = BuildRequest((str(dump),), tmp_path / "index", BuildSettings(**settings), RunOptions())
    return build_wiki_index(request, Progress(io.StringIO(), is_quiet=True)).manifest


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    return [row for path in sorted((folder / table).iterdir()) for row in pq.read_table(path).to_pylist()]


def test_an_article_has_its_description_and_no_other_page_has_one_but_a_disambiguation(tmp_path: Path) -> None:
    manifest = build(tmp_path)
    assert [(row["title"], row["description"]) for row in rows(tmp_path / "index", "pages")] == [
        ("Ann Poe", "American rapper"), ("Poe", ""), ("Tea", ""), ("Cup (disambiguation)", "Topics"), ("Again", ""),
    ]  # fmt: skip
    assert manifest.counters["descriptions"] == 1
    index = WikiIndex(tmp_path / "index")
    answers = index.search_text(["raps", "drink"], 1)
    assert [answer.description for (answer,) in answers] == ["American rapper", ""]
    for doc_id in ("1", "1#0", "1#0#0"):
        assert (find_document(index, doc_id) or {})["description"] == "American rapper"
    assert not list(find_faults(tmp_path / "index"))


def test_facts_are_a_table_only_where_they_are_asked_for(tmp_path: Path) -> None:
    build(tmp_path)
    assert not (tmp_path / "index" / "facts").exists()
    assert "facts" not in (find_document(WikiIndex(tmp_path / "index"), "1") or {})
    (tmp_path / "with").mkdir()
    build(tmp_path / "with", facts=True)
    folder = tmp_path / "with" / "index"
    assert rows(folder, "facts") == [{"page_id": 1, "key": "occupation", "value": "Rapper"}]
    assert (find_document(WikiIndex(folder), "1") or {})["facts"] == [{"occupation": "Rapper"}]
    assert not list(find_faults(folder))


def test_the_manifest_counts_what_is_dropped_or_guessed_inside_prose(tmp_path: Path) -> None:
    build(tmp_path)
    found = [tuple(row.values()) for row in list_dropped(read_manifest(tmp_path / "index"))]
    assert found == [
        ("known", "citation needed", 1, "Ann Poe: Ann Poe lived near Hub for years.{{citation needed}} She raps."),
        ("unknown", "zword", 1, "Tea: Tea is a {{zword}} drink."),
        ("shown", "zstn", 1, "Ann Poe: Ann Poe lived near {{zstn|Hub}} for years. She raps."),
    ]
    ledger = rows(tmp_path / "index", "ledger")
    assert [row["dropped_in_prose"] for row in ledger[:2]] == [
        [{"name": "citation needed", "number": 1}],
        [{"name": "zword", "number": 1}],
    ]
    assert ledger[0]["shown_by_argument"] == [{"name": "zstn", "number": 1}]
