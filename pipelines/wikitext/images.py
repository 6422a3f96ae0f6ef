"""Images of an article: file links, galleries and the images that templates name, with their captions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipelines.syntax import is_file_target
from pipelines.wikitext.placeholders import IMAGE, MAX_NUMBER, image_placeholders, number_char, number_of
from pipelines.wikitext.traces import without_traces
from schemas.titles import canonical_file, decode_name

__all__ = ["DEFAULT_ICON_PATTERNS", "ImageCollector", "WikitextImage"]

DEFAULT_ICON_PATTERNS = (
    r"^Flag of ",
    r"^(?:Ambox|Commons-logo|Wikt?i?[a-z]*-logo|Wiki letter|Question book|Edit-clear|Folder |Nuvola |Crystal |Gnome-)",
    r"^(?:Symbol |Padlock|Semi-protection|Portal|P |Loudspeaker|Speaker |Sound-icon|Gtk-|Disambig|Red pog|Blue pog)",
    r"^(?:Increase2?|Decrease2?|Steady2?|Yes check|X mark|Green tick|Red x|Star full|Star empty|Searchtool|Cscr-)",
    r"\bicon\b",
    r"\bsignature\b",
)
"""Files that decorate and do not show the article's subject; searched in the canonical name, ignoring case."""

_SUFFIXES = r"\.(?:jpe?g|png|gif|svg|tiff?|webp|bmp|xcf)"
_IMAGE_SUFFIX = re.compile(rf"{_SUFFIXES}$", re.IGNORECASE)
_FILE_NAME = re.compile(
    rf"^:?[ _]*(?:(?:file|image)[ _]*:)?[ _]*([^\[\]{{}}<>|\n#/:\\]{{1,240}}{_SUFFIXES})$", re.IGNORECASE
)
"""A file's name. It holds no slash and no colon: an address is no file. Source: MediaWiki's $wgIllegalFileChars."""
_NO_FILE = re.compile(r"[\x00-\x1f\x7f\[\]{}|<>/:\\\ufffd]")
_LEADING_TAGS = re.compile(r"(?:\s*<[^<>]{0,200}>)+")
_AFTER_NAME = re.compile(r"[|<\n]")
_BLANKS = " \t\n_\u00a0\u200e\u200f"
_MAX_ARGUMENT_CHARS = 500
_DISPLAY_OPTION = re.compile(
    r"^(?:thumb(?:nail)?|frame(?:d|less)?|border|left|right|cent(?:er|re)|none|baseline|middle|sub|super|(?:text-)?top"
    r"|(?:text-)?bottom|upright.*|[0-9]{0,5}x?[0-9]{0,5}\s*px|(?:alt|link|page|class|lang|thumb|thumbnail|thumbtime|start|end"
    r"|style)\s*=.*)$",
    re.IGNORECASE | re.DOTALL,
)
"""Parts of a file link that say how the file is shown; the last other part is the caption. Source: Help:Images."""
_BAR_OR_BRACKET = re.compile(r"\[\[|\]\]|\{\{|\}\}|\|")
_MAX_TARGET_CHARS = 500
"""A longer target is no file name: a title has 255 bytes at most, and blanks may stand around it."""
_NUMBERED = re.compile(r"^(.*?)([0-9]*)$", re.DOTALL)
_MAIN_IMAGES = (
    "cover", "file", "filename", "image", "image file", "image name", "image_file", "image_name", "image_skyline",
    "img", "photo", "picture", "poster", "screenshot", "skyline",
)  # fmt: skip
"""Arguments that the argument `caption` of an infobox describes; a flag or a map has a caption argument of its own."""
_HAS_POSITIONAL_CAPTIONS = re.compile(r"^(?:gallery|wide image|panorama|tall image|auto images|photomontage)")


@dataclass(frozen=True, slots=True)
class WikitextImage:
    """An image as an article uses it. file is canonical; caption is wikitext, not yet cleaned."""

    file: str
    caption: str


