"""The wiki that a dump is of: its name, language and namespaces, as the siteinfo at the head of the dump has them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["CATEGORY_NAMESPACE", "FILE_NAMESPACE", "Site", "read_siteinfo"]

FILE_NAMESPACE = 6
CATEGORY_NAMESPACE = 14
_MAX_NAMESPACES = 1_000
"""Names that are read. English Wikipedia has 30; the wiki with most of them, some 200."""
_SITEINFO = re.compile(rb"<siteinfo(?=[\s>])[^>]*>")
_NAMESPACE = re.compile(rb'<namespace key="(-?[0-9]{1,9})"[^>]*>([^<]{1,200})</namespace>')
_LANGUAGE = re.compile(rb"<mediawiki\s[^>]{0,2000}?xml:lang\s*=\s*[\"']([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3})[\"']")
_HOST = re.compile(r"(?:https?:)?//([a-z0-9-]{1,63})(?:\.m)?\.([a-z]{1,63})\.org(?:[:/]|$)", re.IGNORECASE)
_ENGLISH_WIKIPEDIAS = ("enwiki", "simplewiki")
_DATABASE = re.compile(r"[a-z][a-z0-9_]{0,62}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\s]+")

ENWIKI_NAMESPACES: Mapping[str, int] = MappingProxyType({
    "media": -2, "special": -1, "talk": 1, "user": 2, "user talk": 3, "wikipedia": 4, "wikipedia talk": 5,
    "project": 4, "project talk": 5, "wp": 4, "wt": 5, "file": 6, "file talk": 7, "image": 6, "image talk": 7,
    "mediawiki": 8, "mediawiki talk": 9, "template": 10, "template talk": 11, "help": 12, "help talk": 13,
    "category": 14, "category talk": 15, "portal": 100, "portal talk": 101, "book": 108, "book talk": 109,
    "draft": 118, "draft talk": 119, "education program": 446, "education program talk": 447, "timedtext": 710,
    "timedtext talk": 711, "module": 828, "module talk": 829,
})  # fmt: skip
"""English Wikipedia's namespaces and their aliases. Source: siteinfo of enwiki dumps, 2016 to 2025."""


@dataclass(frozen=True)
class Site:
    """What the head of a dump says about its wiki.

    Args:
        has_root: whether the dump begins with <mediawiki>, so that it must also end with it.
        has_siteinfo: whether there is a siteinfo.
        dbname: name of the wiki's database, such as enwiki; "" where the head has none (before export 0.10).
        sitename: such as Wikipedia.
        base: address of the main page.
        language: code, such as en; "" where the head has none.
        namespaces: lower-case name -> number, where the siteinfo has them; else those of English Wikipedia.
    """

    has_root: bool = False
    has_siteinfo: bool = False
    dbname: str = ""
    sitename: str = ""
    base: str = ""
    language: str = ""
    namespaces: Mapping[str, int] = field(default_factory=lambda: ENWIKI_NAMESPACES)

    @property
    def name(self) -> str:
        """The database's name, or the one that follows from the address; the site's name where there is neither.

        >>> Site(base="http://en.wikipedia.org/wiki/Main_Page").name, Site(base="https://en.wiktionary.org/").name
        ('enwiki', 'enwiktionary')
        """
        if self.dbname:
            return self.dbname
        host = _HOST.match(self.base)
        if host:
            language, project = host.group(1).lower().replace("-", "_"), host.group(2).lower()
            return f"{language}wiki" if project == "wikipedia" else f"{language}{project}"
        return self.sitename

    @property
    def is_unnamed(self) -> bool:
        """Whether the head does not say which wiki this is. An export in English may then be of English Wikipedia."""
        is_english = self.language.partition("-")[0].lower() in ("", "en", "simple")
        return is_english and not self.name

    @property
    def is_english_wikipedia(self) -> bool:
        """Whether this is English Wikipedia or Simple English Wikipedia, or nothing says that it is another wiki."""
        return self.is_unnamed or self.name in _ENGLISH_WIKIPEDIAS

    @property
    def text_language(self) -> str:
        """The language of the articles, as a code of ISO 639: en for both English Wikipedias.

        >>> Site(language="de-AT").text_language, Site(dbname="frwiki").text_language
        ('de', 'fr')
        """
        if self.is_english_wikipedia:
            return "en"
        code = self.language.partition("-")[0].lower()
        found = re.match(r"([a-z]{2,3})(?:_[a-z_]+)?wik", self.dbname)
        return code or (found.group(1) if found else "en")

    def names_of(self, namespace: int) -> tuple[str, ...]:
        """Return the names that the siteinfo has for a namespace, lower case, in order."""
        return tuple(name for name, number in self.namespaces.items() if number == namespace)


def read_siteinfo(head: bytes) -> Site:
    """Read the site from the first bytes of a dump; what is absent or malformed there is left empty.

    Args:
        head: XML up to the first page, or as much as is read of it.

    >>> site = read_siteinfo(b'<mediawiki xml:lang="de"><siteinfo><dbname>dewiki</dbname></siteinfo><page>')
    >>> site.name, site.language, site.is_english_wikipedia
    ('dewiki', 'de', False)
    """
    head = head.partition(b"<page")[0]
    language = _LANGUAGE.search(head)
    start = _SITEINFO.search(head)
    info = head[start.end() :].partition(b"</siteinfo>")[0] if start else b""
    dbname = _text_of(b"dbname", info)
    return Site(
        has_root=b"<mediawiki" in head,
        has_siteinfo=start is not None,
        dbname=dbname if _DATABASE.fullmatch(dbname) else "",
        sitename=_text_of(b"sitename", info),
        base=_text_of(b"base", info),
        language=language.group(1).decode() if language else "",
        namespaces=_read_namespaces(head) or ENWIKI_NAMESPACES,
    )


def _text_of(tag: bytes, xml: bytes) -> str:
    match = re.search(rb"<" + tag + rb">([^<]{0,500})</" + tag + rb">", xml)
    text = html.unescape(match.group(1).decode("utf-8", "replace")) if match else ""
    return _UNPRINTABLE.sub(" ", text).strip()  # it is shown in messages


def _read_namespaces(xml: bytes) -> Mapping[str, int]:
    names: dict[str, int] = {}
    for match in _NAMESPACE.finditer(xml):
        key, name = match.groups()
        names.setdefault(html.unescape(name.decode("utf-8", "replace")).strip().replace("_", " ").lower(), int(key))
        if len(names) >= _MAX_NAMESPACES:
            break
    names.pop("", None)
    return MappingProxyType(names)
