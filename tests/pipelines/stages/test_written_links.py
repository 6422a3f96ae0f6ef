"""Link targets through redirects: replaced, noted in the ledger, and put back as they were written."""

from __future__ import annotations

import pyarrow as pa

from pipelines.stages.written_links import LinkResolver, restore_targets
from schemas.tables import LEDGER, PARAGRAPHS


def paragraphs(*targets: list[str]) -> pa.Table:
    """Paragraphs of page 1 whose links have these targets."""
    return pa.Table.from_pylist(
        [
            {
                "paragraph_id": f"1#{number}", "page_id": 1, "title": "Tea", "section": "", "text": "Some text.",
                "links": [{"start": at, "end": at + 1, "target": target} for at, target in enumerate(links)],
            }
            for number, links in enumerate(targets)
        ],
        schema=PARAGRAPHS,
    )  # fmt: skip


def targets_of(rows: pa.Table) -> list[list[str]]:
    return [[link["target"] for link in links] for links in rows.column("links").to_pylist()]


def test_replaced_targets_can_be_put_back_from_the_ledger() -> None:
    rows = paragraphs(["Leaf", "Chai"], [], ["Chai", "Tea", "UK"])
    resolver = LinkResolver({"Chai": "Masala chai", "UK": "United Kingdom"})
    resolved = resolver.resolve(rows)
    assert targets_of(resolved) == [["Leaf", "Masala chai"], [], ["Masala chai", "Tea", "United Kingdom"]]
    assert resolver.replaced == 3
    ledger = pa.Table.from_pylist(
        [{"page_id": page, "counters": [], "dropped_templates": [], "redirected": []} for page in (1, 2)], schema=LEDGER
    )
    noted = resolver.note(ledger).column("redirected").to_pylist()
    assert noted == [
        [
            {"paragraph": 0, "link": 1, "title": "Chai"},
            {"paragraph": 2, "link": 0, "title": "Chai"},
            {"paragraph": 2, "link": 2, "title": "UK"},
        ],
        [],
    ]
    written: dict[str, dict[int, str]] = {}
    for note in noted[0]:
        written.setdefault(f"1#{note['paragraph']}", {})[note["link"]] = note["title"]
    assert restore_targets(resolved, written).equals(rows)


def test_a_slice_of_a_table_is_resolved_like_a_table_of_its_own() -> None:
    rows = paragraphs(["Chai"], ["Leaf", "Chai"], ["Chai"])
    sliced = LinkResolver({"Chai": "Masala chai"}).resolve(rows.slice(1, 1))
    assert targets_of(sliced) == [["Leaf", "Masala chai"]]
    assert targets_of(restore_targets(sliced, {"1#1": {1: "Chai"}})) == [["Leaf", "Chai"]]


def test_rows_without_a_redirect_stay_the_same_object() -> None:
    rows = paragraphs(["Leaf"])
    assert LinkResolver({"Chai": "Masala chai"}).resolve(rows) is rows
