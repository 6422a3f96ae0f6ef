"""The wiki of a build: which one the dump files are of, whether the rules fit it, and what is lost if they do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.dump import CATEGORY_NAMESPACE, FILE_NAMESPACE, Site, read_site
from pipelines.stages import BuildSettings
from pipelines.storage import RemoteFile
from pipelines.wikitext import WikiWords
from schemas.errors import InputError

__all__ = ["Wiki", "find_wiki"]

_ASSUMED = "enwiki"
_MAX_NAME_CHARS = 80
_NO_WORDS = WikiWords()
_ENGLISH_NAMES = ("file", "image", "category", "media")
"""Names that the parser knows in every wiki."""


@dataclass(frozen=True)
class Wiki:
    """The wiki that all dump files of a build are of.

    Args:
        name: of its database, such as enwiki, or what else names it.
        is_assumed: no file says which wiki it is of.
        is_other: it is not English Wikipedia or Simple English Wikipedia.
        words: its language and namespaces.
    """

    name: str = _ASSUMED
    is_assumed: bool = False
    is_other: bool = False
    words: WikiWords = _NO_WORDS

    def notes(self) -> list[str]:
        """Return what a user should know about a build from this wiki, one sentence each."""
        if self.is_assumed:
            return ["the dump does not say which wiki it is of: it is read as English Wikipedia"]
        if self.is_other:
            return [
                f"{self.name} is not English Wikipedia: its own templates show nothing or their arguments as they are, "
                "and its headings of sections to cut and most of its disambiguation pages are not known; links, "
                f"pictures, redirects and sentences (language {self.words.language}) are read by its own words"
            ]
        return []

    def settle(self, settings: BuildSettings) -> BuildSettings:
        """Return the settings of a build with what follows from the wiki."""
        rules = replace(settings.rules, wiki=self.words)
        return replace(settings, rules=rules, wiki=self.name, is_wiki_assumed=self.is_assumed)


def find_wiki(paths: Sequence[Path | RemoteFile], *, any_wiki: bool, allow_unreadable: bool = False) -> Wiki:
    """Find the wiki that dump files are of.

    A file that does not say it is taken to be of the same wiki as the others, or of English Wikipedia.

    Args:
        paths: the files.
        any_wiki: accept every wiki.
        allow_unreadable: pass over a file that cannot be read, if there is another file: it is a loss later.

    Raises:
        InputError: a file is of another wiki than English Wikipedia or Simple English Wikipedia, and that is not
            allowed; or two files are of two wikis.
    """
    found: Site | None = None
    for path in paths:
        try:
            site = read_site(path)
        except (OSError, InputError):
            if not allow_unreadable or len(paths) == 1:
                raise
            continue
        if site.is_unnamed:
            continue
        if not site.is_english_wikipedia and not any_wiki:
            raise _other_wiki(site, path)
        if found is not None and _name_of(site) != _name_of(found):
            raise InputError(
                f"a dump of {_name_of(site)}, and a file before is one of {_name_of(found)}",
                path=path,
                remedy="build an index for each wiki: the ids of their pages are not distinct",
            )
        found = found or site
    if found is None:
        return Wiki(is_assumed=True)
    return Wiki(_name_of(found), is_other=not found.is_english_wikipedia, words=_words_of(found))


def _name_of(site: Site) -> str:
    return (site.name or f"a wiki in the language {site.language}")[:_MAX_NAME_CHARS]


def _other_wiki(site: Site, path: Path | RemoteFile) -> InputError:
    where = f" ({site.base[:_MAX_NAME_CHARS]})" if site.base else ""
    return InputError(
        f"a dump of {_name_of(site)}{where}, and the rules are those of English Wikipedia",
        path=path,
        remedy="give a dump of enwiki or simplewiki, or go on with --any-wiki: its templates will be lost",
    )


def _words_of(site: Site) -> WikiWords:
    """Return the words of a wiki; of an English one none, because the parser knows them with all their aliases."""
    if site.is_english_wikipedia:
        return WikiWords()
    files, categories = (
        tuple(name for name in site.names_of(number) if name not in _ENGLISH_NAMES)
        for number in (FILE_NAMESPACE, CATEGORY_NAMESPACE)
    )
    known = {*site.names_of(FILE_NAMESPACE), *site.names_of(CATEGORY_NAMESPACE), *_ENGLISH_NAMES}
    others = tuple(name for name, number in site.namespaces.items() if number != 0 and name not in known)
    return WikiWords(site.text_language, files, categories, others)
