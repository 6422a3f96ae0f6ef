"""Link targets as the wikitext writes them: replaced where a redirect leads on, noted in the ledger, and put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from schemas.tables import LEDGER, PARAGRAPHS

__all__ = ["WrittenLinks", "unresolved"]

_LINKS = PARAGRAPHS.field("links")
_REDIRECTED = LEDGER.field("redirected")


class WrittenLinks:
    """Resolves the links of a shard and keeps what they said before; some 100 bytes for each link that changes."""

    def __init__(self) -> None:
        self.links = 0
        self._by_page: dict[int, list[dict[str, Any]]] = {}

    def resolve(self, rows: pa.Table, leads: Mapping[str, str]) -> pa.Table:
        """Replace the link targets of paragraphs that are redirects."""
        links = rows.column("links").combine_chunks()
        before = links.flatten().field("target").to_pylist()
        after = [leads.get(target, target) for target in before]
        changed = [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        if not changed:
            return rows
        owners, first = _owners(links), _starts(links)
        ids, pages = rows.column("paragraph_id").to_pylist(), rows.column("page_id").to_pylist()
        for at in changed:
            row = owners[at]
            note = {"paragraph": int(ids[row].rpartition("#")[2]), "link": at - first[row], "title": before[at]}
            self._by_page.setdefault(pages[row], []).append(note)
        self.links += len(changed)
        return _with_targets(rows, links, after)

    def note(self, ledger: pa.Table) -> pa.Table:
        """Write what the links of these articles said into their rows of the ledger."""
        notes = [self._by_page.get(page, []) for page in ledger.column("page_id").to_pylist()]
        column = pa.array(notes, _REDIRECTED.type)
        return ledger.set_column(ledger.schema.get_field_index("redirected"), _REDIRECTED, column)


def unresolved(rows: pa.Table, written: Mapping[str, Mapping[int, str]]) -> pa.Table:
    """Put the targets back into paragraphs that `WrittenLinks.resolve` has replaced.

    Args:
        rows: of the paragraphs table.
        written: paragraph_id -> number of the link -> its target as written.
    """
    links = rows.column("links").combine_chunks()
    targets, first = links.flatten().field("target").to_pylist(), _starts(links)
    for row, paragraph_id in enumerate(rows.column("paragraph_id").to_pylist()):
        for link, title in written.get(paragraph_id, {}).items():
            targets[first[row] + link] = title
    return _with_targets(rows, links, targets)


def _starts(links: pa.ListArray) -> list[int]:
    """Return the place of each row's first link among all links."""
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
