"""Parquet shards: whole or not there, row groups of fixed size, the same bytes for the same rows."""

from __future__ import annotations

import errno
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.stages import paragraph_columns
from pipelines.storage import ROW_GROUP_ROWS, ShardWriter, describe_file, shards
from pipelines.storage.columns import RowColumns
from pipelines.storage.shards import to_table, write_table
from schemas.manifest import sha256_file
from schemas.records import Link, Paragraph, Reject, Sentence
from schemas.tables import PARAGRAPHS, REJECTS, SENTENCES, check_table

SCHEMAS = {"rejects": REJECTS, "paragraphs": PARAGRAPHS}


def rejects(count: int, start: int = 0) -> list[Reject]:
    return [Reject("image", f"{number}.jpg", "missing", "") for number in range(start, start + count)]


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_tables_get_their_names_together_at_the_end(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, 3, SCHEMAS) as writer:
        writer.add("rejects", rejects(2))
        assert not (tmp_path / "rejects" / "part-00003.parquet").exists()
    assert files(tmp_path) == ["paragraphs/part-00003.parquet", "rejects/part-00003.parquet"]
    assert check_table(tmp_path / "rejects" / "part-00003.parquet", REJECTS) == 2
    assert check_table(tmp_path / "paragraphs" / "part-00003.parquet", PARAGRAPHS) == 0


def test_an_exception_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop"), ShardWriter(tmp_path, 0, SCHEMAS) as writer:
        writer.add("rejects", rejects(5))
        raise RuntimeError("stop")
    assert files(tmp_path) == []


def test_a_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        is_open = True

        def __init__(self, path: Path, schema: pa.Schema) -> None:
            path.write_bytes(b"PAR1")

        def write_table(self, rows: pa.Table, row_group_size: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shards, "open_writer", Full)
    with pytest.raises(OSError, match="No space"), ShardWriter(tmp_path, 0, {"rejects": REJECTS}) as writer:
        writer.add("rejects", rejects(4 * ROW_GROUP_ROWS))
    assert files(tmp_path) == []


@pytest.mark.parametrize("piece", [1, 7, ROW_GROUP_ROWS, 1000, 5000])
def test_bytes_depend_on_the_rows_alone(tmp_path: Path, piece: int) -> None:
    # Long details: Parquet ends its pages by bytes, and also where a chunk of Arrow's ends
    rows = [Reject("image", f"{at}.jpg", "broken", f"{at} " * 1500) for at in range(8 * ROW_GROUP_ROWS + 3)]
    with ShardWriter(tmp_path / "whole", 0, {"rejects": REJECTS}) as writer:
        writer.add("rejects", rows)
    with ShardWriter(tmp_path / "pieces", 0, {"rejects": REJECTS}) as writer:
        for start in range(0, len(rows), piece):
            writer.add("rejects", rows[start : start + piece])
    with ShardWriter(tmp_path / "tables", 0, {"rejects": REJECTS}) as writer:
        for start in range(0, len(rows), piece):
            writer.add_table("rejects", to_table(rows[start : start + piece], REJECTS))
    name = "rejects/part-00000.parquet"
    assert len({sha256_file(tmp_path / kind / name) for kind in ("whole", "pieces", "tables")}) == 1
    metadata = pq.read_metadata(tmp_path / "whole" / name)
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [*[250] * 8, 3]


def test_only_page_ids_have_statistics_and_only_columns_that_repeat_a_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "sentences.parquet"
    rows = [Sentence(f"7#0#{at}", "7#0", 7, "Tea", f"Sentence {at}.") for at in range(9)]
    write_table(path, to_table(rows, SENTENCES))
    group = pq.read_metadata(path).row_group(0)
    columns = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}
    assert {name for name, column in columns.items() if column.statistics is not None} == {"page_id"}
    assert {name for name, column in columns.items() if not column.has_dictionary_page} == {"sentence_id", "text"}


_LINKS = st.lists(st.builds(Link, st.integers(0, 99), st.integers(0, 99), st.text(max_size=5)), max_size=4)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.builds(Paragraph, _TEXT, st.integers(1, 2**62), _TEXT, _TEXT, _TEXT, _LINKS.map(tuple)), max_size=5))
def test_paragraphs_survive_the_table(rows: list[Paragraph]) -> None:
    table = to_table(rows, PARAGRAPHS)
    table.validate(full=True)
    back = [Paragraph(**{**row, "links": tuple(Link(**link) for link in row["links"])}) for row in table.to_pylist()]
    assert back == rows


@given(
    st.lists(
        st.lists(st.builds(Paragraph, _TEXT, st.integers(1, 9), _TEXT, _TEXT, _TEXT, _LINKS.map(tuple)), max_size=4),
        max_size=4,
    ),
    st.integers(0, 3),
)
def test_rows_given_as_columns_are_the_rows(parts: list[list[Paragraph]], taken: int) -> None:
    rows = [row for part in parts for row in part]
    columns = RowColumns(PARAGRAPHS)
    for number, part in enumerate(parts):
        if part and number % 2:
            columns.add_columns(paragraph_columns(part))
        else:
            columns.add(part)
    taken = min(taken, len(rows))
    assert columns.rows == len(rows)
    found = [columns.take(taken), columns.take(len(rows) - taken)]
    assert pa.concat_tables(found).equals(to_table(rows, PARAGRAPHS))
    assert columns.rows == 0


def test_a_file_is_described_by_rows_size_and_hash(tmp_path: Path) -> None:
    path = tmp_path / "rejects" / "part-00000.parquet"
    write_table(path, to_table(rejects(4), REJECTS))
    shard = describe_file(tmp_path, path, "rejects")
    assert (shard.path, shard.rows, shard.size_bytes) == ("rejects/part-00000.parquet", 4, path.stat().st_size)
    assert shard.sha256 == sha256_file(path)
    (tmp_path / "segments").write_bytes(b"x")
    assert describe_file(tmp_path, tmp_path / "segments", "bm25").rows is None
