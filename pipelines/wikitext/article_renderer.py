"""What the templates, links, tables and tags of one article show, and how many of each it has."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import NamedTuple

from pipelines.syntax import Tag, WikitextParser, is_file_target, parse_wikitext
from pipelines.templates import is_disambiguation, render
from pipelines.templates.words import UNKNOWN_VALUE
from pipelines.wikitext.images import ImageCollector
from pipelines.wikitext.page_variables import page_variable
from pipelines.wikitext.placeholders import TABLE, TRACE, image_placeholders
from pipelines.wikitext.rendering import render_pieces
from pipelines.wikitext.tags import count_tag, drop_hidden, show_tag
from pipelines.wikitext.traces import Traces, arguments_without_traces, without_traces
from pipelines.wikitext.unknown_templates import word_of_template

__all__ = ["ArticleRenderer"]

_MAX_NAME_CHARS = 80
"""Longer names of templates are cut where they are counted."""
_MAX_DROPPED_NAMES = 1_000
"""So many names of unknown templates are counted one by one in an article; the others are counted together."""
_OTHERS = "(others)"
_DESCRIPTIONS = ("short description", "short desc", "shortdesc", "shortdescription")
"""Source: Template:Short description and its redirects."""
_MAX_DESCRIPTION_CHARS = 500
"""Wikipedia asks for 40 characters; the rest of a longer text is cut."""
_TABLE_START = re.compile(r"\{\|(?!\})")
_TABLE_END = re.compile(r"\|\}(?!\})")
_UNCLOSED_TEMPLATE = re.compile(r"^\{\{[^{}\n][^\n]*(?:\n[ \t]*[|}][^\n]*)*", re.MULTILINE)
"""A template at the start of a line that is never closed: a box whose arguments stand on the lines behind it."""
_UNCLOSED_FILE = re.compile(
    r"\[\[([ \t_]*(?:file|image)[ \t_]*:[^\[\]\n]*(?:\[\[[^\[\]\n]*\]\][^\[\]\n]*)*)$", re.IGNORECASE | re.MULTILINE
)
"""A file link that is never closed; it ends with its line."""


class ArticleRenderer:
    """Renders the wikitext of an article, and counts what is in it.

    Args:
        title: of the article, which page variables show.
        parser: finds the nodes.
        collector: takes the images.
        counters: raised for each element, table and parser function.
        traces: of the templates that show nothing.
    """

    def __init__(
        self, title: str, parser: WikitextParser, collector: ImageCollector, counters: dict[str, int], traces: Traces
    ) -> None:
        self._title = title
        self._parser = parser
        self._collector = collector
        self._counters = counters
        self._traces = traces
        self.dropped: dict[str, int] = defaultdict(int)
        self.is_disambiguation = False
        self.description = ""

    def render(self, wikitext: str) -> str:
        """Return wikitext without templates, file links, tables and extension tags."""
        return render_pieces(parse_wikitext(wikitext, self._parser), self)

    def template(self, written: str, args: dict[str, str]) -> str:
        """Return the text for a template; unknown ones are counted by name."""
        written = without_traces(written)
        name = _cached_name(written) if len(written) <= _MAX_NAME_CHARS else _read_name(written)
        plain = arguments_without_traces(args)
        self.is_disambiguation |= name.marks_disambiguation
        if name.is_tag:
            return self._tag_function(name.normal, plain)
        if name.is_description:
            self._add_description(plain)
        shown = page_variable(written, self._title) if name.may_be_variable else None
        if shown is None:
            shown = render(name.asked, plain)
        if name.is_function:
            self._counters["parser_functions"] += 1
        short_name = name.short
        if not shown if name.is_function else shown is None:
            short_name = self._count_dropped(short_name)
        if not shown:
            # A template without text may be a box with images.
            word = word_of_template(name.normal, plain) if shown is None and short_name != _OTHERS else ""
            return self._collector.template(name.normal, plain) + self._traces.leave(short_name, written, args, word)
        if plain is not args:
            shown = self._traces.put_back(shown, render(name.asked, args) or "", args)
        return shown + self._traces.leave(short_name, written, args) if UNKNOWN_VALUE in shown else shown

    def _tag_function(self, name: str, args: dict[str, str]) -> str:
        """Return what the tag shows that `{{#tag:ref|text|name=x}}` writes. Source: Help:Magic words."""
        tag_name = name.partition(":")[2].strip()
        # The first argument is the content, also where it reads as a named one: {{#tag:math|a = b}}.
        (key, content), *attributes = args.items() or {"1": ""}.items()
        content = content if key == "1" else f"{key}={content}"
        if tag_name == "poem":  # its lines are wikitext, which is read with the rest of the page
            return f"<poem>{content}</poem>"
        return self.tag(Tag(tag_name, " ".join(f'{key}="{value}"' for key, value in attributes), content, ""))

    def _add_description(self, args: dict[str, str]) -> None:
        """Take the article's description; "none" says that it needs none. Source: Template:Short description."""
        text = args.get("1", "")[:_MAX_DESCRIPTION_CHARS]
        if text and not (self.description and args.get("2") == "noreplace"):
            self.description = "" if text.lower() == "none" else text

    def _count_dropped(self, name: str) -> str:
        """Count a template that is not known, and return the name under which it is counted."""
        name = name if name in self.dropped or len(self.dropped) < _MAX_DROPPED_NAMES else _OTHERS
        self.dropped[name] += 1
        return name

    def link(self, parts: list[str]) -> str:
        """Return the placeholder of a picture, or a link as it stands."""
        # Other links stay as they are: clean_inline reads them line by line, where their positions are known.
        if is_file_target(parts[0]):
            return self._collector.link(parts)
        if TRACE in parts[0]:
            parts = [without_traces(parts[0]), *parts[1:]]
        return f"[[{'|'.join(parts)}]]"

    def table(self, content: str) -> str:
        """Return the images of a table, which is no prose."""
        self._counters["tables"] += 1
        return "\n" + TABLE + image_placeholders(content)

    def tag(self, tag: Tag) -> str:
        """Return the text for an extension tag; a gallery gives its images."""
        if tag.name == "ref":  # most tags
            self._counters["references"] += 1
            return ""
        count_tag(tag, self._counters)
        if tag.name == "gallery":
            # A gallery is a block: the text around it is not one paragraph.
            return f"\n\n{self._collector.gallery(tag.content or '', self._render_caption)}\n\n"
        if tag.name == "imagemap":
            return self._collector.image_map(tag.content or "", self._render_caption)
        return show_tag(tag)

    def _render_caption(self, wikitext: str) -> str:
        return drop_hidden(self.render(wikitext)) if "{" in wikitext or "<" in wikitext else wikitext

    def drop_tables(self, text: str) -> str:
        """Remove the tables that templates open or close, and keep their images; a heading ends them, too."""
        if "{|" not in text:
            return text
        kept: list[str] = []
        depth = 0
        for line in text.split("\n"):
            bare = line.lstrip(" \t:")
            if depth and bare[:2] == "==":
                depth = 0
            if _TABLE_START.match(bare):
                self._counters["tables"] += 1
                depth += 1
                kept += [] if depth > 1 else ["", TABLE]
            if not depth:
                kept.append(line)
            elif images := image_placeholders(line):
                kept.append(images)
            if depth and _TABLE_END.match(bare):
                depth -= 1
        return "\n".join(kept)

    def drop_unclosed(self, text: str) -> str:
        """Remove boxes that are never closed from a rendered text, and read file links that end with their line."""
        if "{{" in text:
            text = _UNCLOSED_TEMPLATE.sub("", text)
        if "[[" in text:
            text = _UNCLOSED_FILE.sub(lambda match: self._collector.link(match.group(1).split("|")), text)
        return text


