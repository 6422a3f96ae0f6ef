"""The cache of row groups: it keeps those used last, up to a number of bytes, and never answers with another one."""

from __future__ import annotations

import random

import pyarrow as pa

from indexer.documents.row_groups import RowGroup, RowGroupCache


def make_rows(number: int, rows: int = 4) -> RowGroup:
    ids = [f"{number}#{at}" for at in range(rows)]
    return RowGroup(pa.table({"id": ids, "page_id": [number] * rows, "text": ["x" * 50] * rows}), "id")


def test_the_row_groups_asked_for_last_are_kept_and_their_bytes_bounded() -> None:
    """Against a list in order of use that is cut from its front."""
    one = make_rows(0).size_bytes
    cache, used, dice = RowGroupCache(5 * one), [], random.Random(0)
    for _ in range(500):
        number, decoded = dice.randrange(9), []
        rows = cache.get(("t", number), lambda: decoded.append(1) or make_rows(number))  # noqa: B023
        assert rows.row_of(f"{number}#3") == {"id": f"{number}#3", "page_id": number, "text": "x" * 50}
        assert bool(decoded) == (number not in used)
        used = [*(other for other in used if other != number), number][-5:]
        assert cache.size_bytes == len(used) * one


def test_a_row_group_larger_than_the_bound_is_kept_alone() -> None:
    cache = RowGroupCache(1)
    assert cache.get(("a",), lambda: make_rows(1)) is cache.get(("a",), lambda: make_rows(2))
    assert cache.get(("b",), lambda: make_rows(3)).row_of("3#0") is not None
    assert cache.size_bytes == make_rows(3).size_bytes


def test_a_row_group_that_cannot_be_decoded_is_tried_again() -> None:
    cache = RowGroupCache(1 << 20)
    for _ in range(2):
        try:
            cache.get(("a",), lambda: 1 // 0)  # type: ignore[arg-type,return-value]
        except ZeroDivisionError:
            continue
        raise AssertionError
    assert cache.get(("a",), lambda: make_rows(1)).row_of("1#9") is None
    assert cache.size_bytes == make_rows(1).size_bytes


def test_of_two_rows_of_one_id_the_first_is_given() -> None:
    rows = RowGroup(pa.table({"id": ["a", "b", "a"], "text": ["one", "two", "three"]}), "id")
    assert rows.row_of("a") == {"id": "a", "text": "one"}
