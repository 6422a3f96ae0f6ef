"""Which page elements of a dump count where several have one id: a dump may have an element for each revision."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from typing import Literal

from pipelines.dump.page_xml import Page
from pipelines.dump.revisions import RevisionKey

__all__ = ["Rank", "RevisionRanks"]

Rank = Literal["first", "newer", "older", "repeated"]


class RevisionRanks:
    """Ranks each page that is read among the pages with its id: the newest revision counts, the first of equal ones.

    Which is the newest is known only at the end. So a shard with a page that is newer than one read before is read
    again, and then what is newest is given. That is rare: elements with one id are neighbours in most dumps.

    Ids ascend in a dump of Wikimedia, so they are kept in arrays, 24 bytes each; others in a dictionary.

    Args:
        newest: what an earlier reading of the shard found for pages that came in the wrong order.

    Attributes:
        newer: page id -> its newest revision, for each page whose newest came after an older one.
    """

    def __init__(self, newest: Mapping[int, RevisionKey] | None = None) -> None:
        self.newer: dict[int, RevisionKey] = {}
        self._newest = newest or {}
        self._ids, self._timestamps, self._revision_ids = array("q"), array("q"), array("q")
        self._others: dict[int, RevisionKey] = {}

    def rank(self, page: Page) -> Rank:
        """Return how a page ranks among those with its id that were read; "first" and "newer" ones count."""
        key, number = page.revision_key, page.page_id
        known = self._newest.get(number)
        if known is not None and key < known:
            return "older"
        found = self._find(number)
        if found is None:
            self._add(number, key)
            return "first"
        if key == found:
            return "repeated"
        if key < found:
            return "older"
        self.newer[number] = max(key, self.newer.get(number, key))
        return "newer"

    def _find(self, number: int) -> RevisionKey | None:
        if not self._ids or number > self._ids[-1]:
            return self._others.get(number) if self._others else None
        place = bisect_left(self._ids, number)
        if self._ids[place] == number:
            return RevisionKey(self._timestamps[place], self._revision_ids[place])
        return self._others.get(number)

    def _add(self, number: int, key: RevisionKey) -> None:
        if self._ids and number < self._ids[-1]:
            self._others[number] = key
            return
        self._ids.append(number)
        self._timestamps.append(key.timestamp)
        self._revision_ids.append(key.revision_id)
