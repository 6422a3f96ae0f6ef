"""The index of an earlier dump, for an update: which articles have not changed since, and their rows as parsed."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.dump import Page
from pipelines.stages.written_links import restore_targets
from schemas.errors import IndexCorrupt, IndexMismatch
from schemas.manifest import Manifest, read_manifest, sha256_file
from schemas.records import Fate
from schemas.tables import OPTIONAL_TABLES, TABLES

__all__ = ["EarlierArticle", "EarlierIndex"]

_ARTICLE_TABLES = ("sentences", "paragraphs", "images", "ledger")
_TAKEN_FATES = ("kept", "disambiguation", "empty")
_FREE_SETTINGS = {"images", "bm25_preset", "is_wiki_assumed"}
"""Settings that may differ, because they change no row that is taken over."""
_ROW_LIBRARIES = ("mie-context", "sentencex")
"""Libraries whose version decides the rows of an article."""
_VECTOR_LIBRARIES = ("torch", "open_clip_torch", "timm", "pillow")
"""Libraries whose version decides the vector of a picture."""
_CACHED_GROUPS = 4
"""Row groups of a table that stay in memory; articles follow each other, so the next one is mostly in the same."""
_REMEDY = "build without --update-from, or with the settings and versions of the earlier index"


@dataclass(frozen=True, slots=True)
class EarlierArticle:
    """An article that has not changed: its rows by table, as the parse stage writes them, and what was counted then."""

    fate: Fate
    rows: dict[str, list[pa.Table]]
    counters: dict[str, int]
    dropped_templates: dict[str, int]
    dropped_in_prose: dict[str, int]
    shown_by_argument: dict[str, int]
    examples: dict[str, str]
    description: str


class EarlierIndex:
    """Finds the articles that have not changed since an earlier dump. The index is only read.

    It travels to the workers as its path; tables are opened at their first use. The page ids of real dumps ascend, so
    each row group is read about once.

    Args:
        folder: a complete index.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[type[EarlierIndex], tuple[Path]]:
        """Travel as the path alone."""
        return EarlierIndex, (self.folder,)

    @cached_property
    def manifest(self) -> Manifest:
        """The manifest.

        Raises:
            IndexNotFound: there is none.
            IndexMismatch: its tables have another schema version, so that no row can be taken over.
        """
        try:
            return read_manifest(self.folder)
        except IndexMismatch as error:
            message = f"the earlier index cannot be taken over: {error.message}"
            remedy = "build without --update-from; the index after that can be updated again"
            raise IndexMismatch(message, path=self.folder, remedy=remedy) from error

    def check(self, config: Mapping[str, Any], versions: Mapping[str, str]) -> None:
        """Check that a build with these settings would make the same rows from the same page.

        Args:
            config: settings of the build, as in its manifest.
            versions: of the installed libraries.

        Raises:
            IndexNotFound, IndexCorrupt: there is no index, or a table of it is damaged.
            IndexMismatch: it was built with other settings, versions or another encoder, or without a ledger.
        """
        self._check_settings(config, versions)
        if not any(shard.table == "ledger" for shard in self.manifest.shards):
            raise IndexMismatch("the index has no ledger, which an update needs", path=self.folder, remedy=_REMEDY)
        for shard in self.manifest.shards:
            path = self.folder / shard.path
            if shard.table in (*TABLES, *OPTIONAL_TABLES, "embeddings") and (
                not path.is_file() or sha256_file(path) != shard.sha256
            ):
                raise IndexCorrupt(
                    "a file of the earlier index is gone or differs from its manifest",
                    path=self.folder,
                    place=shard.path,
                    remedy="build without --update-from",
                )

    def _check_settings(self, config: Mapping[str, Any], versions: Mapping[str, str]) -> None:
        theirs = _row_settings(self.manifest.config, self.manifest.versions, with_vectors=True)
        for name, value in _row_settings(config, versions, with_vectors=bool(config.get("encoder"))).items():
            earlier = theirs.get(name)
            # An earlier index without pictures has no encoder: there is no vector to take over, and nothing differs.
            if earlier != value and (earlier is not None or not name.startswith("encoder")):
                raise IndexMismatch(
                    f"the earlier index was built with another {name} ({_short(earlier)}, now {_short(value)})",
                    path=self.folder,
                    place=name,
                    remedy=_REMEDY,
                )

    def find(self, page: Page) -> EarlierArticle | None:
        """Return the article of a page, if the earlier dump has it with the same revision, title and size.

        None if it has not, or if the page was rejected there: it may parse now, on a faster machine.
        """
        if not page.revision_id:
            return None  # a dump without revisions: nothing says that the text is the same
        for rows in self._table("pages").rows_of(page.page_id):
            for row in rows.to_pylist():
                earlier = (row["revision_id"], row["title"], row["namespace"], row["size_bytes"])
                newer = (page.revision_id, page.title, page.namespace, page.size_bytes)
                if earlier == newer and row["fate"] in _TAKEN_FATES:
                    return self._article(page.page_id, row["fate"], row["description"])
        return None

    def _article(self, page_id: int, fate: Fate, description: str) -> EarlierArticle | None:
        tables = [*_ARTICLE_TABLES, *(table for table in OPTIONAL_TABLES if self.paths(table))]
        rows = {table: list(self._table(table).rows_of(page_id)) for table in tables}
        ledger = [row for part in rows["ledger"] for row in part.to_pylist()]
        if len(ledger) != 1:  # an id that came twice: which rows belong to which page is not known
            return None
        rows["ledger"] = [_without_notes(rows["ledger"][0])]
        counts = {
            name: {item["name"]: item["number"] for item in ledger[0][name]}
            for name in ("counters", "dropped_templates", "dropped_in_prose", "shown_by_argument")
        }
        known = self.manifest.counters.get("template_examples", {})
        counted = (*counts["dropped_in_prose"], *counts["shown_by_argument"])
        examples = {name: known[name] for name in counted if name in known}
        return EarlierArticle(fate, rows, **counts, examples=examples, description=description)

    def _table(self, name: str) -> _Table:
        if name not in self._tables:
            prepare = self._restore_links if name == "paragraphs" else None
            self._tables[name] = _Table(self.paths(name), prepare)
        return self._tables[name]

    @cached_property
    def _tables(self) -> dict[str, _Table]:
        return {}

    def paths(self, table: str) -> list[Path]:
        """Return the files of a table."""
        return [self.folder / shard.path for shard in self.manifest.shards if shard.table == table]

    def _restore_links(self, paragraphs: pa.Table) -> pa.Table:
        """Return rows of the paragraphs table with the link targets that the wikitext has, from the ledger's notes."""
        written: dict[str, dict[int, str]] = {}
        for page_id in pc.unique(paragraphs.column("page_id")).to_pylist():
            for rows in self._table("ledger").rows_of(page_id):
                for note in rows.column("redirected").to_pylist()[0]:
                    written.setdefault(f"{page_id}#{note['paragraph']}", {})[note["link"]] = note["title"]
        return restore_targets(paragraphs, written) if written else paragraphs

    def vectors(self, files: Collection[str]) -> Iterator[dict[str, Any]]:
        """Yield the rows of the embeddings table for these files, each with its vector [dim]."""
        names = pa.array(sorted(files), pa.string())
        for path in self.paths("embeddings"):
            with pq.ParquetFile(path) as table:
                for group in range(table.num_row_groups):
                    # The vectors are nearly all of a row group, so the names are read first, alone.
                    is_named = pc.is_in(table.read_row_group(group, ["file"]).column("file"), value_set=names)
                    if pc.any(is_named).as_py():
                        rows = table.read_row_group(group).filter(is_named)
                        for row, vector in zip(rows.to_pylist(), rows.column("vector").combine_chunks(), strict=True):
                            yield {**row, "vector": np.array(vector.values, np.float32)}


