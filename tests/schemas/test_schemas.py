"""The contract: errors, names, tables and manifests."""

from __future__ import annotations

import inspect
import json
import pickle
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import SCHEMA_VERSION, errors, records, tables, titles
from schemas import manifest as manifests
from schemas.display import exit_on_error

RECORDS = {
    "pages": records.PageRow,
    "sentences": records.Sentence,
    "paragraphs": records.Paragraph,
    "images": records.ArticleImage,
    "rejects": records.Reject,
    "ledger": records.Ledger,
}
any_text = st.text(max_size=40)


def a_manifest(**changes: Any) -> manifests.Manifest:
    values: dict[str, Any] = {
        "config": {"a": 1},
        "fingerprint": "f",
        "inputs": (manifests.InputFile("a.xml", 1, "00", "2025-11-01"),),
        "pages_read": 1,
        "counts": {"kept": 1},
        "counters": {"templates": {"x": 2}},
        "shards": (manifests.Shard("pages", "pages/part-00000.parquet", 1, 10, "11"),),
        "text_index": None,
        "image_index": None,
        "versions": {"python": "3"},
        "created": "2025-11-01T00:00:00+00:00",
    }
    return manifests.Manifest(**{**values, **changes})


@pytest.mark.parametrize("name", tables.TABLES)
def test_each_record_has_the_columns_of_its_table_in_order(name: str) -> None:
    assert list(tables.TABLES[name].names) == list(inspect.signature(RECORDS[name]).parameters)


def test_image_embeddings_have_the_columns_of_their_table() -> None:
    assert tables.embeddings_schema(3).names == list(records.ImageEmbedding.__dataclass_fields__)


@given(text=any_text, target=any_text, start=st.integers(0, 9))
def test_records_survive_parquet(tmp_path_factory: pytest.TempPathFactory, text: str, target: str, start: int) -> None:
    row = records.Paragraph("1#0", 1, text, text, text, (records.Link(start, start + 1, target),))
    path = tmp_path_factory.mktemp("p") / "a.parquet"
    values = {**row._asdict(), "links": [link._asdict() for link in row.links]}
    pq.write_table(pa.Table.from_pylist([values], schema=tables.PARAGRAPHS), path)
    assert tables.check_table(path, tables.PARAGRAPHS) == 1
    (back,) = pq.read_table(path).to_pylist()
    assert records.Paragraph(**{**back, "links": tuple(records.Link(**link) for link in back["links"])}) == row


def test_a_table_of_another_schema_version_is_a_mismatch(tmp_path: Path) -> None:
    schema = tables.REJECTS.with_metadata({b"schema_version": b"0"})
    pq.write_table(schema.empty_table(), tmp_path / "a.parquet")
    with pytest.raises(errors.IndexMismatch, match="schema version 0"):
        tables.check_table(tmp_path / "a.parquet", tables.REJECTS)


def test_a_table_with_other_columns_or_broken_bytes_is_corrupt(tmp_path: Path) -> None:
    pq.write_table(tables.PAGES.empty_table(), tmp_path / "a.parquet")
    (tmp_path / "b.parquet").write_bytes(b"not parquet at all")
    for name in ("a", "b"):
        with pytest.raises(errors.IndexCorrupt, match=f"{name}.parquet"):
            tables.check_table(tmp_path / f"{name}.parquet", tables.REJECTS)


def test_a_manifest_survives_its_file(tmp_path: Path) -> None:
    manifests.write_manifest(tmp_path, a_manifest())
    assert manifests.read_manifest(tmp_path) == a_manifest()
    assert [path.name for path in tmp_path.iterdir()] == [manifests.MANIFEST_NAME]


def test_a_folder_without_manifest_is_not_an_index(tmp_path: Path) -> None:
    with pytest.raises(errors.IndexNotFound, match=r"Remedy: build it"):
        manifests.read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"schema_version": SCHEMA_VERSION + 1}, errors.IndexMismatch),
        ({"kind": "other"}, errors.IndexCorrupt),
        ({"surprise": 1}, errors.IndexCorrupt),
        (
            {"shards": [{"table": "pages", "path": "../x", "rows": 1, "size_bytes": 1, "sha256": ""}]},
            errors.IndexCorrupt,
        ),
        ({"shards": [{"table": "pages", "path": "/x", "rows": 1, "size_bytes": 1, "sha256": ""}]}, errors.IndexCorrupt),
        ({"inputs": 3}, errors.IndexCorrupt),
    ],
)
def test_a_foreign_manifest_is_refused(tmp_path: Path, change: dict[str, Any], kind: type[Exception]) -> None:
    path = tmp_path / manifests.MANIFEST_NAME
    path.write_text(json.dumps({**asdict(a_manifest()), **change}))
    with pytest.raises(kind):
        manifests.read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "[" * 100_000])
def test_a_manifest_that_is_not_json_is_corrupt(tmp_path: Path, text: str) -> None:
    (tmp_path / manifests.MANIFEST_NAME).write_text(text)
    with pytest.raises(errors.IndexCorrupt):
        manifests.read_manifest(tmp_path)


def test_errors_survive_the_way_to_another_process() -> None:
    error = errors.InputError("broken", path="a.bz2", place="byte 3", remedy="fetch it")
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back)) == (errors.InputError, str(error))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.MieError("x"), 1),
        (errors.UsageError("x"), 2),
        (errors.InputError("x"), 3),
        (errors.IndexMismatch("x"), 4),
        (errors.MissingDependency("x"), 5),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_error_ends_the_command_with_its_code(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(SystemExit) as ending:
        exit_on_error(fail)
    assert ending.value.code == code
    assert capsys.readouterr().err.count("\n") == 1


@given(st.text())
def test_canonical_names_are_stable(name: str) -> None:
    once = titles.canonical_file(name)
    assert titles.canonical_title(once) == once
    assert titles.canonical_title(titles.canonical_title(name)) == titles.canonical_title(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("éire_map.png", "Éire map.png"),
        ("File: a  b.jpg", "A b.jpg"),
        ("ßtraße.jpg", "ßtraße.jpg"),
        ("Image:File_x.jpg", "File x.jpg"),
        ("\u200ea.jpg", "A.jpg"),
    ],
)
def test_file_names_are_written_as_mediawiki_does(name: str, expected: str) -> None:
    assert titles.canonical_file(name) == expected


def test_thumbnail_urls_of_vector_files_end_in_png() -> None:
    assert titles.thumbnail_url("A b.svg", 120).endswith("/A_b.svg/120px-A_b.svg.png")
