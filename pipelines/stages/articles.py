"""What becomes of each page of a dump: its fate. Articles are parsed in the guarded process, the rest decided here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipelines.dump import LOSS_REASONS, WIKITEXT, Page, RevisionRanks
from pipelines.sandbox import Failure, GuardedFunction
from pipelines.stages.article_rows import ParsedArticle
from pipelines.stages.earlier import EarlierArticle, EarlierIndex
from schemas.records import Fate, PageRow, Reject

__all__ = ["PageOutcome", "page_outcomes", "reject_repeated"]

MAIN_NAMESPACE = 0
_MESSAGE_PAGES = 100
_MESSAGE_BYTES = 128 * 2**10
"""Wikitext in one message: a long article, or dozens of short ones (docs/decisions/0008-parse-speed.md)."""
_BATCH_ITEMS = 200
"""Items of a batch, redirects included: an item that needs no parsing waits for the articles before it."""


class PageOutcome(NamedTuple):
    """What became of one item of a stream.

    Args:
        page: its row in the pages table; None for a loss, which is no page.
        article: the article, parsed or taken over from an earlier index; None if it is none, or rejected.
        reject: the reason why it was rejected or lost; None if it was not.
    """

    page: PageRow | None
    article: ParsedArticle | EarlierArticle | None
    reject: Reject | None


def page_outcomes(
    items: Iterable[Page | Reject],
    guard: GuardedFunction[Page, ParsedArticle],
    earlier: EarlierIndex | None = None,
    ranks: RevisionRanks | None = None,
) -> Iterator[PageOutcome]:
    """Yield what became of every item of a dump, in order.

    Of pages with one id the newest revision counts, and of equal ones the first; the others are rejected as
    older_revision or duplicate_page_id. A page that the dump reader could not read counts as a rejected page with the
    id 0, because its own is not known; a loss is no page.

    While the guarded process parses the articles of one batch, the next batch is read, and the one before is written
    by the caller:

        here             read 1, send 1 | read 2 | receive 1, send 2 | yield 1, read 3 | receive 2, send 3 | yield 2
        guarded process                   parse 1 ...                | parse 2 ...                         | parse 3

    Args:
        items: what `dump.read_pages` yields.
        guard: runs `article_rows.parse_page`.
        earlier: an index whose articles are taken over where they have not changed; None: all are parsed.
        ranks: ranks pages with one id. Where its `newer` is filled at the end, an older revision was yielded, too.
    """
    sent = _Batch()
    try:
        for batch in _batches(_newest_neighbours(items), earlier, ranks or RevisionRanks()):
            results = guard.receive() if sent.articles else []
            if batch.articles:
                guard.send(batch.articles)  # first, so that it is parsed while the caller writes the batch before
            yield from sent.outcomes(results)
            sent = batch
        yield from sent.outcomes(guard.receive() if sent.articles else [])
    except BaseException:
        guard.close()  # results that it has not sent yet must not be taken for those of later pages
        raise


class _Batch:
    """Items that follow each other in the dump; the articles among them are one message to the guarded process."""

    def __init__(self) -> None:
        self.articles: list[Page] = []
        self._items: list[Page | PageOutcome] = []
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no further item may be added."""
        return self._bytes >= _MESSAGE_BYTES or len(self.articles) >= _MESSAGE_PAGES or len(self._items) >= _BATCH_ITEMS

    def add(self, item: Page | PageOutcome) -> None:
        """Append an article that has to be parsed, or the outcome of an item that has not."""
        self._items.append(item)
        if isinstance(item, Page):
            self.articles.append(item)
            self._bytes += item.size_bytes

    def outcomes(self, results: Iterable[ParsedArticle | Failure]) -> Iterator[PageOutcome]:
        """Yield the outcomes of all items in order, given the results of the articles."""
        rest = iter(results)
        for item in self._items:
            yield _with_result(item, next(rest)) if isinstance(item, Page) else item