def _row_settings(config: Mapping[str, Any], versions: Mapping[str, str], *, with_vectors: bool) -> dict[str, Any]:
    """Return what decides the rows of a page, by name, and, where vectors are made, what decides a vector.

    Args:
        config: settings, as in a manifest.
        versions: of libraries, as in a manifest.
        with_vectors: include what decides vectors, if there is an encoder.
    """
    names = {name for name in config if name not in _FREE_SETTINGS and not name.startswith("encoder")}
    found = {name: config[name] for name in sorted(names)}
    found |= {f"version of {name}": versions.get(name) for name in _ROW_LIBRARIES}
    if with_vectors and config.get("encoder"):
        found |= {name: config.get(name) for name in ("encoder", "encoder_fingerprint")}
        found |= {f"encoder's {name}": versions.get(name) for name in _VECTOR_LIBRARIES}
    return found


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _without_notes(ledger: pa.Table) -> pa.Table:
    """Return rows of the ledger as the parse stage writes them, without notes on links."""
    field = ledger.schema.field("redirected")
    empty = pa.array([[]] * ledger.num_rows, field.type)
    return ledger.set_column(ledger.schema.get_field_index("redirected"), field, empty)


class _Table:
    """Finds the rows of a page in one table, by the range of page ids that each row group has.

    Ranges may overlap, in a dump whose ids do not ascend. So the row groups are sorted by their first id, and `_ends`
    has the largest last id up to each: a search that walks back from a page's place stops where no earlier row group
    reaches it.

    Args:
        paths: files of the table.
        prepare: changes a row group after it is read; None: it stays as it is.
    """

    def __init__(self, paths: list[Path], prepare: Callable[[pa.Table], pa.Table] | None) -> None:
        self._paths = paths
        self._prepare = prepare or (lambda rows: rows)
        spans = [(*span, file, group) for file, path in enumerate(paths) for group, span in enumerate(_id_ranges(path))]
        self._groups = np.array(sorted(spans), np.int64).reshape(-1, 4)
        self._starts: list[int] = self._groups[:, 0].tolist()
        self._ends = np.maximum.accumulate(self._groups[:, 1]) if len(spans) else np.zeros(0, np.int64)
        self._cache: OrderedDict[tuple[int, int], tuple[pa.Table, npt.NDArray[np.int64]]] = OrderedDict()

    def rows_of(self, page_id: int) -> Iterator[pa.Table]:
        """Yield the rows of a page in order, as slices of consecutive rows."""
        at = bisect_right(self._starts, page_id) - 1
        groups = []
        while at >= 0 and self._ends[at] >= page_id:
            if self._groups[at, 1] >= page_id:
                groups.append((int(self._groups[at, 2]), int(self._groups[at, 3])))
            at -= 1
        for file, group in sorted(groups):
            rows, ids = self._read(file, group)
            (found,) = np.nonzero(ids == page_id)
            for run in np.split(found, np.nonzero(np.diff(found) > 1)[0] + 1) if len(found) else ():
                yield rows.slice(int(run[0]), len(run))

    def _read(self, file: int, group: int) -> tuple[pa.Table, npt.NDArray[np.int64]]:
        """Return a row group of a file, and the page id of each row [rows]."""
        if (file, group) in self._cache:
            self._cache.move_to_end((file, group))
            return self._cache[file, group]
        with pq.ParquetFile(self._paths[file]) as table:
            rows = self._prepare(table.read_row_group(group))
        ids = rows.column("page_id").combine_chunks().to_numpy(zero_copy_only=False)
        self._cache[file, group] = rows, ids
        if len(self._cache) > _CACHED_GROUPS:
            self._cache.popitem(last=False)
        return rows, ids


def _id_ranges(path: Path) -> list[tuple[int, int]]:
    """Return the smallest and largest page id of each row group."""
    with pq.ParquetFile(path) as file:
        column, metadata = file.schema_arrow.get_field_index("page_id"), file.metadata
        found = [metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups)]
    return [(int(statistics.min), int(statistics.max)) for statistics in found]
