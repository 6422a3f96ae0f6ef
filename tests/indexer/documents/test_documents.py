"""Text by id, over shards of small row groups: every row comes back, and each row group is read once a batch."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pyarrow.parquet as pq
import pytest

from indexer.documents import Documents
from indexer.documents import tables as documents
from schemas.errors import IndexCorrupt, IndexMismatch
from schemas.manifest import read_manifest
from schemas.records import Link, PageRow, Paragraph, Sentence
from tests.support.index_folders import Page, make_folder

pytestmark = pytest.mark.integration

SHARDS = [
    [Page(n, f"Title {n}", [[f"Page {n}, {p}, {s}." for s in range(1 + p % 3)] for p in range(1 + n % 4)]) for n in ids]
    for ids in (range(10, 40, 2), (900, 7, 55, 41), range(100, 110))
]
SHARDS[0][2].description = "Even number"
SHARDS[2][9].description = "Odd number"
SHARDS[0][3].images = {"A.jpg": "first", "B.jpg": ""}
SHARDS[2][0].images = {"A.jpg": "second"}
SHARDS[2][0].links = {0: [Link(0, 4, "Page")]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("documents") / "index", SHARDS)


@pytest.fixture
def opened(folder: Path) -> Documents:
    return Documents(folder, read_manifest(folder))


def rows_of(table: str) -> list:
    return [row for shard in SHARDS for page in shard for row in page.rows()[table]]


def test_every_sentence_and_paragraph_comes_back_in_the_order_asked(opened: Documents) -> None:
    sentences: list[Sentence] = rows_of("sentences")
    paragraphs: list[Paragraph] = rows_of("paragraphs")
    random.Random(5).shuffle(sentences)
    random.Random(6).shuffle(paragraphs)
    twice = [*sentences, *sentences[:3]]
    assert opened.sentences([row.sentence_id for row in twice]) == twice
    assert opened.paragraphs([row.paragraph_id for row in paragraphs]) == paragraphs
    assert opened.sentences([]) == []


def test_descriptions_come_back_by_page_and_are_empty_where_there_is_none(opened: Documents) -> None:
    expected = {page.page_id: page.description for shard in SHARDS for page in shard}
    assert opened.descriptions([*expected, *expected]) == expected
    assert opened.descriptions([14, 14, 109, 900, 123456]) == {
        14: "Even number",
        109: "Odd number",
        900: "",
        123456: "",
    }
    assert opened.descriptions([14]) == {14: "Even number"} and opened.descriptions([]) == {}
    assert opened.facts_of(14) is None


def test_an_article_is_given_whole_and_in_order(opened: Documents) -> None:
    page = SHARDS[2][0]
    assert opened.page(page.page_id) == PageRow(page.page_id, 1, page.title, 0, "kept", None, 100, "")
    assert opened.paragraphs_of(page.page_id) == page.rows()["paragraphs"]
    assert opened.sentences_of(page.page_id) == page.rows()["sentences"]
    assert opened.images_of(page.page_id) == page.rows()["images"]
    assert (opened.page(11), opened.paragraphs_of(11)) == (None, [])


def test_images_are_found_by_file_and_page_and_all_uses_by_file(opened: Documents) -> None:
    first, second = SHARDS[0][3], SHARDS[2][0]
    found = opened.images([("A.jpg", second.page_id), ("B.jpg", first.page_id), ("A.jpg", first.page_id)])
    assert [(image.page_id, image.file, image.caption) for image in found] == [
        (second.page_id, "A.jpg", "second"),
        (first.page_id, "B.jpg", ""),
        (first.page_id, "A.jpg", "first"),
    ]
    assert [image.page_id for image in opened.uses_of("A.jpg")] == [first.page_id, second.page_id]
    assert opened.uses_of("C.jpg") == []


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """The table, file and number of every row group as it is decoded."""
    seen: list[tuple[str, int, int]] = []
    original = documents._Table._read
    monkeypatch.setattr(
        documents._Table,
        "_read",
        lambda self, *place: seen.append((self._name, *place[:2])) or original(self, *place),
    )
    return seen


def test_a_batch_reads_each_row_group_once_and_no_other(opened: Documents, decoded: list[tuple[str, int, int]]) -> None:
    opened.sentences(["101#0#0", "100#0#0", "101#0#0"])
    assert 0 < len(decoded) == len(set(decoded)) <= 3
    assert {file for _, file, _ in decoded} == {1, 2}, "the second shard is not in order: its first group may hold them"


def test_row_groups_are_kept_for_the_next_query_up_to_a_number_of_bytes(
    folder: Path, decoded: list[tuple[str, int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "ROWS_HELD", 0)
    ids = [row.sentence_id for row in rows_of("sentences")]
    for limit, is_kept in ((1 << 20, True), (1, False)):
        monkeypatch.setattr(documents, "CACHE_BYTES", limit)
        opened = Documents(folder, read_manifest(folder))
        texts = opened.sentence_texts(ids)
        groups = len(decoded)
        assert groups >= 3
        assert opened.sentence_texts(ids) == texts == [row.text for row in rows_of("sentences")]
        assert len(decoded) == groups if is_kept else len(decoded) > 1.9 * groups
        assert opened.sentences(ids) == rows_of("sentences"), "other columns are not those that are kept"
        decoded.clear()


def test_threads_that_open_and_read_the_same_tables_get_the_same_rows(
    folder: Path, decoded: list[tuple[str, int, int]]
) -> None:
    opened, start = Documents(folder, read_manifest(folder)), Barrier(8)
    sentences, paragraphs = rows_of("sentences"), rows_of("paragraphs")

    def read(seed: int) -> bool:
        shuffled, parts = sentences.copy(), paragraphs.copy()
        random.Random(seed).shuffle(shuffled)
        random.Random(seed).shuffle(parts)
        start.wait(10)
        return (
            opened.sentences([row.sentence_id for row in shuffled]) == shuffled
            and opened.paragraphs([row.paragraph_id for row in parts]) == parts
            and len(opened.uses_of("A.jpg")) == 2
        )

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(read, range(8)))
    by_id = [place for place in decoded if place[0] != "images"]
    assert len(by_id) == len(set(by_id)), "what one thread decoded, the others take"


@pytest.mark.parametrize("doc_id", ["10#0#9", "10#9#0", "11#0#0", "99999#0#0"])
def test_an_id_that_the_tables_lack_is_a_corrupt_index(opened: Documents, doc_id: str) -> None:
    with pytest.raises(IndexCorrupt, match="the tables do not hold it") as caught:
        opened.sentences(["10#0#0", doc_id])
    assert repr(doc_id) in str(caught.value)


def test_a_damaged_or_missing_or_foreign_table_is_an_index_error(folder: Path, tmp_path: Path) -> None:
    for name, data, error in (
        ("sentences", b"PAR1", IndexCorrupt),
        ("sentences", None, IndexCorrupt),
        ("paragraphs", (folder / "pages" / "part-00001.parquet").read_bytes(), IndexCorrupt),
    ):
        copy = Path(shutil.copytree(folder, tmp_path / "copy"))
        path = copy / name / "part-00001.parquet"
        path.unlink() if data is None else path.write_bytes(data)
        opened = Documents(copy, read_manifest(copy))
        with pytest.raises(error, match=r"part-00001\.parquet"):
            opened.sentences(["10#0#0"]) if name == "sentences" else opened.paragraphs(["10#0"])
        shutil.rmtree(copy)


def test_damage_within_a_row_group_names_file_and_group(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    path = copy / "sentences" / "part-00000.parquet"
    column = pq.read_metadata(path).row_group(0).column(4)
    with open(path, "r+b") as file:
        file.seek(column.dictionary_page_offset or column.data_page_offset)
        file.write(b"\xff" * column.total_compressed_size)
    with pytest.raises(IndexCorrupt, match="row group 0"):
        Documents(copy, read_manifest(copy)).sentences(["10#0#0"])


def test_a_table_of_another_schema_version_is_a_mismatch(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    path = copy / "sentences" / "part-00000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({"schema_version": "99"}), path)
    with pytest.raises(IndexMismatch, match="schema version 99"):
        Documents(copy, read_manifest(copy)).sentences(["10#0#0"])


def test_fetching_imports_no_pandas(folder: Path) -> None:
    program = (
        "import sys; from indexer.documents.tables import Documents; from schemas.manifest import read_manifest\n"
        f"found = Documents({str(folder)!r}, read_manifest({str(folder)!r})).sentences(['10#0#0'])\n"
        "print(found[0].text, 'pandas' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Page 10, 0, 0. False"


def test_rows_gathered_anew_are_those_that_were_held(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "ROWS_HELD", 1)
    rows = rows_of("sentences")[:3]
    ids = [row.sentence_id for row in rows]
    opened = Documents(folder, read_manifest(folder))
    assert opened.sentences(ids[:2]) == rows[:2], "more than are held"
    assert opened.sentences(ids[1:]) == rows[1:] and opened.sentences(ids) == rows, "held before, asked with others"


def test_rows_that_are_held_are_not_decoded_again(folder: Path, decoded: list[tuple[str, int, int]]) -> None:
    opened, rows = Documents(folder, read_manifest(folder)), rows_of("sentences")
    ids = [row.sentence_id for row in rows]
    assert opened.sentences(ids[:1]) == rows[:1]
    decoded.clear()
    assert opened.sentences(ids[:1]) == rows[:1] and not decoded
