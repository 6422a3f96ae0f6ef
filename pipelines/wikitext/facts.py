"""The plain rows of an article's infobox: its facts by key, as a person reads them."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.dump import Page
from pipelines.templates.words import read_table
from pipelines.wikitext.article import parse_article
from pipelines.wikitext.placeholders import clean_input
from schemas.records import Fact

__all__ = ["read_facts"]

_BOX = re.compile(r"\binfobox\b|^(?:automatic )?(?:taxo|species|subspecies|virus|hybrid)box\b|^chembox\b|^drugbox\b")
"""Names of templates that list what an article's subject is. Source: Category:Infobox templates."""
_LAYOUT_WORDS = frozenset(read_table(Path(__file__).with_name("data") / "infobox_layout.tsv", 2, str))
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_KEY_WORD = re.compile(r"[^\W\d_]+")
_MAX_KEY_CHARS = 80
_MAX_WIKITEXT_CHARS = 5_000
_MAX_VALUE_CHARS = 300
"""A longer value is prose or a list of many, not a plain row."""


def read_facts(page: Page) -> list[Fact]:
    r"""Read the plain rows of the infoboxes of an article.

    The rows are those that mwparserfromhell finds in the boxes at the top level of the page; each value is rendered as
    an article's text is. Several lines or items are joined by "; ". Rows of pictures, layout, notes and coordinates are
    left out, and values that are empty or long. Of a key that comes twice the last value counts, as in MediaWiki.

    Args:
        page: an article.

    Returns:
        The facts in the order of the boxes; keys are lower case, with blanks.

    >>> box = "{{Infobox person|birth_place=[[Rome]], Italy|occupation={{hlist|Singer|actor}}|image=A.jpg}}"
    >>> [(fact.key, fact.value) for fact in read_facts(Page(7, 1, "Ann Poe", 0, None, box, 0))]
    [('birth place', 'Rome, Italy'), ('occupation', 'Singer, actor')]
    """
    # The import takes as long as reading many pages, and most builds need no facts.
    import mwparserfromhell
    from mwparserfromhell.nodes import Template

    values: dict[str, str] = {}
    for node in mwparserfromhell.parse(clean_input(page.wikitext)).nodes:
        if not isinstance(node, Template) or not _BOX.search(_normal(str(node.name))):
            continue
        for row in node.params:
            key = _normal(str(row.name))
            if row.showkey and not key.isdigit() and _is_plain(key) and (value := _render(page, str(row.value))):
                values[key] = value
    return [Fact(page.page_id, key, value) for key, value in values.items()]


def _is_plain(key: str) -> bool:
    """Return whether a key names what a person reads in a box, and not how the box looks.

    >>> _is_plain("birth place"), _is_plain("image size2")
    (True, False)
    """
    return len(key) <= _MAX_KEY_CHARS and not _LAYOUT_WORDS.intersection(_KEY_WORD.findall(key))


def _normal(name: str) -> str:
    """Return a name in lower case, with single blanks and without comments.

    >>> _normal(" Birth_place <!-- city -->")
    'birth place'
    """
    return " ".join(_COMMENT.sub("", name).replace("_", " ").lower().split())


def _render(page: Page, value: str) -> str:
    """Return a value as a person reads it; '' if it is not plain."""
    if len(value) > _MAX_WIKITEXT_CHARS:
        return ""
    article = parse_article(page._replace(wikitext=value.strip()))
    lines = [line.strip() for block in article.blocks for line in block.text.split("\n")]
    text = "; ".join(line for line in lines if line)
    return text if len(text) <= _MAX_VALUE_CHARS and not article.images else ""
