"""Faults of an index folder: its files, tables and ids are compared with the manifest and with each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from indexer.documents import page_of
from indexer.index import IMAGE_FOLDER, WikiIndex
from schemas.display import tell
from schemas.errors import InputError, MieError, StoreError
from schemas.manifest import MANIFEST_NAME, Shard, is_as_written, sha256_file
from schemas.records import FATES
from schemas.tables import IMAGE_IDS, OPTIONAL_TABLES, TABLES, check_table, embeddings_schema

__all__ = ["IndexFault", "find_faults"]

_EMBEDDINGS = "embeddings"


@dataclass(frozen=True)
class IndexFault:
    """A file of an index folder, and what is wrong with it."""

    path: str
    problem: str


class _Counter:
    """Counts what has been checked, and shows it as a step of long work."""

    def __init__(self, name: str, total: int, unit: str) -> None:
        self._name, self._total, self._unit, self._done = name, total, unit, 0
        self.add(0)  # the step is seen before its first file is read, which may be large

    def add(self, number: int) -> None:
        self._done += number
        tell(self._name, self._done, self._total, self._unit)


def find_faults(folder: str | Path, progress: Callable[[str], None] | None = None) -> Iterator[IndexFault]:
    """Check a finished index folder: bytes, rows, schemas, ids against both indexes, counts.

    Args:
        folder: the index folder.
        progress: called with the name of each check before it begins.

    Yields:
        Every fault. Ids are compared only if all files are sound: a damaged table cannot be read.

    Raises:
        StoreError: the manifest is missing or cannot be read.
    """
    index = WikiIndex(folder)
    begin = progress or (lambda _check: None)
    begin("files")
    broken = [*_file_faults(index), *_count_faults(index)]
    yield from broken
    yield from _unnamed_files(index)
    if broken:  # an unnamed file alone does not hinder the other checks
        return
    begin("paragraphs and sentences")
    yield from _guarded(_text_faults, index, "sentences")
    if index.manifest.text_index is not None:
        begin("BM25 index")
        yield from _guarded(_bm25_faults, index, "bm25")
    if index.manifest.image_index is not None:
        begin("image index")
        yield from _guarded(_image_faults, index, IMAGE_FOLDER)


def _file_faults(index: WikiIndex) -> Iterator[IndexFault]:
    """Compare each file with the manifest: whether it exists, its size, bytes, rows and schema."""
    checked = _Counter("files", sum(shard.size_bytes for shard in index.manifest.shards), "bytes")
    for shard in index.manifest.shards:
        problem = _problem_of(index.folder / shard.path, shard, index)
        checked.add(shard.size_bytes)
        if problem:
            yield IndexFault(shard.path, problem)


def _unnamed_files(index: WikiIndex) -> Iterator[IndexFault]:
    """Look for files that the manifest does not name."""
    named = {MANIFEST_NAME, *(shard.path for shard in index.manifest.shards)}
    for path in sorted(index.folder.rglob("*")):
        name = path.relative_to(index.folder).as_posix()
        if (path.is_file() or path.is_symlink()) and name not in named and not name.startswith(".work/"):
            yield IndexFault(name, "not in the manifest")


def _problem_of(path: Path, shard: Shard, index: WikiIndex) -> str | None:
    """Return what is wrong with a file, from the cheapest check to the dearest; None if it is sound."""
    if path.is_symlink() or not path.is_file():  # a link could lead to a file that changes without the index
        return "missing"
    if path.stat().st_size != shard.size_bytes:
        return f"{path.stat().st_size} bytes, the manifest says {shard.size_bytes}"
    if sha256_file(path) != shard.sha256:
        return "its bytes differ from the manifest's sha256"
    if not shard.path.endswith(".parquet"):
        return None
    try:
        rows = check_table(path, _schema_of(shard, index))
    except (MieError, KeyError) as error:
        return str(error)
    return None if rows == shard.rows else f"{rows} rows, the manifest says {shard.rows}"


def _schema_of(shard: Shard, index: WikiIndex) -> pa.Schema:
    if shard.table == _EMBEDDINGS:
        return embeddings_schema(int((index.manifest.image_index or {"dim": 0})["dim"]))
    if shard.path == f"{IMAGE_FOLDER}/ids.parquet":
        return IMAGE_IDS
    return (TABLES | OPTIONAL_TABLES)[shard.table]


def _count_faults(index: WikiIndex) -> Iterator[IndexFault]:
    """Compare the counts of the manifest with each other, with the table of pages, and with its own checksum."""
    manifest = index.manifest
    if not is_as_written(index.folder):
        yield IndexFault(MANIFEST_NAME, "its bytes differ from its own checksum")
    rows = sum(shard.rows or 0 for shard in manifest.shards if shard.table == "pages")
    total = sum(manifest.counts.values())
    if set(manifest.counts) - set(FATES):
        yield IndexFault(MANIFEST_NAME, f"unknown fates {sorted(set(manifest.counts) - set(FATES))}")
    if not rows == total == manifest.pages_read:
        yield IndexFault(MANIFEST_NAME, f"{manifest.pages_read} pages read, {total} by fate, {rows} rows of pages")


def _parts(index: WikiIndex, table: str) -> dict[str, str]:
    """Return the paths of a table's files by file name: files of one name hold the same pages in every table."""
    return {Path(shard.path).name: shard.path for shard in index.manifest.shards if shard.table == table}


