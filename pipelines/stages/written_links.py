"""Link targets through redirects: replaced in the paragraphs, noted in the ledger, and put back for an update.

A link's target is written [[Chai]] in the wikitext, and Chai is a redirect to Masala chai in this dump. The next dump
may retarget it while the article stays the same. So the finish stage keeps what was written, and an update puts it back
before it resolves the links by the redirects of its own dump:

    parse       paragraphs: Chai           ledger: -
    finish      paragraphs: Masala chai    ledger: paragraph 0, link 2 was written Chai
    update      paragraphs: Chai           ledger: -                                      (then finish again)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.tables import LEDGER, PARAGRAPHS

__all__ = ["LinkResolver", "restore_targets"]

_LINKS = PARAGRAPHS.field("links")
_REDIRECTED = LEDGER.field("redirected")


class LinkResolver:
    """Replaces the link targets of a shard that are redirects, and notes the targets that were written.

    A note takes about 100 bytes of memory, and there is one for each link that changes.

    Args:
        targets: title of a redirect -> title that it leads to.
    """

    def __init__(self, targets: Mapping[str, str]) -> None:
        self.replaced = 0
        self._targets = targets
        self._notes: dict[int, list[dict[str, Any]]] = {}

    def resolve(self, rows: pa.Table) -> pa.Table:
        """Return rows of the paragraphs table with the targets replaced."""
        links = rows.column("links").combine_chunks()
        before = links.flatten().field("target").to_pylist()
        after = [self._targets.get(target, target) for target in before]
        changed = [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        if not changed:
            return rows
        owners, first = _owners(links), _starts(links)
        ids, pages = rows.column("paragraph_id").to_pylist(), rows.column("page_id").to_pylist()
        for at in changed:
            row = owners[at]
            note = {"paragraph": int(ids[row].rpartition("#")[2]), "link": at - first[row], "title": before[at]}
            self._notes.setdefault(pages[row], []).append(note)
        self.replaced += len(changed)
        return _with_targets(rows, links, after)

    def note(self, ledger: pa.Table) -> pa.Table:
        """Return rows of the ledger with the targets that were written in their articles; call it after `resolve`."""
        notes = [self._notes.get(page, []) for page in ledger.column("page_id").to_pylist()]
        column = pa.array(notes, _REDIRECTED.type)
        return ledger.set_column(ledger.schema.get_field_index("redirected"), _REDIRECTED, column)


def restore_targets(rows: pa.Table, written: Mapping[str, Mapping[int, str]]) -> pa.Table:
    """Return rows of the paragraphs table with the targets that `LinkResolver.resolve` has replaced.

    Args:
        rows: rows of the paragraphs table.
        written: paragraph_id -> number of the link in the paragraph -> its target as written.
    """
    links = rows.column("links").combine_chunks()
    targets, first = links.flatten().field("target").to_pylist(), _starts(links)
    for row, paragraph_id in enumerate(rows.column("paragraph_id").to_pylist()):
        for link, title in written.get(paragraph_id, {}).items():
            targets[first[row] + link] = title
    return _with_targets(rows, links, targets)


def _starts(links: pa.ListArray) -> list[int]:
    """Return the position of each row's first link among all links."""
    # A slice of a table keeps the offsets of the whole, so they are counted from the first of the slice.
    starts: list[int] = pc.subtract(links.offsets, links.offsets[0]).to_pylist()
    return starts


def _owners(links: pa.ListArray) -> list[int]:
    """Return the row that each link belongs to."""
    owners: list[int] = pc.list_parent_indices(links).to_pylist()
    return owners


def _with_targets(rows: pa.Table, links: pa.ListArray, targets: list[str]) -> pa.Table:
    items = links.flatten()
    parts = [items.field("start"), items.field("end"), pa.array(targets, pa.string())]
    struct = pa.StructArray.from_arrays(parts, fields=list(_LINKS.type.value_type))
    offsets = pc.subtract(links.offsets, links.offsets[0])
    column = pa.ListArray.from_arrays(offsets, struct, type=_LINKS.type)
    return rows.set_column(rows.schema.get_field_index("links"), _LINKS, column)
