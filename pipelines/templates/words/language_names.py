"""Names of languages by their codes."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.templates.words.tables import DATA, read_table

__all__ = ["LANGUAGE_NAMES", "language_name"]

LANGUAGE_NAMES: Mapping[str, str] = read_table(DATA / "languages.tsv", 2, str)
"""Language code -> the name that Template:Langx shows. Source: Module:Lang/data, IANA subtag registry."""


def language_name(code: str) -> str:
    """Return the name of a language, of its main language where a script or region is unknown, or ''.

    >>> language_name("fr"), language_name("pt-BR"), language_name("de-AT"), language_name("xyz")
    ('French', 'Portuguese', 'German', '')
    """
    code = code.strip().lower()
    return LANGUAGE_NAMES.get(code) or LANGUAGE_NAMES.get(code.partition("-")[0], "")
