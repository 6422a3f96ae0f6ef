"""The prefixes of links that lead to no article of this wiki: its other namespaces, sister projects, languages."""

from __future__ import annotations

from pathlib import Path

from pipelines.templates.words import LANGUAGE_NAMES, read_table

__all__ = ["LANGUAGE_PREFIXES", "NO_ARTICLE_PREFIXES"]

_PREFIXES = read_table(Path(__file__).with_name("data") / "link_prefixes.tsv", 2, str)

LANGUAGE_PREFIXES = frozenset(LANGUAGE_NAMES) | {name for name, kind in _PREFIXES.items() if kind == "another language"}
"""Prefixes of other Wikipedias: `[[de:Tee]]` leads to the German article and is no text. Source: Special:SiteMatrix."""

NO_ARTICLE_PREFIXES = LANGUAGE_PREFIXES | frozenset(_PREFIXES)
"""Links with these prefixes are text without a target. Source: Special:Interwiki, MediaWiki's NamespaceInfo."""
