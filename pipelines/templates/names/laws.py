"""Templates of laws, bills, court cases and the districts of a parliament, as lawyers write them."""

from __future__ import annotations

import re

from pipelines.templates.words import (
    US_STATES,
    Args,
    Rule,
    all_positional,
    first_value,
    join_nonempty,
    ordinal,
    positional,
    with_commas,
)

__all__ = ["RULES"]

_BILLS = {"HR": "H.R.", "H": "H.R.", "S": "S.", "HRES": "H.Res.", "SRES": "S.Res.", "HJRES": "H.J.Res.",
          "SJRES": "S.J.Res.", "HCONRES": "H.Con.Res.", "SCONRES": "S.Con.Res."}  # fmt: skip
"""Chamber of Template:USBill -> how its bills are cited."""


def _code_of_laws(name: str) -> Rule:
    """Show `{{USC|42|1983}}` as '42 U.S.C. § 1983'; subsections follow in parentheses. Source: Template:USC.

    >>> _code_of_laws("U.S.C.")({"1": "11", "2": "1125", "3": "e", "4": "2"})
    '11 U.S.C. § 1125(e)(2)'
    """

    def rule(args: Args) -> str:
        title, section, *subsections = [*all_positional(args, 6), "", ""]
        if not section:
            return f"Title {title} of the {name}" if title else ""
        if any(len(part) > 4 for part in subsections):  # no subsection, but the text to show
            return next(part for part in subsections if len(part) > 4)
        marks = "".join(part if part.startswith("(") else f"({part})" for part in subsections if part)
        sign = "§§" if re.search(r"[0-9][a-z]*\s*(?:[–,]|-[0-9]{2,})", section) else "§"
        return f"{title} {name} {sign} {section}{marks}"

    return rule


def _regulation(args: Args) -> str:
    """Show `{{CodeFedReg|49|27|5}}` as '49 C.F.R. 27.5': title, part and section. Source: Template:CodeFedReg."""
    title, part, section = (positional(args, place) for place in (1, 2, 3))
    return join_nonempty(" ", title, "C.F.R." if title else "", join_nonempty(".", part, section))


def _bill(args: Args) -> str:
    """Show `{{USBill|109|HR|1}}` as 'H.R. 1'. Source: Template:USBill."""
    chamber, number = positional(args, 2), positional(args, 3)
    kind = _BILLS.get(re.sub(r"[^A-Z]", "", chamber.upper()), chamber)
    return first_value(args, "4", "pipe") or join_nonempty(" ", kind, number)


def _public_law(args: Args) -> str:
    """Show `{{USPL|107|56}}` as 'Pub. L. 107–56'. Source: Template:USPL."""
    congress, number = positional(args, 1), positional(args, 2)
    return f"Pub. L. {join_nonempty('–', congress, number)}" if congress else ""


def _supreme_court(args: Args) -> str:
    """Show `{{ussc|410|113|1973}}` as '410 U.S. 113 (1973)', with the name of the case before. Source: Template:Ussc.

    >>> _supreme_court({"name": "Roe v. Wade", "volume": "410", "page": "113", "pin": "153", "year": "1973"})
    'Roe v. Wade, 410 U.S. 113, 153 (1973)'
    """
    volume, page = first_value(args, "volume", "vol", "1"), first_value(args, "page", "2")
    pin, year = first_value(args, "pin", "pinpoint", "4"), first_value(args, "year", "date", "3")
    report = join_nonempty(" ", volume, first_value(args, "reporter") or "U.S.", page or "___") if volume else ""
    shown = join_nonempty(", ", first_value(args, "name", "case", "litigants"), report, pin)
    return join_nonempty(" ", shown, f"({year})" if year and shown else "")


def _court_case(args: Args) -> str:
    """Show `{{cite court|litigants=A v. B|vol=5|reporter=F.3d|opinion=100|court=9th Cir.|date=1999}}` in one line.

    Source: Template:Cite court, Template:Cite BAILII, Template:Cite AustLII.

    >>> _court_case({"litigants": "A v. B", "vol": "5", "reporter": "F.3d", "opinion": "100", "date": "1999"})
    'A v. B, 5 F.3d 100 (1999)'
    """
    report = join_nonempty(" ", *(first_value(args, name) for name in ("vol", "reporter", "opinion")))
    shown = join_nonempty(", ", first_value(args, "litigants", "parties"), report, first_value(args, "pinpoint"))
    of = join_nonempty(" ", first_value(args, "court"), first_value(args, "year", "date"))
    return join_nonempty(" ", shown, f"({of})" if of and shown else "")


def _neutral_citation(args: Args) -> str:
    """Show `{{cite BAILII|litigants=A v B|year=2005|court=EWCA|division=Civ|num=595}}` as 'A v B [2005] EWCA Civ 595'.

    Source: Template:Cite BAILII, Template:Cite AustLII, whose court, year and number have no names.
    """
    court, number = first_value(args, "court", "1"), first_value(args, "num", "number", "3")
    year = first_value(args, "year", "date", "2")
    place = join_nonempty(" ", f"[{year}]" if year else "", court, first_value(args, "division"), number)
    return join_nonempty(" ", first_value(args, "litigants", "parties"), place if court else "")


def _patent(args: Args) -> str:
    """Show `{{US patent|1781541}}` as 'U.S. patent 1,781,541'. Source: Template:US patent."""
    number = with_commas(positional(args, 1))
    return first_value(args, "2") or (f"U.S. patent {number}" if number else "")


def _district(args: Args) -> str:
    """Show `{{ushr|NY|10|C}}` as "New York's 10th congressional district". Source: Template:Ushr.

    >>> _district({"1": "AK", "2": "AL"}), _district({"1": "IL", "2": "7", "3": "7th"})
    ("Alaska's at-large congressional district", '7th')
    """
    state, number, style = (positional(args, place) for place in (1, 2, 3))
    name = US_STATES.get(state.upper(), state)
    is_at_large = number.upper() in ("AL", "0", "")
    if style.upper() == "A":
        return join_nonempty("-", state, "AL" if is_at_large else number)
    if style.upper() == "X":
        return join_nonempty(" ", name, "at-large" if is_at_large else number)
    if style and style.upper() not in ("C", "D", "T"):
        return style
    possessive = f"{name}'" if name.endswith("s") and name not in US_STATES.values() else f"{name}'s"
    return f"{possessive} {'at-large' if is_at_large else ordinal(number)} congressional district" if name else ""


RULES: dict[str, Rule] = {
    "cite bailii": _neutral_citation,
    "cite court": _court_case,
    "codefedreg": _regulation,
    "us patent": _patent,
    "usbill": _bill,
    "usc": _code_of_laws("U.S.C."),
    "ushr": _district,
    "uspl": _public_law,
    "ussc": _supreme_court,
}
