"""Text by id: sentences, paragraphs and article images, fetched from the Parquet tables of an index folder."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import IndexCorrupt, InputError
from schemas.manifest import Manifest
from schemas.records import ArticleImage, Link, PageRow, Paragraph, Sentence
from schemas.tables import TABLES, check_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Documents", "page_of"]

_UNLINKED = ("paragraph_id", "title", "section", "text")
_REBUILD = "check the folder with: mie-index verify; then build it again"


def page_of(doc_id: str) -> int:
    """Read the page id in a page, paragraph or sentence id.

    Raises:
        InputError: it is none of these.

    >>> page_of("12#3#1")
    12
    """
    head, *rest = doc_id.split("#")
    if len(rest) > 2 or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (head, *rest)):
        raise InputError(f"{doc_id!r} is no page, paragraph or sentence id", remedy="give PAGE, PAGE#N or PAGE#N#M")
    return int(head)


class _Table:
    """The shards of one table. A row group is found by the statistics of its page ids, and read once a batch.

    Rows are picked by hand: Arrow's own filters import pandas, which takes longer than a whole query. A row group is
    decoded in this thread: it takes less than a millisecond, and to hand columns to others takes as long again.
    """

    def __init__(self, folder: Path, manifest: Manifest, name: str) -> None:
        self._paths: list[Path] = []
        self._files: list[pq.ParquetFile] = []
        groups: list[tuple[int, int, int, int]] = []
        for shard in manifest.shards:
            if shard.table != name:
                continue
            path = folder / shard.path
            check_table(path, TABLES[name])
            file = pq.ParquetFile(path, memory_map=True)
            groups += [(*span, len(self._files), group) for group, span in enumerate(_spans(file))]
            self._paths.append(path)
            self._files.append(file)
        self._groups = sorted(groups)
        self._starts = [group[0] for group in self._groups]
        self._widest = max((last - first for first, last, _, _ in self._groups), default=0)

    def rows(self, page_ids: Iterable[int], columns: Sequence[str] | None = None) -> dict[int, list[pa.Table]]:
        """Give the rows of each of the pages, as runs of rows; a page without any is left out.

        Args:
            page_ids: of the pages.
            columns: those wanted, all if null; the rest is not decoded.
        """
        read = None if columns is None else ["page_id", *columns]
        wanted = set(page_ids)
        places: dict[tuple[int, int], list[int]] = {}
        for page in wanted:
            for place in self._places(page):
                places.setdefault(place, []).append(page)
        found: dict[int, list[pa.Table]] = {}
        for (file, group), pages in sorted(places.items()):
            table = self._read(file, group, read)
            held = _numbers(table.column("page_id"))
            for page in pages:
                for first, count in _runs(held, page):
                    found.setdefault(page, []).append(table.slice(first, count))
        return found

    def where(self, column: str, value: str) -> list[dict[str, Any]]:
        """Give every row whose column has a value, by reading the whole table."""
        rows: list[dict[str, Any]] = []
        for number, file in enumerate(self._files):
            for group in range(file.num_row_groups):
                values = self._read(number, group, [column]).column(0).to_pylist()
                if value in values:
                    table = self._read(number, group)
                    rows += [table.slice(at, 1).to_pylist()[0] for at, some in enumerate(values) if some == value]
        return rows

    def _read(self, file: int, group: int, columns: list[str] | None = None) -> pa.Table:
        try:
            return self._files[file].read_row_group(group, columns, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            path, place = self._paths[file], f"row group {group}"
            raise IndexCorrupt(
                f"the table cannot be read ({error})", path=path, place=place, remedy=_REBUILD
            ) from error

    def _places(self, page: int) -> list[tuple[int, int]]:
        """Find the (file, row group) pairs that may hold a page."""
        places = []
        at = bisect_right(self._starts, page) - 1
        while at >= 0 and self._groups[at][0] >= page - self._widest:
            if self._groups[at][1] >= page:
                places.append(self._groups[at][2:])
            at -= 1
        return places


def _numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Give a column of 64-bit numbers as an array: Arrow's own way imports pandas."""
    import numpy as np

    whole = column.combine_chunks()
    return np.frombuffer(whole.buffers()[1], np.int64, len(whole), 8 * whole.offset)


def _runs(values: NDArray[np.int64], value: int) -> Iterator[tuple[int, int]]:
    """Give (first, count) of each run of a value.

    >>> import numpy as np
    >>> list(_runs(np.array([7, 7, 9, 7]), 7))
    [(0, 2), (3, 1)]
    """
    at = (values == value).nonzero()[0].tolist()
    start = 0
    for number in range(1, len(at) + 1):
        if number == len(at) or at[number] != at[number - 1] + 1:
            yield at[start], number - start
            start = number


