"""An index of an earlier dump: which pages it holds at which revision, and their rows as they were when parsed."""

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
from pipelines.stages.written_links import unresolved
from schemas.errors import IndexCorrupt, IndexMismatch
from schemas.manifest import Manifest, read_manifest, sha256_file
from schemas.records import Fate
from schemas.tables import TABLES

__all__ = ["EarlierArticle", "EarlierIndex"]

OF_ARTICLES = ("sentences", "paragraphs", "images", "ledger")
_TAKEN_FATES = ("kept", "disambiguation", "empty")
_FREE_SETTINGS = {"images", "bm25_preset"}
"""Settings that may differ: they change no row that is taken over."""
_SHAPING = ("mie-context", "sentencex")
_SHAPING_VECTORS = ("torch", "open_clip_torch", "timm", "pillow")
_CACHED_GROUPS = 4
_REMEDY = "build without --update-from, or with the settings and versions of the earlier index"


@dataclass(frozen=True, slots=True)
class EarlierArticle:
    """An article's rows by table, as the parse stage writes them; what was counted, and of dropped templates."""

    fate: Fate
    rows: dict[str, list[pa.Table]]
    counters: dict[str, int]
    dropped_templates: dict[str, int]


class EarlierIndex:
    """Finds articles that have not changed since an earlier dump. Only ever read.

    A small value that travels to the workers; tables open at their first use. The ids of real dumps ascend, so that
    each row group is read about once.

    Args:
        folder: a finished index.
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
        """
        return read_manifest(self.folder)

    def check(self, config: Mapping[str, Any], versions: Mapping[str, str]) -> None:
        """Check that a build would make the same rows of the same page.

        Args:
            config: settings of the build, as in its manifest.
            versions: of the libraries here.

        Raises:
            IndexNotFound, IndexCorrupt: there is no index, or a table of it is damaged.
            IndexMismatch: it was built with other settings, versions or another encoder, or without a ledger.
        """
        ours, theirs = _Facts(config, versions), _Facts(self.manifest.config, self.manifest.versions)
        for name, value in ours.compared(with_vectors=bool(config.get("encoder"))).items():
            earlier = theirs.compared(with_vectors=True).get(name)
            if earlier != value and (earlier is not None or not name.startswith("encoder")):
                raise IndexMismatch(
                    f"the earlier index was built with another {name} ({_short(earlier)}, now {_short(value)})",
                    path=self.folder,
                    place=name,
                    remedy=_REMEDY,
                )
        if not any(shard.table == "ledger" for shard in self.manifest.shards):
            raise IndexMismatch("the index has no ledger, which an update needs", path=self.folder, remedy=_REMEDY)
        for shard in self.manifest.shards:
            path = self.folder / shard.path
            if shard.table in (*TABLES, "embeddings") and (not path.is_file() or sha256_file(path) != shard.sha256):
                raise IndexCorrupt(
                    "a file of the earlier index is gone or differs from its manifest",
                    path=self.folder,
                    place=shard.path,
                    remedy="build without --update-from",
                )

    def find(self, page: Page) -> EarlierArticle | None:
        """Find an article that the earlier dump had with the same revision, title and size, unless it was rejected."""
        if not page.revision_id:
            return None
        for rows in self._table("pages").rows_of(page.page_id):
            for row in rows.to_pylist():
                same = (row["revision_id"], row["title"], row["namespace"], row["size_bytes"])
                wanted = (page.revision_id, page.title, page.namespace, page.size_bytes)
                if same == wanted and row["fate"] in _TAKEN_FATES:
                    return self._article(page.page_id, row["fate"])
        return None

    def _article(self, page_id: int, fate: Fate) -> EarlierArticle | None:
        rows = {table: list(self._table(table).rows_of(page_id)) for table in OF_ARTICLES}
        ledger = [row for part in rows["ledger"] for row in part.to_pylist()]
        if len(ledger) != 1:
            return None
        rows["ledger"] = [_without_links(rows["ledger"][0])]
        counters, dropped = (
            {item["name"]: item["number"] for item in ledger[0][name]} for name in ("counters", "dropped_templates")
        )
        return EarlierArticle(fate, rows, counters, dropped)

    def _table(self, name: str) -> _Table:
        if name not in self._tables:
            prepare = self._as_written if name == "paragraphs" else None
            self._tables[name] = _Table(self.paths(name), prepare)
        return self._tables[name]

    @cached_property
    def _tables(self) -> dict[str, _Table]:
        return {}

    def paths(self, table: str) -> list[Path]:
        """Return the files of a table."""
        return [self.folder / shard.path for shard in self.manifest.shards if shard.table == table]

    def _as_written(self, paragraphs: pa.Table) -> pa.Table:
        """Return paragraphs with the links that their wikitext has."""
        written: dict[str, dict[int, str]] = {}
        for page_id in pc.unique(paragraphs.column("page_id")).to_pylist():
            for rows in self._table("ledger").rows_of(page_id):
                for note in rows.column("redirected").to_pylist()[0]:
                    written.setdefault(f"{page_id}#{note['paragraph']}", {})[note["link"]] = note["title"]
        return unresolved(paragraphs, written) if written else paragraphs

    def vectors(self, files: Collection[str]) -> Iterator[dict[str, Any]]:
        """Return the rows of the embeddings table of these files."""
        wanted = pa.array(sorted(files), pa.string())
        for path in self.paths("embeddings"):
            with pq.ParquetFile(path) as table:
                for group in range(table.num_row_groups):
                    is_wanted = pc.is_in(table.read_row_group(group, ["file"]).column("file"), value_set=wanted)
                    if pc.any(is_wanted).as_py():
                        rows = table.read_row_group(group).filter(is_wanted)
                        for row, vector in zip(rows.to_pylist(), rows.column("vector").combine_chunks(), strict=True):
                            yield {**row, "vector": np.array(vector.values, np.float32)}