def _newest_neighbours(items: Iterable[Page | Reject]) -> Iterator[Page | Reject | PageOutcome]:
    """Yield the items; of neighbours with one page id, those that are older than another are rejected already.

    So a dump whose page elements are single revisions of the pages, one page after the other, is read once.
    """
    held: Page | None = None
    for item in items:
        if isinstance(item, Page) and held is not None and item.page_id == held.page_id:
            older = min(held, item, key=lambda page: page.revision_key)
            if held.revision_key != item.revision_key:
                held = item if older is held else held
                yield _rejected(older, is_older=True)
                continue
        if held is not None:
            yield held
        held = item if isinstance(item, Page) else None
        if held is None:
            yield item
    if held is not None:
        yield held


def _batches(
    items: Iterable[Page | Reject | PageOutcome], earlier: EarlierIndex | None, ranks: RevisionRanks
) -> Iterator[_Batch]:
    batch = _Batch()
    for item in items:
        outcome = item if isinstance(item, PageOutcome) else _decide_without_parsing(item, ranks, earlier)
        if outcome is not None:
            batch.add(outcome)
        elif isinstance(item, Page):
            batch.add(item)
        if batch.is_full:
            yield batch
            batch = _Batch()
    yield batch


def _decide_without_parsing(
    item: Page | Reject, ranks: RevisionRanks, earlier: EarlierIndex | None
) -> PageOutcome | None:
    """Return the outcome of an item that needs no parsing; None: it is an article that has to be parsed."""
    if isinstance(item, Reject):
        is_loss = item.reason in LOSS_REASONS
        return PageOutcome(None if is_loss else _UNREADABLE, None, item)
    rank = ranks.rank(item)
    if rank in ("older", "repeated"):
        return _rejected(item, is_older=rank == "older")
    if item.redirect is not None:
        return PageOutcome(to_row(item, "redirect"), None, None)
    if item.namespace != MAIN_NAMESPACE:
        return PageOutcome(to_row(item, "other_namespace"), None, None)
    reject = _reject_unreadable(item)
    if reject is not None:
        return PageOutcome(to_row(item, "rejected"), None, reject)
    article = None if earlier is None else earlier.find(item)
    return None if article is None else PageOutcome(to_row(item, article.fate, article.description), article, None)


def _reject_unreadable(page: Page) -> Reject | None:
    """Return why an article has nothing that can be parsed; None if it has."""
    name = f"{page.page_id} {page.title}"
    if page.model != WIKITEXT:
        detail = f"its content model is {page.model[:80]!r}, and only wikitext is prose"
        return Reject("article", name, "content_model", detail)
    if not page.has_text:
        return Reject("article", name, "text_left_out", "the dump leaves out the text that this page has")
    return None


def _rejected(page: Page, *, is_older: bool) -> PageOutcome:
    """Return the outcome of a page whose id another page has, which counts."""
    reject = reject_repeated(page.page_id, page.title)
    if is_older:
        detail = f"revision {page.revision_id} of {page.timestamp or 'no date'}; a newer one of this page counts"
        reject = Reject("article", f"{page.page_id} {page.title}", "older_revision", detail)
    return PageOutcome(to_row(page, "rejected"), None, reject)


def _with_result(page: Page, result: ParsedArticle | Failure) -> PageOutcome:
    if isinstance(result, Failure):
        reject = Reject("article", f"{page.page_id} {page.title}", f"parser_{result.reason}", result.detail)
        return PageOutcome(to_row(page, "rejected"), None, reject)
    return PageOutcome(to_row(page, result.fate, result.description), result, None)


def reject_repeated(page_id: int, title: str) -> Reject:
    """Return the reject of a page whose id another page has: one of a newer revision, or the first of equal ones."""
    detail = "another page with this id counts: it is newer, or came earlier in the input"
    return Reject("article", f"{page_id} {title}", "duplicate_page_id", detail)


def to_row(page: Page, fate: Fate, description: str = "") -> PageRow:
    """Return a page's row. The target of a redirect is kept only where the page's fate is redirect."""
    target = page.redirect if fate == "redirect" else None
    of_page = (page.page_id, page.revision_id, page.title, page.namespace)
    return PageRow(*of_page, fate, target, page.size_bytes, description)


_UNREADABLE = PageRow(0, 0, "", 0, "rejected", None, 0, "")
