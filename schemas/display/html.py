"""HTML of our own: parts in which every text is escaped, and a page that is one file and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from schemas.errors import StoreError, UsageError

__all__ = ["Html", "check_place", "facts", "figure", "link", "part", "section", "table", "to_page", "write_page"]

_GENERATOR = "mie-context report"
_OUT_OF_SIGHT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Html(str):
    """Text that is HTML already; any other text is escaped where it is put into a page. Jinja trusts it, too."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return it as it is, to template engines that ask for this."""
        return str(self)


def escaped(value: object) -> str:
    r"""Make a value safe to stand in HTML: controls and marks that turn the direction of writing become "?".

    >>> escaped("<b>\x1b"), escaped(Html("<b>"))
    ('&lt;b&gt;?', '<b>')
    """
    return str(value) if isinstance(value, Html) else _OUT_OF_SIGHT.sub("?", html.escape(str(value)))


def part(tag: str, *content: object, **attributes: str) -> Html:
    """Return an element. An underscore at the end of an attribute's name is left out, others are hyphens.

    >>> part("p", "1 < 2", class_="muted")
    '<p class="muted">1 &lt; 2</p>'
    """
    told = "".join(f' {name.rstrip("_").replace("_", "-")}="{escaped(value)}"' for name, value in attributes.items())
    return Html(f"<{tag}{told}>{''.join(escaped(item) for item in content)}</{tag}>")


def link(url: str, text: str) -> Html:
    """Return a link to a page of the web; any other address is text.

    >>> link("javascript:alert(1)", "a")
    'a'
    """
    return part("a", text, href=url, rel="noreferrer") if url.startswith("https://") else Html(escaped(text))


def section(heading: str, *content: object) -> Html:
    """Return a section with its heading; nothing if there is nothing in it."""
    inner = [item for item in content if item]
    return part("section", part("h2", heading), *inner, class_="stack") if inner else Html("")


def figure(caption: str, drawing: str) -> Html:
    """Return a drawing of `schemas.display.figures` with its caption."""
    return part("figure", part("figcaption", caption), Html(drawing), class_="figure card")


def facts(pairs: Mapping[str, object]) -> Html:
    """Return names and what they stand for; a pair without a value is left out."""
    rows = [part("dt", name) + part("dd", value) for name, value in pairs.items() if value not in ("", None)]
    return part("dl", Html("".join(rows)), class_="facts") if rows else Html("")


def table(caption: str, header: Sequence[str], rows: Iterable[Sequence[object]], words: int = 1) -> Html:
    """Return a table in a box of its own that scrolls where it is too wide.

    Args:
        caption: what it shows.
        header: of its columns.
        rows: cells; the first names the row.
        words: how many columns hold words; the others hold numbers and stand to the right.
    """
    kinds = [{"class_": "num"} if place >= words else {} for place in range(len(header))]
    head = Html("".join(part("th", name, scope="col", **kind) for name, kind in zip(header, kinds, strict=True)))
    body = [
        part(
            "tr",
            part("th", row[0], scope="row"),
            *(part("td", cell, **kind) for cell, kind in zip(row[1:], kinds[1:], strict=True)),
        )
        for row in rows
    ]
    inner = [part("caption", caption), part("thead", part("tr", head)), part("tbody", *body)]
    whole = part("table", *inner, class_="table")
    return part("div", whole, class_="scroll") if body else Html("")


def to_page(title: str, *content: object) -> str:
    """Return a whole page: its style stands in it, its policy lets it load nothing.

    Args:
        title: of the page; stands on it, too.
        content: parts of it.
    """
    style = page_style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    body = part("main", part("h1", title), *content, class_="page")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="generator" content="{_GENERATOR}">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


@cache
def page_style() -> str:
    """Read the style sheet that reports and the inspector share."""
    return files("schemas.display").joinpath("page.css").read_text(encoding="utf-8")


def write_page(path: Path, text: str) -> None:
    """Write a page in one go: nobody sees half of it, and an earlier page of ours is replaced.

    Raises:
        UsageError: see `check_place`.
        StoreError: it cannot be written.
    """
    check_place(path)
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with new.open("wb") as file:
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        why = error.strerror or error
        raise StoreError(f"cannot be written ({why})", path=path, remedy="make room, or name another file") from error
    finally:
        new.unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Ask whether a page may be written here, before work goes into it.

    Raises:
        UsageError: a folder, or a file that is no page of ours, is there; or the folder for it is not.
    """
    if path.is_dir():
        raise UsageError("this is a folder", path=path, remedy="name a file, for instance report.html")
    if not path.parent.is_dir():
        raise UsageError("there is no such folder", path=path.parent, remedy="make it, or name another file")
    if path.exists() and not _is_ours(path):
        raise UsageError("a file that is no report of ours is here", path=path, remedy="name another file")


def _is_ours(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return f'content="{_GENERATOR}"'.encode() in file.read(1000)
    except OSError:
        return False