class _Facts:
    """What decides the rows of a page."""

    def __init__(self, config: Mapping[str, Any], versions: Mapping[str, str]) -> None:
        self._config = config
        self._versions = versions

    def compared(self, *, with_vectors: bool) -> dict[str, Any]:
        """Return the facts by name; those that decide vectors only where vectors are made."""
        names = {name for name in self._config if name not in _FREE_SETTINGS and not name.startswith("encoder")}
        facts = {name: self._config[name] for name in sorted(names)}
        facts |= {f"version of {name}": self._versions.get(name) for name in _SHAPING}
        if with_vectors and self._config.get("encoder"):
            facts |= {name: self._config.get(name) for name in ("encoder", "encoder_fingerprint")}
            facts |= {f"encoder's {name}": self._versions.get(name) for name in _SHAPING_VECTORS}
        return facts


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _without_links(ledger: pa.Table) -> pa.Table:
    """Return rows of the ledger as the parse stage writes them."""
    field = ledger.schema.field("redirected")
    empty = pa.array([[]] * ledger.num_rows, field.type)
    return ledger.set_column(ledger.schema.get_field_index("redirected"), field, empty)


class _Table:
    """The rows of one table by page. A row group is found by its range of page ids; the last few stay in memory.

    Args:
        paths: files of the table.
        prepare: changes a row group when it is read.
    """

    def __init__(self, paths: list[Path], prepare: Callable[[pa.Table], pa.Table] | None) -> None:
        self._paths = paths
        self._prepare = prepare or (lambda rows: rows)
        spans = [(*span, file, group) for file, path in enumerate(paths) for group, span in enumerate(_spans(path))]
        self._groups = np.array(sorted(spans), np.int64).reshape(-1, 4)
        self._starts: list[int] = self._groups[:, 0].tolist()
        self._ends = np.maximum.accumulate(self._groups[:, 1]) if len(spans) else np.zeros(0, np.int64)
        self._cache: OrderedDict[tuple[int, int], tuple[pa.Table, npt.NDArray[np.int64]]] = OrderedDict()

    def rows_of(self, page_id: int) -> Iterator[pa.Table]:
        """Return the rows of a page in order, as runs."""
        at = bisect_right(self._starts, page_id) - 1
        places = []
        while at >= 0 and self._ends[at] >= page_id:
            if self._groups[at, 1] >= page_id:
                places.append((int(self._groups[at, 2]), int(self._groups[at, 3])))
            at -= 1
        for place in sorted(places):
            rows, ids = self._read(place)
            (found,) = np.nonzero(ids == page_id)
            for run in np.split(found, np.nonzero(np.diff(found) > 1)[0] + 1) if len(found) else ():
                yield rows.slice(int(run[0]), len(run))

    def _read(self, place: tuple[int, int]) -> tuple[pa.Table, npt.NDArray[np.int64]]:
        if place in self._cache:
            self._cache.move_to_end(place)
            return self._cache[place]
        file, group = place
        with pq.ParquetFile(self._paths[file]) as table:
            rows = self._prepare(table.read_row_group(group))
        ids = rows.column("page_id").combine_chunks().to_numpy(zero_copy_only=False)
        self._cache[place] = rows, ids
        if len(self._cache) > _CACHED_GROUPS:
            self._cache.popitem(last=False)
        return self._cache[place]


def _spans(path: Path) -> list[tuple[int, int]]:
    """Return the smallest and largest page id of each row group."""
    with pq.ParquetFile(path) as file:
        column, metadata = file.schema_arrow.get_field_index("page_id"), file.metadata
        found = [metadata.row_group(group).column(column).statistics for group in range(metadata.num_row_groups)]
    return [(int(statistics.min), int(statistics.max)) for statistics in found]
