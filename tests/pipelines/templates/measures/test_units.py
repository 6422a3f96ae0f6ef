"""Units of measurement: their sizes, and the units beside them."""

from __future__ import annotations

import pytest

from pipelines.templates.measures.units import _DEFAULTS, _REDIRECTS, _UNITS, find_unit


def test_every_unit_leads_to_units_of_its_kind() -> None:
    for code, unit in _UNITS.items():
        for default in unit.defaults.split():
            beside = find_unit(default)
            assert beside is not None, (code, default)
            assert beside.kind == unit.kind
    for code, default in _DEFAULTS.items():
        numbered, beside = find_unit(code), find_unit(default)
        assert numbered is not None
        assert beside is not None
        assert numbered.kind == beside.kind
    assert set(_REDIRECTS) & set(_UNITS) == set()


@pytest.mark.parametrize(
    ("code", "scale", "symbol"),
    [("sqmi", 1609.344**2, "sq mi"), ("acre", 4046.8564224, "acres"), ("psi", 4.4482216152605 / 6.4516e-4, "psi")],
)
def test_sizes_are_those_of_the_definitions(code: str, scale: float, symbol: str) -> None:
    assert (_UNITS[code].scale, _UNITS[code].symbol) == (scale, symbol)
