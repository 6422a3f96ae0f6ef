"""Rows by id: sentences, paragraphs and article images, fetched from the Parquet tables of an index folder."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from indexer.documents.row_groups import RowGroup, RowGroupCache
from schemas.errors import IndexCorrupt, InputError
from schemas.manifest import Manifest
from schemas.records import ArticleImage, Fact, Link, PageRow, Paragraph, Sentence
from schemas.tables import OPTIONAL_TABLES, TABLES, check_table

__all__ = ["Documents", "page_of"]

CACHE_BYTES = 64 << 20
"""Bound of the decoded row groups in memory: some 250,000 sentences with their paragraphs."""
ROWS_HELD = 20_000
"""Rows of a table kept as Python objects, about 20 MB; when there are more, all are dropped."""
_SCHEMAS = TABLES | OPTIONAL_TABLES
_UNLINKED = ("paragraph_id", "title", "section", "text")
_DESCRIBED = ("page_id", "description")
_REBUILD = "check the folder with: mie-index verify; then build it again"


def page_of(doc_id: str) -> int:
    """Read the page id in a page, paragraph or sentence id.

    Raises:
        InputError: the id is none of these.

    >>> page_of("12#3#1")
    12
    """
    head, *rest = doc_id.split("#")
    if len(rest) > 2 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (head, *rest)):
        raise InputError(f"{doc_id!r} is no page, paragraph or sentence id", remedy="give PAGE, PAGE#N or PAGE#N#M")
    return int(head)


class _Table:
    """The shards of one table. The statistics of page ids tell the row groups that may hold a page.

    A row group is decoded in the calling thread, from the mapped file: handing columns to other threads, or reading
    their bytes in advance, takes as long as decoding them.
    """

    def __init__(self, folder: Path, manifest: Manifest, name: str, cache: RowGroupCache) -> None:
        self._name = name
        self._cache = cache
        self._paths: list[Path] = []
        self._files: list[pq.ParquetFile] = []
        groups: list[tuple[int, int, int, int]] = []
        for shard in manifest.shards:
            if shard.table != name:
                continue
            path = folder / shard.path
            check_table(path, _SCHEMAS[name])
            # Only the footer is read here; row groups are read when they are decoded.
            file = pq.ParquetFile(path, memory_map=True, pre_buffer=False)
            groups += [(*span, len(self._files), group) for group, span in enumerate(_spans(file))]
            self._paths.append(path)
            self._files.append(file)
        self._groups = sorted(groups)
        self._starts = [group[0] for group in self._groups]
        self._widest = max((last - first for first, last, _, _ in self._groups), default=0)

    def rows(self, page_ids: Iterable[int], columns: Sequence[str] | None = None) -> dict[int, list[pa.Table]]:
        """Return the rows of each of the pages, as runs of rows; a page without any is left out.

        Args:
            page_ids: of the pages.
            columns: the columns to decode, page_id among them; None decodes all.
        """
        found: dict[int, list[pa.Table]] = {}
        for page in sorted(set(page_ids)):
            for place in self._places(page):
                for run in self._group(*place, columns).runs_of(page):
                    found.setdefault(page, []).append(run)
        return found

    def row_of(self, page_id: int, doc_id: str, columns: Sequence[str] | None = None) -> dict[str, Any] | None:
        """Return the row of an id of this table, or None.

        Args:
            page_id: of its page.
            doc_id: the row's first column.
            columns: the columns to decode, that of the ids among them; None decodes all.
        """
        for place in self._places(page_id):
            row = self._group(*place, columns).row_of(doc_id)
            if row is not None:
                return row
        return None

    def where(self, column: str, value: str) -> list[dict[str, Any]]:
        """Return every row whose column has a value, by reading the whole table."""
        rows: list[dict[str, Any]] = []
        for number, file in enumerate(self._files):
            for group in range(file.num_row_groups):
                values = self._read(number, group, [column]).column(0).to_pylist()
                if value in values:
                    table = self._read(number, group)
                    rows += [table.slice(at, 1).to_pylist()[0] for at, other in enumerate(values) if other == value]
        return rows

    def _group(self, file: int, group: int, columns: Sequence[str] | None = None) -> RowGroup:
        """Return a row group, from the cache or decoded."""
        key = (self._name, file, group, columns)
        return self._cache.get(key, lambda: RowGroup(self._read(file, group, columns), _SCHEMAS[self._name].names[0]))

    def _read(self, file: int, group: int, columns: Sequence[str] | None = None) -> pa.Table:
        try:
            return self._files[file].read_row_group(group, columns, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            path, place = self._paths[file], f"row group {group}"
            raise IndexCorrupt(
                f"the table cannot be read ({error})", path=path, place=place, remedy=_REBUILD
            ) from error

    def _places(self, page: int) -> list[tuple[int, int]]:
        """Return the (file, row group) pairs that may hold a page, in the order of the files.

        Groups are sorted by their first page. From the last one that starts at or before the page, earlier ones are
        tried as far back as the widest group reaches: shards of an update may overlap.
        """
        places = []
        at = bisect_right(self._starts, page) - 1
        while at >= 0 and self._groups[at][0] >= page - self._widest:
            if self._groups[at][1] >= page:
                places.append(self._groups[at][2:])
            at -= 1
        return sorted(places)


def _spans(file: pq.ParquetFile) -> list[tuple[int, int]]:
    """Return the smallest and largest page id of each row group; the widest range where it has no statistics."""
    column = file.schema_arrow.get_field_index("page_id")
    spans = []
    for group in range(file.metadata.num_row_groups):
        statistics = file.metadata.row_group(group).column(column).statistics
        has = statistics is not None and statistics.has_min_max
        spans.append((int(statistics.min), int(statistics.max)) if has else (0, 2**63 - 1))
    return spans


class Documents:
    """The tables of an index folder. They open at their first use; footers and the rows that were used last are kept.

    Threads may share it.

    Args:
        folder: the index folder.
        manifest: its manifest.
    """

    def __init__(self, folder: str | Path, manifest: Manifest) -> None:
        self._folder = Path(folder)
        self._manifest = manifest
        self._tables: dict[str, _Table] = {}
        self._opening = Lock()
        self._cache = RowGroupCache(CACHE_BYTES)
        self._rows: dict[tuple[str, tuple[str, ...] | None], dict[str, dict[str, Any]]] = {}
        self._descriptions: dict[int, str] = {}

    def sentences(self, ids: Sequence[str]) -> list[Sentence]:
        """Return the sentences of these ids, in their order.

        Raises:
            IndexCorrupt: the tables do not hold one of them.
        """
        return [Sentence(**row) for row in self._by_id("sentences", ids)]

    def sentence_texts(self, ids: Sequence[str]) -> list[str]:
        """Return only the texts of the sentences of these ids, in their order.

        Raises:
            IndexCorrupt: the tables do not hold one of them.
        """
        return [row["text"] for row in self._by_id("sentences", ids, ("sentence_id", "text"))]

    def paragraphs(self, ids: Sequence[str]) -> list[Paragraph]:
        """Return the paragraphs of these ids, in their order.

        Raises:
            IndexCorrupt: the tables do not hold one of them.
        """
        return [_to_paragraph(row) for row in self._by_id("paragraphs", ids)]

    def unlinked_paragraphs(self, ids: Sequence[str]) -> list[Paragraph]:
        """Return the paragraphs of these ids without their links, which take as long to decode as all the rest.

        Raises:
            IndexCorrupt: the tables do not hold one of them.
        """
        rows = self._by_id("paragraphs", ids, _UNLINKED)
        return [Paragraph(**row, page_id=page_of(row["paragraph_id"]), links=()) for row in rows]

    def images(self, pairs: Sequence[tuple[str, int]]) -> list[ArticleImage]:
        """Return the first use of the file in the article, for each (file, page_id).

        Raises:
            IndexCorrupt: the tables do not hold one of them.
        """
        rows = self._table("images").rows(page for _, page in pairs)
        return [ArticleImage(**self._use_of(file, rows.get(page, []))) for file, page in pairs]

    def _use_of(self, file: str, runs: Iterable[pa.Table]) -> dict[str, Any]:
        for run in runs:
            files = run.column("file").to_pylist()
            if file in files:
                row: dict[str, Any] = run.slice(files.index(file), 1).to_pylist()[0]
                return row
        raise self._missing(file)

    def page(self, page_id: int) -> PageRow | None:
        """Return the row of a page, or None if the dump had none of this id."""
        rows = self._of_page("pages", page_id)
        return PageRow(**rows[0]) if rows else None

    def descriptions(self, page_ids: Iterable[int]) -> dict[int, str]:
        """Return what each of these articles says of itself in a few words; "" where one says nothing."""
        held = self._descriptions if len(self._descriptions) <= ROWS_HELD else {}
        found = {page_id: held.get(page_id) for page_id in page_ids}
        absent = sorted(page_id for page_id, description in found.items() if description is None)
        parts = self._table("pages").rows(absent, _DESCRIBED) if absent else {}
        for page_id in absent:
            rows = [row for part in parts.get(page_id, []) for row in part.to_pylist()]
            # A repeated id has a second row, which is rejected and says nothing.
            found[page_id] = held[page_id] = next((row["description"] for row in rows if row["description"]), "")
        self._descriptions = held
        return {page_id: description or "" for page_id, description in found.items()}

    def facts_of(self, page_id: int) -> list[Fact] | None:
        """Return the plain rows of an article's infobox; None if the index was built without facts."""
        if not any(shard.table == "facts" for shard in self._manifest.shards):
            return None
        return [Fact(**row) for row in self._of_page("facts", page_id)]

    def paragraphs_of(self, page_id: int) -> list[Paragraph]:
        """Return an article's paragraphs, in order."""
        return [_to_paragraph(row) for row in self._of_page("paragraphs", page_id)]

    def sentences_of(self, page_id: int) -> list[Sentence]:
        """Return an article's sentences, in order."""
        return [Sentence(**row) for row in self._of_page("sentences", page_id)]

    def images_of(self, page_id: int) -> list[ArticleImage]:
        """Return an article's images, in order."""
        return [ArticleImage(**row) for row in self._of_page("images", page_id)]

    def uses_of(self, file: str) -> list[ArticleImage]:
        """Return every use of a file, by reading the whole table of images."""
        return [ArticleImage(**row) for row in self._table("images").where("file", file)]

    def _of_page(self, table: str, page_id: int) -> list[dict[str, Any]]:
        parts = self._table(table).rows([page_id]).get(page_id, [])
        return [row for part in parts for row in part.to_pylist()]

    def _by_id(self, name: str, ids: Sequence[str], columns: tuple[str, ...] | None = None) -> list[dict[str, Any]]:
        """Return the rows of ids. They are kept for later calls, so nobody may change them."""
        held = self._rows.get((name, columns), {})
        if len(held) > ROWS_HELD:
            held = {}  # a new one: another thread may be reading the old one
        absent = {doc_id: page_of(doc_id) for doc_id in ids if doc_id not in held}
        if absent:
            table = self._table(name)
            for doc_id in sorted(absent, key=absent.__getitem__):  # by page: a batch decodes each row group once
                row = table.row_of(absent[doc_id], doc_id, columns)
                if row is None:
                    raise self._missing(doc_id)
                held[doc_id] = row
            self._rows[name, columns] = held
        return [held[doc_id] for doc_id in ids]

    def _table(self, name: str) -> _Table:
        with self._opening:
            if name not in self._tables:
                self._tables[name] = _Table(self._folder, self._manifest, name, self._cache)
            return self._tables[name]

    def _missing(self, value: str) -> IndexCorrupt:
        message = f"the index names {value!r}, and the tables do not hold it"
        return IndexCorrupt(message, path=self._folder, remedy=_REBUILD)


def _to_paragraph(row: dict[str, Any]) -> Paragraph:
    return Paragraph(**{**row, "links": tuple(Link(**link) for link in row["links"])})