class ImageCollector:
    """Collects the images of one article in the order in which they are found, and returns a placeholder for each.

    Args:
        icon_patterns: regular expressions of file names to leave out.
        counters: counts icons and media of other kinds.
    """

    def __init__(self, icon_patterns: Sequence[str], counters: dict[str, int]) -> None:
        self.images: list[WikitextImage] = []
        self._icons = _compiled(tuple(icon_patterns))
        self._counters = counters

    def link(self, parts: Sequence[str]) -> str:
        """Collect a file link, `File:a.jpg|thumb|caption`, and return its placeholder and those inside its caption."""
        parts = _split_written_bars(parts)
        captions = [part.strip() for part in parts[1:] if not _DISPLAY_OPTION.match(without_traces(part).strip())]
        # An image inside the caption goes with the caption, but stays in the article.
        nested = image_placeholders("".join(parts[1:]))
        return self._add(parts[0], captions[-1] if captions else "") + nested

    def gallery(self, content: str, render: Callable[[str], str]) -> str:
        """Collect the images of a gallery, one a line, and return their placeholders.

        Args:
            content: the wikitext between the tags.
            render: returns a caption without templates and references.
        """
        placeholders = []
        for line in content.split("\n"):
            name, _, rest = line.partition("|")
            if name := _file_name_in(name):
                captions = [part for part in _split_bars(rest) if part and not _DISPLAY_OPTION.match(part)]
                placeholders.append(self._add(name, render("|".join(captions))))
        return "".join(placeholders)

    def image_map(self, content: str, render: Callable[[str], str]) -> str:
        """Collect the image of an image map, which its first line with a file names, and return its placeholder."""
        for line in content.split("\n"):
            if is_file_target(line):
                return self.link([render(part) for part in _split_bars(line)])
        return ""

    def template(self, name: str, args: dict[str, str]) -> str:
        """Collect the images that the arguments of a template name.

        Args:
            name: the template's, lower case.
            args: an argument is a file name, or holds placeholders of file links that were collected before.

        Returns:
            The placeholders of all of them, in the order of the arguments.
        """
        placeholders = []
        lowered: dict[str, str] = {}  # filled at the first image: most templates have none
        for key, value in args.items():
            file = _file_name_in(value)
            if not file and IMAGE not in value:
                continue
            lowered = lowered or {other.lower(): text for other, text in args.items()}
            caption = _caption_for(name, key.lower(), lowered)
            if file:
                placeholders.append(self._add(file, caption))
            else:
                self._set_caption_of_link(value, caption)
                placeholders.append(image_placeholders(value))
        return "".join(placeholders)

    def _set_caption_of_link(self, value: str, caption: str) -> None:
        """Set the caption of the last file link in an image argument, where the link itself has none."""
        last = number_of(image_placeholders(value)[-1])
        if caption and not self.images[last].caption:
            self.images[last] = WikitextImage(self.images[last].file, caption)

    def _add(self, target: str, caption: str) -> str:
        is_short = len(target) <= _MAX_TARGET_CHARS
        name = decode_name(without_traces(target)).partition("#")[0].strip(_BLANKS) if is_short else ""
        file = canonical_file(name)
        if not _IMAGE_SUFFIX.search(file) or _NO_FILE.search(file):
            self._counters["media"] += 1
            return ""
        if any(pattern.search(file) for pattern in self._icons):
            self._counters["icons"] += 1
            return ""
        if len(self.images) > MAX_NUMBER:
            self._counters["images_over_limit"] += 1
            return ""
        self.images.append(WikitextImage(file, caption))
        return IMAGE + number_char(len(self.images) - 1)


@lru_cache(maxsize=8)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


