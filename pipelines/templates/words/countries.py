"""Countries and parts of countries by their codes."""

from __future__ import annotations

from typing import NamedTuple

from pipelines.templates.words.tables import DATA, read_table

__all__ = ["COUNTRIES", "US_STATES", "Country", "country_name"]


class Country(NamedTuple):
    """A row of the table of countries. has_template: whether the code alone is a template of the country."""

    name: str
    has_template: bool


def _read_country(name: str, own_template: str) -> Country:
    return Country(name, {"yes": True, "no": False}[own_template])


COUNTRIES = read_table(DATA / "countries.tsv", 3, _read_country)
"""Code of a country, of ISO 3166, the Olympic Committee or FIFA -> its name. Source: Template:Country data."""

US_STATES = read_table(DATA / "us_states.tsv", 2, str)
"""Postal code -> name of a state or territory of the United States. Source: USPS Publication 28, appendix B."""


def country_name(code_or_name: str) -> str:
    """Return the name of a country by its code; a name stays as it is.

    >>> country_name("GRC"), country_name("Greece")
    ('Greece', 'Greece')
    """
    country = COUNTRIES.get(code_or_name) or COUNTRIES.get(code_or_name.upper())
    return country.name if country else code_or_name
