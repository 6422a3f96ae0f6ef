"""What becomes of the pages of a dump, in its order; the articles among them go to the guarded parser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipelines.dump import LOSS_REASONS, Page
from pipelines.sandbox import Failure, GuardedFunction
from pipelines.stages.article_rows import ParsedArticle
from pipelines.stages.earlier import EarlierArticle, EarlierIndex
from schemas.records import Fate, PageRow, Reject

__all__ = ["Outcome", "duplicate", "outcomes"]

MAIN_NAMESPACE = 0
_MESSAGE_PAGES = 100
_MESSAGE_BYTES = 128 * 2**10
"""Wikitext in one message: a long article, or dozens of short ones (docs/decisions/0008-parse-speed.md)."""
_MOST_ITEMS = 200


class Outcome(NamedTuple):
    """What one item of a stream came to: a loss has a reject and no page row; an article was parsed or taken over."""

    page: PageRow | None
    article: ParsedArticle | EarlierArticle | None
    reject: Reject | None


def outcomes(
    items: Iterable[Page | Reject], guard: GuardedFunction[Page, ParsedArticle], earlier: EarlierIndex | None = None
) -> Iterator[Outcome]:
    """Tell for every item of a dump, in order, what became of it.

    The first page with an id wins; a later one is rejected as duplicate_page_id. A page that the dump reader gave up
    counts as a rejected page with the id 0, because its own could not be read; a loss is no page. While the guard's
    child works on articles, the items behind them are read.

    Args:
        items: what `dump.read_pages` gives.
        guard: runs `parsed_article.parse_page`.
        earlier: an index whose articles are taken over where they have not changed; None: all are parsed.
    """
    begun = _Batch()
    try:
        for batch in _batches(items, earlier):
            results = guard.receive() if begun.articles else []
            if batch.articles:
                guard.send(batch.articles)  # before the consumer works on what is done
            yield from begun.outcomes(results)
            begun = batch
        yield from begun.outcomes(guard.receive() if begun.articles else [])
    except BaseException:
        guard.close()  # the answers that it owes must not be taken for other pages'
        raise


class _Batch:
    """Items that follow each other in the dump; the articles among them go to the guard's child in one message."""

    def __init__(self) -> None:
        self.articles: list[Page] = []
        self._items: list[Page | Outcome] = []
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether it has all that may wait at a time."""
        return self._bytes >= _MESSAGE_BYTES or len(self.articles) >= _MESSAGE_PAGES or len(self._items) >= _MOST_ITEMS

    def add(self, item: Page | Outcome) -> None:
        """Append an article that has to be parsed, or an outcome that is known."""
        self._items.append(item)
        if isinstance(item, Page):
            self.articles.append(item)
            self._bytes += item.size_bytes

    def outcomes(self, results: Iterable[ParsedArticle | Failure]) -> Iterator[Outcome]:
        """Return the outcomes in order, with the results of the articles."""
        rest = iter(results)
        for item in self._items:
            yield _with_result(item, next(rest)) if isinstance(item, Page) else item


def _batches(items: Iterable[Page | Reject], earlier: EarlierIndex | None) -> Iterator[_Batch]:
    seen: set[int] = set()
    batch = _Batch()
    for item in items:
        outcome = _without_parsing(item, seen, earlier)
        if outcome is not None:
            batch.add(outcome)
        elif isinstance(item, Page):
            batch.add(item)
        if batch.is_full:
            yield batch
            batch = _Batch()
    yield batch


def _without_parsing(item: Page | Reject, seen: set[int], earlier: EarlierIndex | None) -> Outcome | None:
    """Decide about an item without parsing; None: it is an article that has to be parsed."""
    if isinstance(item, Reject):
        is_loss = item.reason in LOSS_REASONS
        return Outcome(None if is_loss else _UNREADABLE, None, item)
    if item.page_id in seen:
        return Outcome(to_row(item, "rejected"), None, duplicate(item.page_id, item.title))
    seen.add(item.page_id)
    if item.redirect is not None:
        return Outcome(to_row(item, "redirect"), None, None)
    if item.namespace != MAIN_NAMESPACE:
        return Outcome(to_row(item, "other_namespace"), None, None)
    article = None if earlier is None else earlier.find(item)
    return None if article is None else Outcome(to_row(item, article.fate), article, None)


def _with_result(page: Page, result: ParsedArticle | Failure) -> Outcome:
    if isinstance(result, Failure):
        reject = Reject("article", f"{page.page_id} {page.title}", f"parser_{result.reason}", result.detail)
        return Outcome(to_row(page, "rejected"), None, reject)
    return Outcome(to_row(page, result.fate), result, None)


def duplicate(page_id: int, title: str) -> Reject:
    """Return the reject of a page whose id came before."""
    return Reject("article", f"{page_id} {title}", "duplicate_page_id", "a page with this id came earlier in the input")


def to_row(page: Page, fate: Fate) -> PageRow:
    """Return a page's row. The target of a redirect is kept only where the page's fate is redirect."""
    target = page.redirect if fate == "redirect" else None
    return PageRow(page.page_id, page.revision_id, page.title, page.namespace, fate, target, page.size_bytes)


_UNREADABLE = PageRow(0, 0, "", 0, "rejected", None, 0)
