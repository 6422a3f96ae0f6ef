"""HTML from Jinja2 templates: every text is escaped, and a page is one file that loads nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

__all__ = ["GENERATOR", "render_template"]

GENERATOR = "mie-context report"
"""Stands in the head of every page, so that a later report recognises the file as one that it may replace."""
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, marks that change the direction of writing, and lone surrogates."""


def render_template(package: str, name: str, **values: object) -> Markup:
    """Render a template of a package.

    Texts are escaped, and invisible characters in them become "?". Markup (another template's result, or a figure)
    is put in as it is. A name that the template uses and nobody gave is an error.

    Args:
        package: its folder `templates` holds the template. Templates of this room are `display/page.html`, the page
            that reports extend, and `display/parts.html`, the macros for tables, facts, figures and links.
        name: of the template's file.
        values: what the template may use, by name.

    Raises:
        jinja2.TemplateError: the template is missing, is wrong, or uses a name without a value.
    """
    from markupsafe import Markup

    return Markup(_environment(package).get_template(name).render(values))  # noqa: S704  autoescape did


@cache
def _environment(package: str) -> Environment:
    """Return the Jinja2 settings for the templates of a package."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined

    shared = PrefixLoader({"display": PackageLoader("schemas.display", "templates")})
    environment = Environment(
        loader=ChoiceLoader([shared, PackageLoader(package, "templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_without_invisible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(generator=GENERATOR, page_style=_page_style(), style_hash=_style_hash())
    return environment


def _without_invisible(value: object) -> object:
    """Replace invisible characters by "?" in a text that a template is about to escape.

    Anything that has HTML of its own is returned as it is: Jinja2 does not escape it either.
    """
    return value if hasattr(value, "__html__") else _INVISIBLE.sub("?", str(value))


@cache
def _page_style() -> Markup:
    """Read the style sheet that reports and the inspector share."""
    from markupsafe import Markup

    return Markup(files("schemas.display").joinpath("page.css").read_text(encoding="utf-8"))  # noqa: S704  our own file


@cache
def _style_hash() -> str:
    """Hash the style sheet the way a Content-Security-Policy names the one inline style that it allows.

    Source: W3C Content Security Policy Level 3, hash-source.
    """
    return base64.b64encode(hashlib.sha256(_page_style().encode()).digest()).decode()
