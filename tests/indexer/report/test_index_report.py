"""The report of an index: lengths, rejects, templates, pictures, recall, from tables and manifest alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from indexer.cli import app
from indexer.report import measure_index, report_to_json
from indexer.report.html import report_to_page
from indexer.report.measures import IndexReport
from schemas.errors import IndexCorrupt
from schemas.manifest import InputFile, Manifest, read_manifest, write_manifest
from schemas.records import Reject
from schemas.tables import TABLES
from tests.support.index_folders import Page, to_shard, write_rows
from tests.support.page_checks import ReadPage, read_sound_page

HOSTILE = "</table><script>alert(1)</script>.jpg"
ARTICLES = [
    Page(1, "Tea", [["Tea is hot.", "Is it?"], ["one two three four five six"]]),
    Page(2, "Snow", [["It is cold."], ["word " * 99 + "end"]]),
]
REJECTS = [
    Reject("image", HOSTILE, "missing", "not_found: <b>nowhere</b>"),
    *(Reject("image", f"{number}.jpg", "missing", "not_found") for number in range(9)),
    Reject("dump", "byte 12", "truncated_stream", "ends early"),
]
COUNTERS: dict[str, Any] = {
    "links": 1200,
    "rejects": {"missing": 10, "truncated_stream": 1},
    "dropped_templates": {"few": 1, HOSTILE: 40},
    "dropped_templates_sum": 41,
    "dropped_templates_names": 2,
    "images": {"uses": 20, "files": 14, "embedded": 3, "missing": 10, "broken": 1},
    "images_embedded_by_source": {"dir:photos": 3},
    "images_missing_by_reason": {"not_found": 10},
    "losses": 1,
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    for table, schema in TABLES.items():
        rows = [row for page in ARTICLES for row in page.rows()[table]]
        rows += REJECTS if table == "rejects" else []
        write_rows(folder / table / "part-00000.parquet", schema, rows)
    image = {"encoder": "x", "dim": 2, "vectors": 3, "kind": "ivf", "metric": "ip", "recall_at_10": 0.985, "nlist": 4}
    manifest = Manifest(
        config={"limit_pages": None, "rules": {"cut_sections": ["notes", "see also"]}},
        fingerprint="0" * 64,
        inputs=(InputFile("/home/me/enwiki.xml", 2_000_000, "ab" * 32, "2026-01-01"),),
        pages_read=4,
        counts={"empty": 1, "kept": 2, "redirect": 1},
        counters=COUNTERS,
        shards=tuple(to_shard(folder, path) for path in sorted(folder.rglob("*.parquet"))),
        text_index={"preset": "more", "k1": 1.2},
        image_index=image,
        versions={"mie-context": "0"},
        created="2026-01-01T00:00:00+00:00",
        is_partial=True,
    )
    write_manifest(folder, manifest)
    return folder


@pytest.fixture(scope="module")
def page(index: Path) -> ReadPage:
    return read_sound_page(report_to_page(measure_index(index, read_manifest(index))))


def test_the_report_shows_fates_pictures_templates_recall_and_origin(page: ReadPage) -> None:
    for words in (
        "kept 2 50.0 % redirect 1 25.0 % empty 1 25.0 %",
        "20 uses in articles, 14 distinct files.",
        "dir:photos 3",
        "41 uses of 2 templates",
        f"uses. {HOSTILE}: 40, few: 1",
        "finds 98.5 %",
        "truncated_stream dump byte 12 ends early 1",
        "enwiki.xml 2026-01-01 abababababababab 2.0 MB",
        "Partial: input was lost at 1 place;",
        "cut_sections notes, see also",
    ):
        assert words in page.text, words
    assert "/home/me" not in page.text


def test_hostile_names_stand_as_text(page: ReadPage) -> None:
    assert page.text.count(HOSTILE) == 2  # an example, and the words of the figure
    assert "</table><script>alert(1)</scr…" in page.text  # its label
    assert "not_found: <b>nowhere</b>" in page.text


def test_words_are_counted_as_a_loop_counts_them(index: Path) -> None:
    report = measure_index(index, read_manifest(index))
    texts = [sentence for article in ARTICLES for paragraph in article.paragraphs for sentence in paragraph]
    lengths = sorted(len(text.split()) for text in texts)
    assert lengths == [2, 3, 3, 6, 100]
    assert report.sentences.counts == (3, 1, *[0] * 13, 1)
    assert (report.sentences.median, report.sentences.p95, report.sentences.longest) == (3, 100, 100)
    assert report.sentences.mean == pytest.approx(sum(lengths) / 5)
    assert report.paragraphs.counts == (3, 0, 0, 0, 1, *[0] * 11)


def test_each_reason_has_its_number_and_its_first_examples(index: Path) -> None:
    missing, truncated = measure_index(index, read_manifest(index)).rejects
    assert (missing.reason, missing.number, truncated.reason, truncated.number) == (
        "missing",
        10,
        "truncated_stream",
        1,
    )
    assert [row["id"] for row in missing.examples] == [HOSTILE, "0.jpg", "1.jpg"]
    assert missing.examples[0]["file_page"].startswith("https://commons.wikimedia.org/wiki/File:%3C")
    assert truncated.examples == ({"stage": "dump", "id": "byte 12", "detail": "ends early"},)


def test_of_a_large_table_row_groups_all_over_it_are_read_and_the_page_says_so(index: Path) -> None:
    report = measure_index(index, read_manifest(index), max_rows=2)
    assert (report.sentences.read, report.sentences.rows) == (4, 5)
    assert "From 4 of 5 sentences (80.0 %), spread over all of them." in read_sound_page(report_to_page(report)).text


def test_the_json_holds_the_same_numbers(index: Path) -> None:
    report = measure_index(index, read_manifest(index))
    values = json.loads(json.dumps(report_to_json(report)))
    assert values["words"]["sentences"]["counts"] == list(report.sentences.counts)
    assert [row["number"] for row in values["rejects"]] == [10, 1]


def test_an_index_without_anything_has_a_page(index: Path) -> None:
    manifest = read_manifest(index)
    bare = replace(manifest, counters={}, counts={}, shards=(), text_index=None, image_index=None, inputs=())
    page = read_sound_page(report_to_page(measure_index(index, replace(bare, pages_read=0, versions={}))))
    assert "Nothing was dropped" in page.text


def test_a_damaged_table_or_count_is_an_error(index: Path, tmp_path: Path) -> None:
    manifest = read_manifest(index)
    with pytest.raises(IndexCorrupt, match="verify"):
        measure_index(tmp_path, manifest)
    for wrong in ({"rejects": [1]}, {"rejects": {"missing": "many"}}):
        with pytest.raises(IndexCorrupt, match="counts of rejects"):
            measure_index(index, replace(manifest, counters=wrong))


def test_the_command_writes_one_file_and_nothing_on_stdout(index: Path, tmp_path: Path) -> None:
    out = tmp_path / "wiki.html"
    done = CliRunner().invoke(app, ["info", str(index), "--html", str(out)])
    assert (done.exit_code, done.stdout) == (0, "")
    assert f"{out} is written" in done.stderr
    read_sound_page(out.read_text(encoding="utf-8"))
    assert list(tmp_path.iterdir()) == [out]


def test_the_inspector_measures_once_and_shows_the_same_parts(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastapi.testclient import TestClient

    import indexer.report
    from indexer.index import WikiIndex
    from indexer.web import make_app
    from indexer.web.given import Inspector

    calls = []

    def measured(*given: Any) -> IndexReport:
        calls.append(given)
        return measure_index(*given)

    monkeypatch.setattr(indexer.report, "measure_index", measured)
    client = TestClient(make_app(Inspector(WikiIndex(index))), base_url="http://localhost")
    shown = client.get("/index")
    assert shown.status_code == 200
    assert "41 uses of 2 templates" in shown.text
    assert "<script>alert" not in shown.text
    assert client.get("/api/index-report").json() == json.loads(json.dumps(report_to_json(measure_index(*calls[0]))))
    assert client.get("/index").text == shown.text
    assert len(calls) == 1
