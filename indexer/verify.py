"""What may be wrong with an index folder: every file, table and id checked against the manifest and each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from indexer.index import IMAGE_FOLDER, WikiIndex
from schemas.errors import MieError
from schemas.manifest import MANIFEST_NAME, Shard, sha256_file
from schemas.records import FATES
from schemas.tables import IMAGE_IDS, TABLES, check_table, embeddings_schema

__all__ = ["Fault", "find_faults"]

_EMBEDDINGS = "embeddings"


@dataclass(frozen=True)
class Fault:
    """Something that is wrong: where, and what."""

    path: str
    problem: str


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
    faults = [*_file_faults(index), *_count_faults(index)]
    yield from faults
    if faults:
        return
    tell("paragraphs and sentences")
    yield from _text_faults(index)
    if index.manifest.text_index is not None:
        tell("BM25 index")
        yield from _guarded(_bm25_faults, index, "bm25")
    if index.manifest.image_index is not None:
        tell("image index")
        yield from _guarded(_image_faults, index, IMAGE_FOLDER)


def _file_faults(index: WikiIndex) -> Iterator[Fault]:
    """Compare each file with the manifest: presence, size, bytes, rows, schema; and look for files it does not name."""
    named = {MANIFEST_NAME}
    for shard in index.manifest.shards:
        named.add(shard.path)
        problem = _problem_of(index.folder / shard.path, shard, index)
        if problem:
            yield Fault(shard.path, problem)
    for path in sorted(index.folder.rglob("*")):
        name = path.relative_to(index.folder).as_posix()
        if (path.is_file() or path.is_symlink()) and name not in named and not name.startswith("."):
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
    rows = sum(shard.rows or 0 for shard in manifest.shards if shard.table == "pages")
    total = sum(manifest.counts.values())
    if set(manifest.counts) - set(FATES):
        yield Fault(MANIFEST_NAME, f"unknown fates {sorted(set(manifest.counts) - set(FATES))}")
    if not rows == total == manifest.pages_read:
        yield Fault(MANIFEST_NAME, f"{manifest.pages_read} pages read, {total} by fate, {rows} rows of pages")


def _tables(index: WikiIndex, name: str, columns: list[str]) -> Iterator[tuple[str, pa.Table]]:
    for shard in index.manifest.shards:
        if shard.table == name and shard.path.endswith(".parquet"):
            with pq.ParquetFile(index.folder / shard.path) as file:
                for group in range(file.num_row_groups):
                    yield shard.path, file.read_row_group(group, columns)


def _text_faults(index: WikiIndex) -> Iterator[Fault]:
    """Check that ids are unique, that each sentence stands in its paragraph, and that link spans lie in the text."""
    paragraphs: dict[str, str] = {}
    for path, table in _tables(index, "paragraphs", ["paragraph_id", "text", "links"]):
        for row in table.to_pylist():
            if row["paragraph_id"] in paragraphs:
                yield Fault(path, f"paragraph {row['paragraph_id']} twice")
            paragraphs[row["paragraph_id"]] = row["text"]
            if any(not 0 <= link["start"] < link["end"] <= len(row["text"]) for link in row["links"]):
                yield Fault(path, f"paragraph {row['paragraph_id']}: a link lies outside its text")
    seen: set[str] = set()
    for path, table in _tables(index, "sentences", ["sentence_id", "paragraph_id", "text"]):
        for row in table.to_pylist():
            sentence, paragraph = row["sentence_id"], row["paragraph_id"]
            if sentence in seen:
                yield Fault(path, f"sentence {sentence} twice")
            seen.add(sentence)
            if sentence.rpartition("#")[0] != paragraph or row["text"] not in paragraphs.get(paragraph, ""):
                yield Fault(path, f"sentence {sentence} does not stand in paragraph {paragraph}")


def _bm25_faults(index: WikiIndex) -> Iterator[Fault]:
    indexed = sorted(index.text_searcher.doc_ids())
    stored = sorted(
        doc_id
        for _, table in _tables(index, "sentences", ["sentence_id"])
        for doc_id in table.column("sentence_id").to_pylist()
    )
    if indexed != stored:
        missing, extra = set(stored) - set(indexed), set(indexed) - set(stored)
        yield Fault(
            "bm25", f"{len(indexed)} ids for {len(stored)} sentences: {len(missing)} missing, {len(extra)} extra"
        )


def _image_faults(index: WikiIndex) -> Iterator[Fault]:
    ids = pq.read_table(index.folder / IMAGE_FOLDER / "ids.parquet")
    used: dict[str, set[int]] = {}
    for _, table in _tables(index, "images", ["file", "page_id"]):
        for row in table.to_pylist():
            used.setdefault(row["file"], set()).add(row["page_id"])
    embedded = {file for _, table in _tables(index, _EMBEDDINGS, ["file"]) for file in table.column("file").to_pylist()}
    if index.image_searcher.vectors != ids.num_rows:
        yield Fault(IMAGE_FOLDER, f"{index.image_searcher.vectors} vectors for {ids.num_rows} ids")
    files = ids.column("file").to_pylist()
    if len(set(files)) != len(files) or set(files) != embedded & set(used):
        yield Fault(IMAGE_FOLDER, "the ids are not the embedded files that articles use, each once")
    for row in ids.filter(pc.greater(pc.list_value_length(ids.column("page_ids")), 0)).to_pylist():
        if set(row["page_ids"]) != used.get(row["file"], set()):
            yield Fault(IMAGE_FOLDER, f"{row['file']} is not used by the pages that its id names")


def _guarded(check: Callable[[WikiIndex], Iterator[Fault]], index: WikiIndex, path: str) -> Iterator[Fault]:
    """Turn an index that does not open into a fault; a missing program is still an error."""
    from schemas.errors import StoreError

    try:
        yield from check(index)
    except StoreError as error:
        yield Fault(path, str(error))
