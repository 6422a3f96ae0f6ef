"""What may be wrong with an index folder: every file, table and id checked against the manifest and each other."""

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
from schemas.display import tell as tell_step
from schemas.errors import InputError, MieError, StoreError
from schemas.manifest import MANIFEST_NAME, Shard, is_as_written, sha256_file
from schemas.records import FATES
from schemas.tables import IMAGE_IDS, TABLES, check_table, embeddings_schema

__all__ = ["Fault", "find_faults"]

_EMBEDDINGS = "embeddings"


@dataclass(frozen=True)
class Fault:
    """Something that is wrong: where, and what."""

    path: str
    problem: str


class _Tally:
    """Counts what is checked, and tells of it."""

    def __init__(self, name: str, total: int, unit: str) -> None:
        self._name, self._total, self._unit, self._done = name, total, unit, 0
        self.add(0)

    def add(self, number: int) -> None:
        self._done += number
        tell_step(self._name, self._done, self._total, self._unit)


def find_faults(folder: str | Path, progress: Callable[[str], None] | None = None) -> Iterator[Fault]:
    """Check a finished index folder: bytes, rows, schemas, ids against both indexes, counts.

    Args:
        folder: the index folder.
        progress: is told what is being checked.

    Yields:
        Every fault. Checks that need sound files are made only where the files are sound.

    Raises:
        StoreError: there is no manifest that can be read.
    """
    index = WikiIndex(folder)
    tell = progress or (lambda _what: None)
    tell("files")
    broken = [*_file_faults(index), *_count_faults(index)]
    yield from broken
    yield from _strangers(index)
    if broken:
        return
    tell("paragraphs and sentences")
    yield from _guarded(_text_faults, index, "sentences")
    if index.manifest.text_index is not None:
        tell("BM25 index")
        yield from _guarded(_bm25_faults, index, "bm25")
    if index.manifest.image_index is not None:
        tell("image index")
        yield from _guarded(_image_faults, index, IMAGE_FOLDER)


def _file_faults(index: WikiIndex) -> Iterator[Fault]:
    """Compare each file with the manifest: presence, size, bytes, rows, schema."""
    tally = _Tally("files", sum(shard.size_bytes for shard in index.manifest.shards), "bytes")
    for shard in index.manifest.shards:
        problem = _problem_of(index.folder / shard.path, shard, index)
        tally.add(shard.size_bytes)
        if problem:
            yield Fault(shard.path, problem)


def _strangers(index: WikiIndex) -> Iterator[Fault]:
    """Look for files that the manifest does not name."""
    named = {MANIFEST_NAME, *(shard.path for shard in index.manifest.shards)}
    for path in sorted(index.folder.rglob("*")):
        name = path.relative_to(index.folder).as_posix()
        if (path.is_file() or path.is_symlink()) and name not in named and not name.startswith(".work/"):
            yield Fault(name, "not in the manifest")


def _problem_of(path: Path, shard: Shard, index: WikiIndex) -> str | None:
    if path.is_symlink() or not path.is_file():
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
    return TABLES[shard.table]


def _count_faults(index: WikiIndex) -> Iterator[Fault]:
    manifest = index.manifest
    if not is_as_written(index.folder):
        yield Fault(MANIFEST_NAME, "its bytes differ from its own checksum")
    rows = sum(shard.rows or 0 for shard in manifest.shards if shard.table == "pages")
    total = sum(manifest.counts.values())
    if set(manifest.counts) - set(FATES):
        yield Fault(MANIFEST_NAME, f"unknown fates {sorted(set(manifest.counts) - set(FATES))}")
    if not rows == total == manifest.pages_read:
        yield Fault(MANIFEST_NAME, f"{manifest.pages_read} pages read, {total} by fate, {rows} rows of pages")


def _parts(index: WikiIndex, table: str) -> dict[str, str]:
    """Return the files of a table by part: parts of one name hold the same pages in every table."""
    return {Path(shard.path).name: shard.path for shard in index.manifest.shards if shard.table == table}


def _count(index: WikiIndex, table: str) -> int:
    return sum(shard.rows or 0 for shard in index.manifest.shards if shard.table == table)


