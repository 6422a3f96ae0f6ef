"""Dump files: the streams in them, and the pages in a stream. No Beam here."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Page"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a dump. redirect is the target's title, or null. size_bytes is that of the wikitext in UTF-8."""

    page_id: int
    revision_id: int
    title: str
    namespace: int
    redirect: str | None
    wikitext: str
    size_bytes: int
