"""`find_faults`: a sound folder has none, and each kind of damage is named."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from indexer.report import find_faults
from indexer.report.verify import IndexFault
from indexer.text import build_bm25
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound
from schemas.manifest import Manifest, read_manifest, write_manifest
from schemas.records import Link
from schemas.tables import TABLES
from tests.support.index_folders import Page, make_folder, to_shard, write_sentences

pytestmark = pytest.mark.integration

SHARDS = [
    [
        Page(
            3, "Tea", [["Tea is hot.", "It is old."], ["Milk helps."]], {"Tea.jpg": "a cup"}, {1: [Link(0, 4, "Milk")]}
        ),
        Page(4, "Milk", [["Milk is white."]], {"Milk.jpg": ""}),
        Page(6, "Nothing", []),
    ],
    [Page(9, "Snow", [["Snow is cold.", "Snow is white."], ["Dogs like it."]], {"Tea.jpg": "beside snow"})],
]
VECTORS = {"Tea.jpg": [1.0, 0.0, 0.0, 0.0], "Milk.jpg": [0.0, 1.0, 0.0, 0.0]}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("sound") / "index", SHARDS, vectors=VECTORS)


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "index"))


def problems(folder: Path) -> list[str]:
    return [f"{fault.path}: {fault.problem}" for fault in find_faults(folder)]


def edit_table(path: Path, change: Callable[[list[dict]], list[dict]]) -> None:
    """Change the rows of a shard and own up to it in the manifest: only ids and texts can tell."""
    import pyarrow as pa

    table = pq.read_table(path)
    pq.write_table(pa.Table.from_pylist(change(table.to_pylist()), schema=table.schema), path)
    describe_again(path.parents[1])


def describe_again(folder: Path, **changes: object) -> None:
    """Write the manifest anew from what lies in the folder."""
    manifest = read_manifest(folder)
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.parent != folder)
    shards = tuple(to_shard(folder, path) for path in paths)
    edited: Manifest = replace(manifest, **{"shards": shards, **changes})
    write_manifest(folder, edited)


def test_a_sound_folder_has_no_fault_and_says_what_it_checks(sound: Path) -> None:
    checks: list[str] = []
    assert list(find_faults(sound, checks.append)) == []
    assert checks == ["files", "paragraphs and sentences", "BM25 index", "image index"]


def test_changed_bytes_a_cut_file_a_missing_one_and_a_stranger_are_all_named(folder: Path) -> None:
    data = bytearray((folder / "bm25" / "_0.fdt").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "bm25" / "_0.fdt").write_bytes(data)
    (folder / "sentences" / "part-00000.parquet").write_bytes(b"PAR1")
    (folder / "faiss" / "ids.parquet").unlink()
    (folder / "notes.txt").write_text("mine")
    assert problems(folder) == [
        "bm25/_0.fdt: its bytes differ from the manifest's sha256",
        "faiss/ids.parquet: missing",
        f"sentences/part-00000.parquet: 4 bytes, the manifest says {size_in_manifest(folder)}",
        "notes.txt: not in the manifest",
    ]


def size_in_manifest(folder: Path) -> int:
    shards = json.loads((folder / "manifest.json").read_text())["shards"]
    return next(shard["size_bytes"] for shard in shards if shard["path"] == "sentences/part-00000.parquet")


def test_a_stranger_alone_does_not_keep_the_ids_from_being_checked(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    edit_table(folder / "sentences" / "part-00001.parquet", lambda rows: rows[:-1])
    (folder / "notes.txt").write_text("mine")
    assert [problem.split(":")[0] for problem in problems(folder)] == ["notes.txt", "bm25"]


def test_a_table_of_another_schema_is_named(folder: Path) -> None:
    shutil.copyfile(folder / "pages" / "part-00000.parquet", folder / "images" / "part-00000.parquet")
    describe_again(folder)
    assert [fault.path for fault in find_faults(folder)] == ["images/part-00000.parquet"]
    assert "columns differ from the contract" in problems(folder)[0]


def test_counts_that_do_not_sum_are_named(folder: Path) -> None:
    manifest = read_manifest(folder)
    write_manifest(folder, replace(manifest, pages_read=5, counts={"kept": 3, "lost": 1}))
    assert problems(folder) == [
        "manifest.json: unknown fates ['lost']",
        "manifest.json: 5 pages read, 4 by fate, 4 rows of pages",
    ]


def test_a_sentence_that_is_not_in_its_paragraph_is_named(folder: Path) -> None:
    def change(rows: list[dict]) -> list[dict]:
        rows[0]["text"] = "Coffee is hot."
        rows[1]["paragraph_id"] = "3#7"
        return rows

    edit_table(folder / "sentences" / "part-00000.parquet", change)
    assert problems(folder) == [
        "sentences/part-00000.parquet: sentence 3#0#0 does not stand in paragraph 3#0",
        "sentences/part-00000.parquet: sentence 3#0#1 does not stand in paragraph 3#7",
    ]


def test_ids_that_stand_twice_and_links_beyond_the_text_are_named(folder: Path) -> None:
    def change(rows: list[dict]) -> list[dict]:
        rows[1]["links"] = [{"start": 5, "end": 99, "target": "Milk"}]
        return [*rows, rows[0]]

    edit_table(folder / "paragraphs" / "part-00000.parquet", change)
    assert problems(folder) == [
        "paragraphs/part-00000.parquet: paragraph 3#1: a link lies outside its text",
        "paragraphs/part-00000.parquet: paragraph 3#0 twice",
    ]


def test_a_page_in_two_parts_is_named(folder: Path) -> None:
    for table in ("sentences", "paragraphs"):
        rows = pq.read_table(folder / table / "part-00000.parquet", schema=TABLES[table]).to_pylist()
        edit_table(folder / table / "part-00001.parquet", lambda own, rows=rows: own + rows[:1])
    assert "sentences/part-00001.parquet: page 3 is in another part, too" in problems(folder)


def test_a_text_index_of_other_sentences_is_named(folder: Path, tmp_path: Path) -> None:
    shards = sorted((folder / "sentences").iterdir())
    documents = sum(pq.read_metadata(shard).num_rows for shard in shards)
    other = write_sentences(tmp_path / "other.parquet", [f"s{n}" for n in range(documents)], page_id=3)
    build_bm25([other], folder / "bm25")
    describe_again(folder)
    assert problems(folder) == ["bm25: document 2 is sentence 3#0#2, the tables have 3#1#0 in this place"]
    build_bm25([shards[0]], folder / "bm25")
    describe_again(folder)
    assert "sentences, the manifest says" in problems(folder)[0]


def test_an_image_index_that_names_other_pages_or_files_is_named(folder: Path) -> None:
    def swap(rows: list[dict]) -> list[dict]:
        rows[0]["page_ids"], rows[1]["page_ids"] = rows[1]["page_ids"], rows[0]["page_ids"]
        return rows

    edit_table(folder / "faiss" / "ids.parquet", swap)
    assert problems(folder) == [
        "faiss: Milk.jpg is not used by the pages that its id names",
        "faiss: Tea.jpg is not used by the pages that its id names",
    ]
    edit_table(folder / "faiss" / "ids.parquet", lambda rows: rows[:1])
    assert [fault.path for fault in find_faults(folder)] == ["faiss"]


def test_a_folder_without_a_manifest_is_no_index(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    with pytest.raises(IndexNotFound):
        list(find_faults(folder))


def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path: Path) -> None:
    target = folder / "rejects" / "part-00000.parquet"
    shutil.move(target, tmp_path / "elsewhere.parquet")
    target.symlink_to(tmp_path / "elsewhere.parquet")
    assert list(find_faults(folder)) == [IndexFault("rejects/part-00000.parquet", "missing")]


def test_any_flipped_byte_of_any_file_is_found(folder: Path) -> None:
    """Three places in each file, of tables, Lucene, Faiss, ids and the manifest itself."""
    rng = random.Random(5)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    kinds = {path.relative_to(folder).parts[0] for path in paths}
    assert kinds >= {*TABLES, "embeddings", "bm25", "faiss", "manifest.json"}
    assert {path.suffix for path in paths} >= {".parquet", ".faiss", ".json", ".fdt", ".tim", ".doc", ".nvd", ".si"}
    for path in paths:
        data = path.read_bytes()
        for place in {0, len(data) - 1, *(rng.randrange(len(data)) for _ in range(3))} if data else ():
            flipped = bytearray(data)
            flipped[place] ^= 1 << rng.randrange(8)
            path.write_bytes(flipped)
            assert is_found(folder, path), f"{path.name}, byte {place}"
            path.write_bytes(data)
    assert problems(folder) == []


def is_found(folder: Path, path: Path) -> bool:
    """Tell whether a damage is named (or, of the manifest, keeps the folder from being an index)."""
    try:
        return any(fault.path == path.relative_to(folder).as_posix() for fault in find_faults(folder))
    except IndexCorrupt:
        return path.name == "manifest.json"
    except IndexMismatch as mismatch:
        return path.name == "manifest.json" and "schema version" in str(mismatch)


@pytest.mark.parametrize("place", [".", ".hidden", "pages", "ledger", "bm25", "faiss", "new"])
def test_a_file_more_or_less_is_named_in_every_folder(place: str, folder: Path) -> None:
    stranger = folder / place / "stranger.bin"
    stranger.parent.mkdir(exist_ok=True)
    stranger.touch()
    assert problems(folder) == [f"{stranger.relative_to(folder).as_posix()}: not in the manifest"]
    stranger.unlink()
    lost = next((path for path in sorted((folder / place).iterdir()) if path.is_file()), None)
    if lost is not None and lost.name != "manifest.json":
        lost.unlink()
        assert problems(folder) == [f"{lost.relative_to(folder).as_posix()}: missing"]