def _batches(index: WikiIndex, path: str, columns: list[str]) -> Iterator[pa.Table]:
    with pq.ParquetFile(index.folder / path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns)


def _text_faults(index: WikiIndex) -> Iterator[Fault]:
    """Check, part by part, that ids are unique, sentences stand in their paragraphs, and links lie in the text."""
    paragraphs, seen = _parts(index, "paragraphs"), set[int]()
    tally = _Tally("sentences", _count(index, "sentences"), "sentences")
    for part, path in sorted(_parts(index, "sentences").items()):
        texts: dict[str, str] = {}
        if part in paragraphs:
            yield from _paragraph_faults(index, paragraphs.pop(part), texts)
        pages = {page_of(paragraph) for paragraph in texts}
        yield from (Fault(path, f"page {page} is in another part, too") for page in sorted(pages & seen))
        seen |= pages
        yield from _sentence_faults(index, path, texts, tally)
    yield from (Fault(path, "paragraphs without a part of sentences") for path in paragraphs.values())


def _paragraph_faults(index: WikiIndex, path: str, texts: dict[str, str]) -> Iterator[Fault]:
    for table in _batches(index, path, ["paragraph_id", "text", "links"]):
        for row in table.to_pylist():
            if row["paragraph_id"] in texts:
                yield Fault(path, f"paragraph {row['paragraph_id']} twice")
            texts[row["paragraph_id"]] = row["text"]
            if any(not 0 <= link["start"] < link["end"] <= len(row["text"]) for link in row["links"]):
                yield Fault(path, f"paragraph {row['paragraph_id']}: a link lies outside its text")


def _sentence_faults(index: WikiIndex, path: str, texts: dict[str, str], tally: _Tally) -> Iterator[Fault]:
    seen: set[str] = set()
    for table in _batches(index, path, ["sentence_id", "paragraph_id", "text"]):
        tally.add(table.num_rows)
        for row in table.to_pylist():
            sentence, paragraph = row["sentence_id"], row["paragraph_id"]
            if sentence in seen:
                yield Fault(path, f"sentence {sentence} twice")
            seen.add(sentence)
            if sentence.rpartition("#")[0] != paragraph or row["text"] not in texts.get(paragraph, ""):
                yield Fault(path, f"sentence {sentence} does not stand in paragraph {paragraph}")


def _bm25_faults(index: WikiIndex) -> Iterator[Fault]:
    """Compare the ids in the order of the index with those of the tables, which is the order of the build."""

    def stored() -> Iterator[str]:
        tally = _Tally("bm25", _count(index, "sentences"), "documents")
        for _, path in sorted(_parts(index, "sentences").items()):
            for table in _batches(index, path, ["sentence_id"]):
                yield from table.column("sentence_id").to_pylist()
                tally.add(table.num_rows)

    for number, (indexed, wanted) in enumerate(zip_longest(index.text_searcher.doc_ids(), stored())):
        if indexed != wanted:
            yield Fault("bm25", f"document {number} is sentence {indexed}, the tables have {wanted} in this place")
            return


def _image_faults(index: WikiIndex) -> Iterator[Fault]:
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
        yield Fault(IMAGE_FOLDER, f"{index.image_searcher.vectors} vectors for {ids.num_rows} ids")
    files = ids.column("file").to_pylist()
    if len(set(files)) != len(files) or set(files) != embedded & set(used):
        yield Fault(IMAGE_FOLDER, "the ids are not the embedded files that articles use, each once")
    for row in ids.filter(pc.greater(pc.list_value_length(ids.column("page_ids")), 0)).to_pylist():
        if set(row["page_ids"]) != used.get(row["file"], set()):
            yield Fault(IMAGE_FOLDER, f"{row['file']} is not used by the pages that its id names")


def _guarded(check: Callable[[WikiIndex], Iterator[Fault]], index: WikiIndex, path: str) -> Iterator[Fault]:
    """Turn an index that does not open, or an id that is none, into a fault; a missing program is still an error."""
    try:
        yield from check(index)
    except (StoreError, InputError) as error:
        yield Fault(path, str(error))
