"""What becomes of a page: one outcome for each item, in dump order."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from pipelines.dump import Page, RevisionRanks
from pipelines.sandbox import Failure, GuardedFunction
from pipelines.stages import ParsedArticle, parse_page
from pipelines.stages.articles import PageOutcome, page_outcomes
from pipelines.wikitext import CleaningRules
from schemas.records import Reject


class ParserInHere:
    """Stands for the guard: parses in this process, one message at a time."""

    def __init__(self) -> None:
        self.begun: list[Page] = []
        self.sizes: list[int] = []
        self.is_closed = False

    def send(self, pages: Sequence[Page]) -> None:
        assert not self.begun
        assert pages
        self.begun = list(pages)
        self.sizes.append(len(pages))

    def receive(self) -> list[ParsedArticle | Failure]:
        pages, self.begun = self.begun, []
        return [self.parse(page) for page in pages]

    def parse(self, page: Page) -> ParsedArticle | Failure:
        return (
            Failure("timeout", "no result after 30 s")
            if "POISON" in page.wikitext
            else parse_page(page, CleaningRules())
        )

    def close(self) -> None:
        self.is_closed = True


def page(number: int, text: str = "Tea is a drink.", **fields: Any) -> Page:
    values = {"title": f"Page {number}", "namespace": 0, "redirect": None, **fields}
    return Page(page_id=number, revision_id=1, wikitext=text, size_bytes=len(text), **values)


def run(*items: Page | Reject, ranks: RevisionRanks | None = None) -> list[PageOutcome]:
    guard = cast("GuardedFunction[Page, ParsedArticle]", ParserInHere())
    return list(page_outcomes(items, guard, ranks=ranks))


def fates(found: list[PageOutcome]) -> list[tuple[int, str]]:
    return [(outcome.page.page_id, outcome.page.fate) for outcome in found if outcome.page]


def test_every_page_has_one_fate_in_dump_order() -> None:
    found = run(
        page(1, redirect="Tea"),
        page(2),
        page(3, namespace=10),
        page(4, "{{disambiguation}}"),
        page(5, ""),
        page(6, "POISON"),
        page(7, namespace=14, redirect="Category:Tea"),
        page(8),
        page(9, redirect="Page 2"),
    )
    assert fates(found) == [
        (1, "redirect"), (2, "kept"), (3, "other_namespace"), (4, "disambiguation"), (5, "empty"), (6, "rejected"),
        (7, "redirect"), (8, "kept"), (9, "redirect"),
    ]  # fmt: skip
    assert next(outcome.page.redirect_target for outcome in found if outcome.page) == "Tea"
    expected = Reject("article", "6 Page 6", "parser_timeout", "no result after 30 s")
    assert [outcome.reject for outcome in found if outcome.reject] == [expected]


def test_pages_are_read_while_articles_are_parsed_but_not_without_end() -> None:
    read: list[int] = []

    def source() -> Iterator[Page]:
        for number in range(1, 1000):
            read.append(number)
            yield page(number, redirect=None if number in (1, 300, 900) else "Tea")

    found = page_outcomes(source(), cast("GuardedFunction[Page, ParsedArticle]", ParserInHere()))
    assert fates([next(found)]) == [(1, "kept")]
    assert 200 < len(read) < 500
    assert [number for number, _ in fates(list(found))] == list(range(2, 1000))


def test_short_articles_share_a_message_and_long_ones_do_not() -> None:
    parser = ParserInHere()
    pages = [page(number, "Tea. " * (50_000 if 150 < number <= 153 else 1)) for number in range(1, 161)]
    found = list(page_outcomes(pages, cast("GuardedFunction[Page, ParsedArticle]", parser)))
    assert fates(found) == [(number, "kept") for number in range(1, 161)]
    assert parser.sizes == [100, 51, 1, 1, 7]


def test_an_error_of_the_source_leaves_no_answer_behind() -> None:
    def source() -> Iterator[Page]:
        yield page(1)
        raise OSError("disk gone")

    parser = ParserInHere()
    with pytest.raises(OSError, match="disk gone"):
        list(page_outcomes(source(), cast("GuardedFunction[Page, ParsedArticle]", parser)))
    assert parser.is_closed


def test_of_two_pages_with_one_id_the_first_is_kept() -> None:
    found = run(page(1), page(1, title="Again"), page(1, redirect="Tea"))
    assert fates(found) == [(1, "kept"), (1, "rejected"), (1, "rejected")]
    assert [outcome.reject.reason for outcome in found if outcome.reject] == ["duplicate_page_id"] * 2
    assert found[1].reject and found[1].reject.id == "1 Again"


def test_two_pages_with_one_title_are_both_kept() -> None:
    assert fates(run(page(1, title="Tea"), page(2, title="Tea"))) == [(1, "kept"), (2, "kept")]


def test_a_page_that_cannot_be_read_is_a_rejected_page_and_a_loss_is_none() -> None:
    broken, loss = Reject("dump", "a.bz2@0+7", "broken_xml", ""), Reject("dump", "a.bz2@0", "truncated_stream", "")
    found = run(page(1), broken, loss)
    assert fates(found) == [(1, "kept"), (0, "rejected")]
    assert [outcome.reject for outcome in found if outcome.reject] == [broken, loss]


def test_disambiguation_pages_can_be_kept() -> None:
    text = "'''Tea''' may be:\n* [[Green tea]]\n{{disambiguation}}"
    assert parse_page(page(1, text), CleaningRules()).fate == "disambiguation"
    kept = parse_page(page(1, text), CleaningRules(), keep_disambiguation=True)
    assert kept.fate == "kept"
    assert kept.paragraphs


def revision(number: int, page_id: int = 1, *, year: int = 0, title: str = "Tea") -> Page:
    text = f"Tea is hot in {number}."
    return Page(page_id, number, title, 0, None, text, len(text), timestamp=year * 10**10)


@pytest.mark.parametrize("order", list(itertools.permutations((10, 20, 30))))
def test_of_neighbours_with_one_id_the_newest_is_kept_in_one_pass(order: tuple[int, ...]) -> None:
    ranks = RevisionRanks()
    found = run(page(7), *(revision(number) for number in order), page(8), ranks=ranks)
    assert {row.page.revision_id for row in found if row.page and row.page.fate == "kept"} >= {30}
    assert fates(found).count((1, "kept")) == 1
    assert [row.reject.reason for row in found if row.reject] == ["older_revision", "older_revision"]
    assert not ranks.newer


def test_the_time_of_a_revision_decides_before_its_number() -> None:
    found = run(revision(900, year=2003), revision(7, year=2025))
    assert [(row.page.revision_id, row.page.fate) for row in found if row.page] == [(900, "rejected"), (7, "kept")]


def test_a_newer_revision_that_comes_later_is_told_and_counts_in_the_second_pass() -> None:
    items = [revision(10), page(2), revision(30), page(3), revision(20)]
    first = RevisionRanks()
    run(*items, ranks=first)
    assert first.newer == {1: (0, 30)}
    second = RevisionRanks(first.newer)
    found = run(*items, ranks=second)
    assert not second.newer
    assert [(row.page.revision_id, row.page.fate) for row in found if row.page and row.page.page_id == 1] == [
        (10, "rejected"),
        (30, "kept"),
        (20, "rejected"),
    ]


def test_ranks_of_pages_agree_with_a_dictionary() -> None:
    draw = random.Random(3)
    ranks, known, newest = RevisionRanks(), dict[int, int](), dict[int, int]()
    for _ in range(2_000):
        number, page_id = draw.randrange(1, 5), draw.randrange(100)
        expected = "first" if page_id not in known else "repeated" if number == known[page_id] else None
        found = ranks.rank(revision(number, page_id))
        assert found == (expected or ("newer" if number > known[page_id] else "older"))
        known.setdefault(page_id, number)
        newest[page_id] = max(number, newest.get(page_id, 0))
    late = {page_id: (0, number) for page_id, number in newest.items() if number > known[page_id]}
    assert late
    assert ranks.newer == late


@pytest.mark.parametrize("model", ["json", "wikibase-item", "Scribunto", "css", "flow-board", "x" * 500])
def test_other_content_models_are_rejected_by_reason(model: str) -> None:
    (found,) = run(page(1)._replace(model=model.lower()))
    assert found.reject is not None
    assert (found.reject.reason, found.page and found.page.fate) == ("content_model", "rejected")
    assert model.lower()[:80] in found.reject.detail


def test_a_text_that_the_dump_leaves_out_is_rejected_and_one_in_another_namespace_is_not() -> None:
    found = run(page(1)._replace(has_text=False), page(2)._replace(has_text=False, namespace=10, model="css"))
    assert fates(found) == [(1, "rejected"), (2, "other_namespace")]
    assert [row.reject.reason for row in found if row.reject] == ["text_left_out"]