def _spans(file: pq.ParquetFile) -> list[tuple[int, int]]:
    """Give the smallest and largest page id of each row group; every number where there are no statistics."""
    column = file.schema_arrow.get_field_index("page_id")
    spans = []
    for group in range(file.metadata.num_row_groups):
        statistics = file.metadata.row_group(group).column(column).statistics
        has = statistics is not None and statistics.has_min_max
        spans.append((int(statistics.min), int(statistics.max)) if has else (0, 2**63 - 1))
    return spans


class Documents:
    """The texts of an index folder. Tables open at their first use; only footers are kept in memory.

    Args:
        folder: the index folder.
        manifest: its manifest.
    """

    def __init__(self, folder: str | Path, manifest: Manifest) -> None:
        self._folder = Path(folder)
        self._manifest = manifest
        self._tables: dict[str, _Table] = {}

    def sentences(self, ids: Sequence[str]) -> list[Sentence]:
        """Give the sentences of these ids, in their order.

        Raises:
            IndexCorrupt: one of them is not there.
        """
        return [Sentence(**row) for row in self._by_id("sentences", "sentence_id", ids)]

    def sentence_texts(self, ids: Sequence[str]) -> list[str]:
        """Give the texts alone of the sentences of these ids, in their order.

        Raises:
            IndexCorrupt: one of them is not there.
        """
        return [row["text"] for row in self._by_id("sentences", "sentence_id", ids, ("sentence_id", "text"))]

    def paragraphs(self, ids: Sequence[str]) -> list[Paragraph]:
        """Give the paragraphs of these ids, in their order.

        Raises:
            IndexCorrupt: one of them is not there.
        """
        return [_to_paragraph(row) for row in self._by_id("paragraphs", "paragraph_id", ids)]

    def unlinked_paragraphs(self, ids: Sequence[str]) -> list[Paragraph]:
        """Give the paragraphs of these ids without their links, which take as long to decode as all the rest.

        Raises:
            IndexCorrupt: one of them is not there.
        """
        rows = self._by_id("paragraphs", "paragraph_id", ids, _UNLINKED)
        return [Paragraph(**row, links=()) for row in rows]

    def images(self, pairs: Sequence[tuple[str, int]]) -> list[ArticleImage]:
        """Give, for each (file, page_id), the first use of the file in the article.

        Raises:
            IndexCorrupt: one of them is not there.
        """
        rows = self._table("images").rows(page for _, page in pairs)
        return [ArticleImage(**_first(rows.get(page, []), "file", file, self._folder)) for file, page in pairs]

    def page(self, page_id: int) -> PageRow | None:
        """Give the row of a page, or None if the dump had none of this id."""
        rows = self._of_page("pages", page_id)
        return PageRow(**rows[0]) if rows else None

    def paragraphs_of(self, page_id: int) -> list[Paragraph]:
        """Give an article's paragraphs, in order."""
        return [_to_paragraph(row) for row in self._of_page("paragraphs", page_id)]

    def sentences_of(self, page_id: int) -> list[Sentence]:
        """Give an article's sentences, in order."""
        return [Sentence(**row) for row in self._of_page("sentences", page_id)]

    def images_of(self, page_id: int) -> list[ArticleImage]:
        """Give an article's images, in order."""
        return [ArticleImage(**row) for row in self._of_page("images", page_id)]

    def uses_of(self, file: str) -> list[ArticleImage]:
        """Give every use of a file, by reading the whole table of images."""
        return [ArticleImage(**row) for row in self._table("images").where("file", file)]

    def _of_page(self, table: str, page_id: int) -> list[dict[str, Any]]:
        parts = self._table(table).rows([page_id]).get(page_id, [])
        return [row for part in parts for row in part.to_pylist()]

    def _by_id(
        self, table: str, column: str, ids: Sequence[str], columns: Sequence[str] | None = None
    ) -> list[dict[str, Any]]:
        rows = self._table(table).rows((page_of(doc_id) for doc_id in ids), columns)
        return [_first(rows.get(page_of(doc_id), []), column, doc_id, self._folder) for doc_id in ids]

    def _table(self, name: str) -> _Table:
        if name not in self._tables:
            self._tables[name] = _Table(self._folder, self._manifest, name)
        return self._tables[name]


def _first(parts: Iterable[pa.Table], column: str, value: str, folder: Path) -> dict[str, Any]:
    for part in parts:
        values = part.column(column).to_pylist()
        if value in values:
            row: dict[str, Any] = part.slice(values.index(value), 1).to_pylist()[0]
            return row
    raise IndexCorrupt(f"the index names {value!r}, and the tables do not hold it", path=folder, remedy=_REBUILD)


def _to_paragraph(row: dict[str, Any]) -> Paragraph:
    return Paragraph(**{**row, "links": tuple(Link(**link) for link in row["links"])})