def _count(index: WikiIndex, table: str) -> int:
    """Return the rows of a table, as the manifest counts them."""
    return sum(shard.rows or 0 for shard in index.manifest.shards if shard.table == table)


def _batches(index: WikiIndex, path: str, columns: list[str]) -> Iterator[pa.Table]:
    """Read columns of a file, one row group at a time."""
    with pq.ParquetFile(index.folder / path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns)


def _text_faults(index: WikiIndex) -> Iterator[IndexFault]:
    """Check that ids are unique, sentences stand in their paragraphs, and links lie in the text.

    This goes part by part, so that only the paragraphs of one part are in memory.
    """
    paragraphs, seen = _parts(index, "paragraphs"), set[int]()
    checked = _Counter("sentences", _count(index, "sentences"), "sentences")
    for part, path in sorted(_parts(index, "sentences").items()):
        texts: dict[str, str] = {}
        if part in paragraphs:
            yield from _paragraph_faults(index, paragraphs.pop(part), texts)
        # A page is in one part only; so page numbers are enough to find an id that two parts share.
        pages = {page_of(paragraph) for paragraph in texts}
        yield from (IndexFault(path, f"page {page} is in another part, too") for page in sorted(pages & seen))
        seen |= pages
        yield from _sentence_faults(index, path, texts, checked)
    yield from (IndexFault(path, "paragraphs without a part of sentences") for path in paragraphs.values())


def _paragraph_faults(index: WikiIndex, path: str, texts: dict[str, str]) -> Iterator[IndexFault]:
    """Check the paragraphs of a file, and put their texts into `texts` by id."""
    for table in _batches(index, path, ["paragraph_id", "text", "links"]):
        for row in table.to_pylist():
            if row["paragraph_id"] in texts:
                yield IndexFault(path, f"paragraph {row['paragraph_id']} twice")
            texts[row["paragraph_id"]] = row["text"]
            if any(not 0 <= link["start"] < link["end"] <= len(row["text"]) for link in row["links"]):
                yield IndexFault(path, f"paragraph {row['paragraph_id']}: a link lies outside its text")


def _sentence_faults(index: WikiIndex, path: str, texts: dict[str, str], checked: _Counter) -> Iterator[IndexFault]:
    seen: set[str] = set()
    for table in _batches(index, path, ["sentence_id", "paragraph_id", "text"]):
        checked.add(table.num_rows)
        for row in table.to_pylist():
            sentence, paragraph = row["sentence_id"], row["paragraph_id"]
            if sentence in seen:
                yield IndexFault(path, f"sentence {sentence} twice")
            seen.add(sentence)
            if sentence.rpartition("#")[0] != paragraph or row["text"] not in texts.get(paragraph, ""):
                yield IndexFault(path, f"sentence {sentence} does not stand in paragraph {paragraph}")


def _bm25_faults(index: WikiIndex) -> Iterator[IndexFault]:
    """Compare the ids of the text index with those of the tables, in whose order the build adds sentences."""

    def ids_of_tables() -> Iterator[str]:
        checked = _Counter("bm25", _count(index, "sentences"), "documents")
        for _, path in sorted(_parts(index, "sentences").items()):
            for table in _batches(index, path, ["sentence_id"]):
                yield from table.column("sentence_id").to_pylist()
                checked.add(table.num_rows)

    for number, (indexed, stored) in enumerate(zip_longest(index.text_searcher.doc_ids(), ids_of_tables())):
        if indexed != stored:
            yield IndexFault("bm25", f"document {number} is sentence {indexed}, the tables have {stored} in this place")
            return  # one id too many would make every later one a fault


def _image_faults(index: WikiIndex) -> Iterator[IndexFault]:
    """Compare the ids of the image index with its vectors, with the embedded files, and with the uses in articles."""
    ids = pq.read_table(index.folder / IMAGE_FOLDER / "ids.parquet")
    used: dict[str, set[int]] = {}
    for path in _parts(index, "images").values():
        for table in _batches(index, path, ["file", "page_id"]):
            for row in table.to_pylist():
                used.setdefault(row["file"], set()).add(row["page_id"])
    embedded = {
        file
        for path in _parts(index, _EMBEDDINGS).values()
        for table in _batches(index, path, ["file"])
        for file in table.column("file").to_pylist()
    }
    if index.image_searcher.vectors != ids.num_rows:
        yield IndexFault(IMAGE_FOLDER, f"{index.image_searcher.vectors} vectors for {ids.num_rows} ids")
    files = ids.column("file").to_pylist()
    if len(set(files)) != len(files) or set(files) != embedded & set(used):
        yield IndexFault(IMAGE_FOLDER, "the ids are not the embedded files that articles use, each once")
    for row in ids.filter(pc.greater(pc.list_value_length(ids.column("page_ids")), 0)).to_pylist():
        if set(row["page_ids"]) != used.get(row["file"], set()):
            yield IndexFault(IMAGE_FOLDER, f"{row['file']} is not used by the pages that its id names")


def _guarded(check: Callable[[WikiIndex], Iterator[IndexFault]], index: WikiIndex, path: str) -> Iterator[IndexFault]:
    """Make a check, and report an index that does not open, or an id that cannot be read, as a fault.

    Other errors are raised: without Java, for instance, the text index cannot be checked at all.
    """
    try:
        yield from check(index)
    except (StoreError, InputError) as error:
        yield IndexFault(path, str(error))
