"""The finish stage: pages whose id another shard has are dropped, and link targets that are redirects replaced.

Its pure step is `written_links.LinkResolver`, rows to rows; `beam.FinishShards` runs `finish_shard` in the workers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.stages.articles import reject_repeated
from pipelines.stages.redirects import RedirectTable
from pipelines.stages.results import FinishResult
from pipelines.stages.written_links import LinkResolver
from pipelines.storage import ShardWriter, Work, describe_file, part_name
from schemas.tables import OPTIONAL_TABLES, TABLES

__all__ = ["find_repeated_ids", "finish_shard"]

_REWRITING_ORDER = ("rejects", "pages", "sentences", "paragraphs", "images", "facts", "ledger")
"""The rejects of the parse stage come before the pages, whose dropped rows are further rejects; the paragraphs come
before the ledger, which notes the links that were replaced in them."""


def find_repeated_ids(work: Work, ranges: Mapping[int, tuple[int, int]]) -> dict[int, list[int]]:
    """Find page ids that several shards have; the shard with the newest revision keeps it, or the first of equal ones.

    The ids of real dumps ascend, so the ranges of the shards do not overlap and nothing is read. Where they do, the
    pages of the shards that overlap are held in memory, 24 bytes each.

    Args:
        work: the build.
        ranges: shard -> smallest and largest page id; (0, 0) if it has no page.

    Returns:
        Shard -> ids to drop there, ascending.
    """
    found = [_revisions_in(work.find("pages", shard), shard) for shard in _overlapping(ranges)]
    if not found:
        return {}
    rows = np.concatenate(found)
    rows = rows[np.lexsort((rows[:, 2], -rows[:, 1], rows[:, 0]))]  # by id; the newest revision first; then by shard
    is_dropped = np.r_[False, rows[1:, 0] == rows[:-1, 0]]
    dropped = rows[is_dropped]
    return {int(shard): dropped[dropped[:, 2] == shard, 0].tolist() for shard in np.unique(dropped[:, 2])}


def _revisions_in(pages: Path, shard: int) -> npt.NDArray[np.int64]:
    """Return each page of a shard once, as [n, 3] int64: its id, its highest revision id, and the shard's number."""
    table = pq.read_table(pages, columns=["page_id", "revision_id"])
    ids, revisions = table.column("page_id").to_numpy(), table.column("revision_id").to_numpy()
    order = np.lexsort((revisions, ids))
    ids, revisions = ids[order], revisions[order]
    # The id 0 is that of pages which could not be read: many may have it. The last row of each id has the newest.
    is_last = np.r_[ids[1:] != ids[:-1], np.ones(min(1, len(ids)), bool)] & (ids > 0)
    return np.stack([ids[is_last], revisions[is_last], np.full(is_last.sum(), shard)], axis=1).astype(np.int64)


def _overlapping(ranges: Mapping[int, tuple[int, int]]) -> list[int]:
    """Return the shards whose range of ids overlaps that of another, ascending.

    >>> _overlapping({0: (1, 10), 1: (11, 20), 2: (20, 30), 3: (0, 0)})
    [1, 2]
    """
    found: set[int] = set()
    widest = -1
    for shard in sorted((shard for shard in ranges if ranges[shard][1]), key=lambda shard: ranges[shard]):
        if widest >= 0 and ranges[shard][0] <= ranges[widest][1]:
            found |= {shard, widest}
        if widest < 0 or ranges[shard][1] > ranges[widest][1]:
            widest = shard
    return sorted(found)


def finish_shard(shard: int, repeated: Collection[int], work: Work, with_facts: bool = False) -> FinishResult:
    """Move the tables of a shard to where they will be published, and write anew only those that change.

    Args:
        shard: number of the shard.
        repeated: page ids to drop, because another shard has them.
        work: the build.
        with_facts: the shard has a table of facts, too.
    """
    tables = TABLES | OPTIONAL_TABLES if with_facts else TABLES
    for table in tables:
        work.find(table, shard)  # brings it to this machine
    targets, links = _redirected_targets(shard, work)
    resolver = LinkResolver(targets)
    changed = set(tables) if repeated else {"paragraphs", "ledger"} if targets else set()
    rewritten = [table for table in _REWRITING_ORDER if table in changed]
    if rewritten:
        with ShardWriter(work.ready, shard, {table: tables[table] for table in rewritten}) as writer:
            for table in rewritten:
                for rows in _row_groups(work.find(table, shard)):
                    if table == "paragraphs":
                        rows = resolver.resolve(rows)
                    elif table == "ledger":
                        rows = resolver.note(rows)
                    _write_kept(writer, table, rows, repeated)
    for table in sorted(tables.keys() - rewritten):
        _move_table(table, shard, work)
    files = tuple(describe_file(work.ready, work.ready / table / part_name(shard), table) for table in sorted(tables))
    result = FinishResult(files, links, resolver.replaced)
    result.write(work, shard)
    return result


def _move_table(table: str, shard: int, work: Work) -> None:
    target = work.ready / table / part_name(shard)
    target.parent.mkdir(parents=True, exist_ok=True)
    source = work.parsed / table / part_name(shard)
    if source.exists():  # else it was moved before an interruption
        source.replace(target)


def _row_groups(path: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            yield file.read_row_group(group)


def _redirected_targets(shard: int, work: Work) -> tuple[dict[str, str], int]:
    """Return the link targets of a shard that are redirects, with the titles they lead to; and the number of links."""
    links = 0
    distinct = pa.array([], pa.string())
    for rows in _row_groups(work.find("paragraphs", shard)):
        targets = pc.struct_field(pc.list_flatten(rows.column("links")), "target")
        links += len(targets)
        # Distinct after each row group, so that memory grows with the titles and not with the links.
        distinct = pc.unique(pa.chunked_array([distinct, *targets.chunks], pa.string()))
    return RedirectTable(work.redirects).resolve(distinct), links


def _write_kept(writer: ShardWriter, table: str, rows: pa.Table, repeated: Collection[int]) -> None:
    """Write the rows whose page id is not repeated. In the pages table the row of a dropped page stays, as rejected."""
    if table == "rejects" or not repeated:
        writer.add_table(table, rows)
        return
    is_repeated = pc.is_in(rows.column("page_id"), value_set=pa.array(sorted(repeated), pa.int64()))
    if table != "pages":
        writer.add_table(table, rows.filter(pc.invert(is_repeated)))
        return
    # A page that the parse stage has rejected stays as it is: it has its reject already.
    is_new = pc.and_(is_repeated, pc.not_equal(rows.column("fate"), "rejected"))
    writer.add_table("pages", _as_rejected(rows, is_new))
    dropped = rows.filter(is_new).select(["page_id", "title"]).to_pylist()
    writer.add("rejects", [reject_repeated(row["page_id"], row["title"]) for row in dropped])


def _as_rejected(rows: pa.Table, is_dropped: pa.ChunkedArray) -> pa.Table:
    fate = pc.if_else(is_dropped, "rejected", rows.column("fate"))
    target = pc.if_else(is_dropped, pa.scalar(None, pa.string()), rows.column("redirect_target"))
    names = rows.schema
    description = pc.if_else(is_dropped, "", rows.column("description"))
    for name, values in (("fate", fate), ("redirect_target", target), ("description", description)):
        rows = rows.set_column(names.get_field_index(name), names.field(name), values)
    return rows
