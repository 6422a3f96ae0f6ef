"""Templates of chemistry and physics: formulas, nuclides, particles, and the signs of masses and sizes of stars."""

from __future__ import annotations

import re

from pipelines.templates.words import (
    DATA,
    Args,
    Rule,
    all_positional,
    positional,
    read_table,
    superscript,
    with_commas,
)

__all__ = ["RULES"]


def _chemical(args: Args) -> str:
    """Show `{{chem|H|2|O}}` as H2O; indices stand on the line, charges stay as written. Source: Template:Chem."""
    return "".join(all_positional(args))


def _chemical2(args: Args) -> str:
    """Show `{{chem2|SO4(2-)}}` as SO4²⁻: one formula, indices on the line. Source: Template:Chem2."""
    formula = "".join(all_positional(args))
    charged = re.sub(r"\(([0-9]*)([+\-−])\)", lambda m: superscript(m[1] + m[2]), formula)
    return charged.replace("->", "→").replace("<-->", "⇌").replace("*", "·")


_SYMBOLS = read_table(DATA / "elements.tsv", 2, str)
"""Name of an element or particle -> its symbol. Source: IUPAC periodic table; Template:Subatomic particle."""


def _nuclide(args: Args) -> str:
    """Show `{{nuclide|link|helium|4}}` as ⁴He. Source: Template:Nuclide, Template:SimpleNuclide.

    >>> _nuclide({"1": "Link", "2": "helium", "3": "4"})
    '⁴He'
    """
    # `Link` and `anti` style the template and are no part of the name.
    words = [word for word in all_positional(args) if word.lower() not in ("link", "anti")]
    if not words:
        return ""
    symbol = _SYMBOLS.get(words[0].lower(), words[0])
    # `m` marks a state that lasts: ⁹⁹ᵐTc.
    state = "ᵐ" if words[2:3] == ["m"] else ""
    return superscript(words[1]) + state + symbol if len(words) > 1 else symbol


def _particle(args: Args) -> str:
    """Show `{{SubatomicParticle|Positron}}` as e⁺. Source: Template:Subatomic particle."""
    name = positional(args, 1)
    return _SYMBOLS.get(name.lower(), name)


def _with_sign(sign: str) -> Rule:
    """Show `{{solar mass|2.5}}` as '2.5 M☉', and `{{solar mass}}` as 'M☉'. Source: Template:Solar mass.

    >>> _with_sign("MJ")({"1": "5"}), _with_sign("MJ")({"link": "y"})
    ('5 MJ', 'MJ')
    """

    def rule(args: Args) -> str:
        number = positional(args, 1)
        return f"{with_commas(number)} {sign}" if re.match(r"[0-9.+\-−±~<>]", number) else sign

    return rule


def _mach(args: Args) -> str:
    """Show `{{Mach|2}}` as 'Mach 2'. Source: Template:Mach."""
    return f"Mach {positional(args, 1)}".strip()


RULES: dict[str, Rule] = {
    **{name: _with_sign(sign) for name, sign in read_table(DATA / "astronomical_units.tsv", 2, str).items()},
    "chem": _chemical,
    "chem2": _chemical2,
    "mach": _mach,
    "nuclide": _nuclide,
    "subatomic particle": _particle,
}
