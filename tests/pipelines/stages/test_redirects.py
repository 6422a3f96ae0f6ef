"""The redirect table: chains, circles, buckets."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.stages import redirects, write_redirects
from pipelines.stages.redirects import MAX_CHAIN, RedirectTable
from pipelines.storage import to_table, write_table
from schemas.records import PageRow
from schemas.tables import PAGES


def table_of(folder: Path, pairs: list[tuple[str, str]]) -> RedirectTable:
    rows = [PageRow(at, at, title, 0, "redirect", target, 1, "") for at, (title, target) in enumerate(pairs, 1)]
    rows.append(PageRow(9999, 1, "Article", 0, "kept", None, 1, ""))
    write_table(folder / "pages" / "part-00000.parquet", to_table(rows, PAGES))
    assert write_redirects({folder / "pages" / "part-00000.parquet": ()}, folder / "redirects") == len(pairs)
    return RedirectTable(folder / "redirects")


def resolve(table: RedirectTable, *titles: str) -> dict[str, str]:
    return table.resolve(pa.array(titles, pa.string()))


def test_a_redirect_leads_to_its_target_and_an_article_nowhere(tmp_path: Path) -> None:
    table = table_of(tmp_path, [("Chai", "Tea"), ("UK", "United Kingdom")])
    assert resolve(table, "Chai", "Tea", "Article", "Absent") == {"Chai": "Tea"}


def test_a_chain_is_followed_to_its_end(tmp_path: Path) -> None:
    table = table_of(tmp_path, [("A", "B"), ("B", "C"), ("C", "D")])
    assert resolve(table, "A", "B", "C", "D") == {"A": "D", "B": "D", "C": "D"}


def test_a_circle_leads_nowhere(tmp_path: Path) -> None:
    table = table_of(tmp_path, [("A", "B"), ("B", "A"), ("Self", "Self"), ("Into", "A"), ("Chai", "Tea")])
    assert resolve(table, "A", "B", "Self", "Into", "Chai") == {"Chai": "Tea"}


def test_a_chain_of_the_longest_length_is_followed_and_a_longer_one_is_not(tmp_path: Path) -> None:
    table = table_of(tmp_path, [(str(number), str(number + 1)) for number in range(MAX_CHAIN + 1)])
    end = str(MAX_CHAIN + 1)
    assert resolve(table, "0") == {}
    assert resolve(table, "1") == {"1": end}


def test_of_two_redirects_with_one_title_the_first_counts(tmp_path: Path) -> None:
    assert resolve(table_of(tmp_path, [("A", "First"), ("A", "Second")]), "A") == {"A": "First"}


def test_many_buckets_answer_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redirects, "BUCKET_TITLES", 7)
    pairs = [(f"Redirect {number}", f"Title {number}") for number in range(100)]
    table = table_of(tmp_path, pairs)
    assert len(list((tmp_path / "redirects").iterdir())) == 15
    assert resolve(table, *(title for title, _ in pairs), "Title 1") == dict(pairs)


def test_no_titles_lead_nowhere(tmp_path: Path) -> None:
    assert resolve(table_of(tmp_path, [])) == {}