class _Name(NamedTuple):
    """What the name of a template tells.

    Args:
        normal: the name in its normal form.
        asked: for which a rule is looked up.
        short: under which the template is counted.
        marks_disambiguation: whether it marks a page as a list of the meanings of its title.
        is_function: whether it is a parser function.
        is_tag: whether it is the function that writes a tag.
        is_description: whether it holds the description of the article.
        may_be_variable: whether it may be a variable of the page.
    """

    normal: str
    asked: str
    short: str
    marks_disambiguation: bool
    is_function: bool
    is_tag: bool
    is_description: bool
    may_be_variable: bool


def _read_name(written: str) -> _Name:
    """Read a template's name.

    >>> name = _read_name(" Human_name  disambiguation")
    >>> name.normal, name.marks_disambiguation
    ('human name disambiguation', True)
    """
    name = " ".join(written.replace("_", " ").lower().split())
    is_function = name.startswith("#")
    return _Name(
        normal=name,
        # The text behind the colon of a parser function keeps its capitals: {{lcfirst:Big Ben}}.
        asked=written if ":" in name else name,
        short=name.partition(":")[0] if is_function else name[:_MAX_NAME_CHARS],
        marks_disambiguation=is_disambiguation(name),
        is_function=is_function,
        is_tag=name.startswith("#tag:"),
        is_description=name in _DESCRIPTIONS,
        may_be_variable="name" in name or "space" in name,
    )


_cached_name = lru_cache(maxsize=1 << 13)(_read_name)