def _file_name_in(text: str) -> str:
    """Return the name of an image file that an argument or a line of a gallery begins with; "" if it is none.

    Behind the name may stand what MediaWiki then reads as part of a file link, or shows: a bar (`{{!}}`), a tag, an
    entity. References and percent signs are decoded.

    >>> _file_name_in("Leader.jpg|border"), _file_name_in(":File:A&amp;B.png<br />"), _file_name_in("http://x.org/a.jpg")
    ('Leader.jpg', 'File:A&B.png', '')
    """
    if "." not in text or len(text) > _MAX_ARGUMENT_CHARS:
        return ""
    if text[:1] == "<":
        text = _LEADING_TAGS.sub("", text, count=1)
    name = decode_name(_AFTER_NAME.split(text, maxsplit=1)[0]).strip(_BLANKS).removeprefix(":")
    return name if _FILE_NAME.match(name) else ""


def _split_written_bars(parts: Sequence[str]) -> list[str]:
    """Split the parts of a file link at the bars that a template (`{{!}}`) wrote between them.

    A caption keeps its bars: only the target and the options are split.

    >>> _split_written_bars(["File:A.jpg|thumb", "left|A |x| b"]), _split_written_bars(["File:A.jpg", "A |x| b"])
    (['File:A.jpg', 'thumb', 'left', 'A |x| b'], ['File:A.jpg', 'A |x| b'])
    """
    split: list[str] = []
    for place, part in enumerate(parts):
        while "|" in part:
            first, _, rest = part.partition("|")
            if (place or split) and not _DISPLAY_OPTION.match(first.strip()):
                break
            split.append(first)
            part = rest
        split.append(part)
    return split


def _split_bars(text: str) -> list[str]:
    """Split a text at the bars outside of links and templates.

    >>> _split_bars("a|[[b|c]]|{{d|e}}")
    ['a', '[[b|c]]', '{{d|e}}']
    """
    starts, depth = [0], 0
    for match in _BAR_OR_BRACKET.finditer(text):
        bracket = match.group()
        depth += (bracket in ("[[", "{{")) - (bracket in ("]]", "}}") and depth > 0)
        if bracket == "|" and depth == 0:
            starts.append(match.end())
    ends = [*(start - 1 for start in starts[1:]), len(text)]
    return [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]


def _caption_for(name: str, key: str, args: dict[str, str]) -> str:
    """Find the caption of an image among the arguments: caption2 for image2, map_caption for image_map, ...

    Args:
        name: the template's.
        key: the argument that names the image, in lower case.
        args: all arguments, keys in lower case.

    >>> _caption_for("infobox", "image_map", {"image_map": "a.png", "map_caption": "Where", "caption": "Tea"})
    'Where'
    >>> _caption_for("wide image", "1", {"1": "a.png", "2": "300px", "3": "Tea"})
    'Tea'
    """
    if key.isdigit():
        return _positional_caption(int(key), args) if _HAS_POSITIONAL_CAPTIONS.match(name) else ""
    match = _NUMBERED.match(key)
    stem, number = match.groups() if match else (key, "")
    short = stem.removeprefix("image_")
    # From the names that fit this image alone to those that may mean another one: the first one with a value counts.
    names = [
        f"{stem}_caption{number}",
        f"{stem}caption{number}",
        f"{stem}{number}_caption",
        f"{stem}{number} caption",
        f"{stem} caption{number}",
        f"caption_{stem}{number}",
        f"{short}_caption{number}",
    ]
    if number:
        names.append(f"caption{number}")
    if number in ("", "1") and (stem in _MAIN_IMAGES or not any(args.get(main) for main in _MAIN_IMAGES)):
        names += ["image_caption", "imagecaption", "image caption", "caption"]
    if name.startswith("multiple image"):
        names.append("footer")
    return next((args[other] for other in names if args.get(other)), "")


def _positional_caption(place: int, args: dict[str, str]) -> str:
    """Return the argument after an image, or after the image's width; '' where that is no caption."""
    following = args.get(str(place + 1), "")
    if following and _DISPLAY_OPTION.match(following):
        following = args.get(str(place + 2), "")
    return "" if _file_name_in(following) or _DISPLAY_OPTION.match(following) else following
