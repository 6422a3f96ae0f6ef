"""Pages of many revisions: the newest counts in whatever order they stand, and a large history takes little memory."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.dump.page_cutter import Cut, PageCutter
from pipelines.dump.page_xml import parse_page
from pipelines.dump.reader import ReadLimits, find_streams, read_pages
from pipelines.dump.revisions import to_key
from tests.support.dumps import FOOTER, header_xml

HEAD = "<page><title>A &amp; B</title><ns>0</ns><id>5</id>"


def revision(number: int, year: int | None, text: str) -> str:
    time = "" if year is None else f"<timestamp>{year}-01-01T00:00:00Z</timestamp>"
    by = "<contributor><username>X</username><id>99</id></contributor>"
    return f"<revision><id>{number}</id>{time}{by}<model>wikitext</model><text>{text}</text></revision>"


def page_of(*revisions: str) -> bytes:
    return (HEAD + "".join(revisions) + "</page>").encode()


def cut_all(xml: bytes, limit: int, step: int = 1000) -> list[Cut]:
    cutter = PageCutter(limit)
    return [cut for at in range(0, len(xml), step) for cut in cutter.feed(xml[at : at + step])]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("limit", [10**6, 600])
def test_the_newest_revision_counts_in_whatever_order(seed: int, limit: int) -> None:
    years = list(range(2001, 2021))
    random.Random(seed).shuffle(years)
    xml = page_of(*(revision(10 * year, year, f"of {year}") for year in years))
    (cut,) = cut_all(xml, limit, step=37)
    page = parse_page(cut.data, older_revisions=cut.older_revisions)
    assert (page.title, page.revision_id, page.wikitext, page.older_revisions) == ("A & B", 20200, "of 2020", 19)


@pytest.mark.parametrize("limit", [10**6, 300])
def test_the_time_decides_before_the_id(limit: int) -> None:
    xml = page_of(revision(7, 2025, "made here"), revision(900, 2003, "imported later"))
    (cut,) = cut_all(xml, limit)
    assert parse_page(cut.data).wikitext == "made here"


@pytest.mark.parametrize("limit", [10**6, 260])
def test_without_times_the_id_decides_and_without_ids_the_place_in_the_file(limit: int) -> None:
    (cut,) = cut_all(page_of(revision(8, None, "new"), revision(7, None, "old")), limit)
    assert parse_page(cut.data).wikitext == "new"
    bare = page_of("<revision><text>first</text></revision>", "<revision><text>last</text></revision>")
    (cut,) = cut_all(bare, limit)
    assert parse_page(cut.data).wikitext == "last"


def test_the_newest_counts_also_where_its_text_was_deleted_or_is_absent() -> None:
    gone = revision(9, 2025, "").replace("<text></text>", '<text deleted="deleted" />')
    assert parse_page(page_of(revision(1, 2001, "old"), gone)).wikitext == ""
    assert parse_page(page_of(gone.replace('<text deleted="deleted" />', ""), revision(1, 2001, "old"))).wikitext == ""


def test_the_limit_is_that_of_one_revision() -> None:
    large = page_of(*(revision(year, year, "word " * 30) for year in range(2001, 2100)))
    (cut,) = cut_all(large, 600)
    assert cut.problem is None
    assert cut.older_revisions == 98
    (one,) = cut_all(page_of(revision(1, 2001, "x" * 900)), 600)
    assert one.problem is not None
    assert one.problem.detail == f"{len(page_of(revision(1, 2001, 'x' * 900)))} bytes of XML, the limit is 600"


@pytest.mark.parametrize("step", [1, 50, 10_000])
def test_a_large_old_revision_costs_nothing_and_a_large_newest_one_the_page(step: int) -> None:
    small, large = revision(2, 2020, "small"), "x" * 900
    (cut,) = cut_all(page_of(revision(1, 2001, large), small), 600, step)
    assert parse_page(cut.data).wikitext == "small"
    (cut,) = cut_all(page_of(small, revision(3, 2024, large)), 600, step)
    assert cut.problem is not None
    assert cut.problem.reason == "page_too_large"
    assert "with its newest revision alone" in cut.problem.detail


@pytest.mark.parametrize("step", [1, 7, 64, 10**6])
def test_pages_around_a_history_are_cut_however_the_bytes_come(step: int) -> None:
    tea = b"<page><title>Tea</title><id>1</id><revision><text>hot</text></revision></page>"
    history = page_of(*(revision(year, year, f"of {year}") for year in range(2001, 2021)))
    cuts = cut_all(tea + history + tea + history + tea, 400, step)
    assert [cut.older_revisions for cut in cuts] == [0, 19, 0, 19, 0]
    assert [parse_page(cut.data).wikitext for cut in cuts] == ["hot", "of 2020", "hot", "of 2020", "hot"]
    assert [cut.position for cut in cuts][:3] == [0, len(tea), len(tea) + len(history)]


def test_a_history_of_any_size_takes_the_memory_of_a_few_revisions() -> None:
    limit = 2**18

    def chunks() -> Iterator[bytes]:
        yield HEAD.encode()
        for number in range(400):  # 40 MB, of which the newest revision comes first
            year = 2100 if number == 0 else 2000 + number % 50
            yield revision(number, year, f"{number} " + "x" * 100_000).encode()
        yield b"</page>"

    cutter = PageCutter(limit)
    tracemalloc.start()
    cuts = [cut for chunk in chunks() for cut in cutter.feed(chunk)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * limit
    assert cuts[0].older_revisions == 399
    assert parse_page(cuts[0].data).wikitext.startswith("0 x")


def test_thousands_of_revisions_of_one_page_are_read(tmp_path: Path) -> None:
    path = tmp_path / "history.xml"
    revisions = (revision(number, 1000 + number, f"text {number}") for number in range(5_000))
    path.write_bytes(header_xml().encode() + page_of(*revisions) + FOOTER.encode())
    (page,) = [item for stream in find_streams(path) for item in read_pages(stream, ReadLimits(50_000))]
    assert (getattr(page, "wikitext", None), getattr(page, "older_revisions", None)) == ("text 4999", 4_999)


@pytest.mark.parametrize("text", ["", "soon", "2025", "٢٠٢٥-٠١-٠١T٠٠:٠٠:٠٠Z", "2025-01-01T00:00"])
def test_what_is_no_time_counts_as_none(text: str) -> None:
    assert to_key(text, 3) == (0, 3)
