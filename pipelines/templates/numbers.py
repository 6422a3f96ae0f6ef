"""Templates of numbers, money and chemistry, as the words that Wikipedia shows."""

from __future__ import annotations

import re

from pipelines.templates.args import Args, Rule, joined, listed, pairs, positional, superscript, text_of, with_aliases
from pipelines.templates.unknown_values import HOLE

__all__ = ["RULES", "with_commas"]

MINUS = "−"
_NUMBER = re.compile(r"([+\-−]?)([0-9][0-9,]*|)(\.[0-9]+)?")


def with_commas(text: str) -> str:
    """Group the digits of a number by three, as MediaWiki's formatnum does; other text stays as it is.

    >>> with_commas("1234567.25"), with_commas("-1200"), with_commas("12 to 15"), with_commas("1066")
    ('1,234,567.25', '−1,200', '12 to 15', '1,066')
    """
    match = _NUMBER.fullmatch(text.strip())
    if not match or not (match[2] or match[3]) or len(text) > 100:
        return text.strip()
    digits = match[2].replace(",", "")
    grouped = re.sub(r"(?<=[0-9])(?=(?:[0-9]{3})+$)", ",", digits) or "0"
    return match[1].replace("-", MINUS) + grouped + (match[3] or "")


def _fraction(args: Args) -> str:
    """`{{frac|5|1|2}}` shows 5 1/2, `{{frac|1|2}}` 1/2, `{{frac|2}}` 1/2. Source: Template:Frac."""
    parts = listed(args)[:3]
    if len(parts) == 3:
        return f"{parts[0]} {parts[1]}/{parts[2]}"
    return f"{parts[0]}/{parts[1]}" if len(parts) == 2 else f"1/{parts[0]}" if parts else ""


def _stacked_fraction(args: Args) -> str:
    """`{{sfrac|a + 1|2}}` shows a fraction; a term of several parts stands in parentheses. Source: Template:Sfrac."""
    parts = [f"({part})" if re.search(r"[+\-−] | [+\-−]", part) else part for part in listed(args)[:3]]
    return _fraction({str(place): part for place, part in enumerate(parts, start=1)})


def _value(args: Args) -> str:
    """`{{val|6.2|0.1|e=18|u=m/s}}` shows '6.2±0.1×10¹⁸ m/s'. Source: Template:Val."""
    shown = with_commas(positional(args, 1))
    second, third = positional(args, 2), positional(args, 3)
    if second.startswith("("):
        shown += second
    elif second and third:
        shown += f" (+{second.lstrip('+')} / {MINUS}{third.lstrip('-−')})"
    elif second:
        shown += f"±{with_commas(second)}"
    if args.get("e"):
        shown += f"×10{_power(args['e'])}"
    unit = text_of(args, "u", "ul", "up", "upl")
    shown = f"{args.get('p', '')}{shown}{args.get('s', '')}"
    return joined("" if unit[:1] in "%°" else " ", shown, unit)


def _power(exponent: str) -> str:
    digits = exponent.replace("-", MINUS)
    raised = superscript(digits)
    return raised if raised != digits else f"^{digits}"


def _times_ten(args: Args) -> str:
    """`{{e|24}}` shows ×10²⁴. Source: Template:E."""
    return f"×10{_power(positional(args, 1))}" if positional(args, 1) else ""


def _ten_to(args: Args) -> str:
    """`{{10^|24}}` shows 10²⁴. Source: Template:10^."""
    return f"10{_power(positional(args, 1))}" if positional(args, 1) else "10"


def _chemical(args: Args) -> str:
    """`{{chem|H|2|O}}` shows H2O; indices stand on the line, charges as written. Source: Template:Chem."""
    return "".join(listed(args))


def _chemical2(args: Args) -> str:
    """`{{chem2|Fe(2+)}}`, `{{chem2|SO4(2-)}}`: one formula, indices on the line. Source: Template:Chem2."""
    formula = "".join(listed(args))
    charged = re.sub(r"\(([0-9]*)([+\-−])\)", lambda m: superscript(m[1] + m[2]), formula)
    return charged.replace("->", "→").replace("<-->", "⇌").replace("*", "·")


_SYMBOLS = pairs(
    """
hydrogen=H,deuterium=D,tritium=T,helium=He,lithium=Li,beryllium=Be,boron=B,carbon=C,nitrogen=N,oxygen=O,
fluorine=F,neon=Ne,sodium=Na,magnesium=Mg,aluminium=Al,aluminum=Al,silicon=Si,phosphorus=P,sulfur=S,chlorine=Cl,
argon=Ar,potassium=K,calcium=Ca,scandium=Sc,titanium=Ti,vanadium=V,chromium=Cr,manganese=Mn,iron=Fe,cobalt=Co,
nickel=Ni,copper=Cu,zinc=Zn,gallium=Ga,germanium=Ge,arsenic=As,selenium=Se,bromine=Br,krypton=Kr,rubidium=Rb,
strontium=Sr,yttrium=Y,zirconium=Zr,niobium=Nb,molybdenum=Mo,technetium=Tc,ruthenium=Ru,rhodium=Rh,palladium=Pd,
silver=Ag,cadmium=Cd,indium=In,tin=Sn,antimony=Sb,tellurium=Te,iodine=I,xenon=Xe,caesium=Cs,cesium=Cs,barium=Ba,
lanthanum=La,cerium=Ce,praseodymium=Pr,neodymium=Nd,promethium=Pm,samarium=Sm,europium=Eu,gadolinium=Gd,
terbium=Tb,dysprosium=Dy,holmium=Ho,erbium=Er,thulium=Tm,ytterbium=Yb,lutetium=Lu,hafnium=Hf,tantalum=Ta,
tungsten=W,rhenium=Re,osmium=Os,iridium=Ir,platinum=Pt,gold=Au,mercury=Hg,thallium=Tl,lead=Pb,bismuth=Bi,
polonium=Po,astatine=At,radon=Rn,francium=Fr,radium=Ra,actinium=Ac,thorium=Th,protactinium=Pa,uranium=U,
neptunium=Np,plutonium=Pu,americium=Am,curium=Cm,berkelium=Bk,californium=Cf,einsteinium=Es,fermium=Fm,
mendelevium=Md,nobelium=No,lawrencium=Lr,ununennium=Uue,electron=e⁻,positron=e⁺,proton=p,neutron=n,antiproton=p̄,
photon=γ,gamma=γ,electron neutrino=νe,electron antineutrino=ν̄e,neutrino=ν,antineutrino=ν̄,muon=μ⁻,antimuon=μ⁺,
alpha=α,beta=β⁻,muon neutrino=νμ,tau=τ⁻,tau neutrino=ντ,pion+=π⁺,pion-=π⁻,pion0=π⁰,w boson=W,z boson=Z,
higgs boson=H
    """
)
"""Symbols of elements and particles. Source: IUPAC periodic table; Template:Subatomic particle."""


def _nuclide(args: Args) -> str:
    """`{{nuclide|link|helium|4}}` shows ⁴He. Source: Template:Nuclide, Template:SimpleNuclide.

    >>> _nuclide({"1": "Link", "2": "helium", "3": "4"})
    '⁴He'
    """
    words = [word for word in listed(args) if word.lower() not in ("link", "anti")]
    if not words:
        return ""
    symbol = _SYMBOLS.get(words[0].lower(), words[0])
    return superscript(words[1]) + symbol if len(words) > 1 else symbol


def _particle(args: Args) -> str:
    """`{{SubatomicParticle|Positron}}` shows e⁺. Source: Template:Subatomic particle."""
    name = positional(args, 1)
    return _SYMBOLS.get(name.lower(), name)


def _money(sign: str) -> Rule:
    """Currency templates: `{{US$|2 billion}}` shows US$2 billion. Source: Template:US$, Template:GBP."""
    return lambda args: sign + with_commas(positional(args, 1)) if positional(args, 1) else sign


def _currency(args: Args) -> str:
    """`{{currency|5000|USD}}` shows US$5,000. Source: Template:Currency."""
    sign = _MONEY.get(text_of(args, "2", "code").lower(), text_of(args, "2", "code"))
    return sign + with_commas(text_of(args, "1", "amount"))


def _first_number(args: Args) -> str:
    """`{{nts|1000}}` and `{{formatnum:1000}}` show 1,000. Source: Template:Number table sorting."""
    return with_commas(text_of(args, "1"))


def _ordinal(args: Args) -> str:
    """`{{ordinal|2}}` shows 2nd. Source: Template:Ordinal.

    >>> [_ordinal({"1": number}) for number in ("1", "12", "23")]
    ['1st', '12th', '23rd']
    """
    number = positional(args, 1)
    if not re.fullmatch(r"[0-9]+", number):
        return number
    ending = "th" if number[-2:-1] == "1" else {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
    return number + ending


def _hole(_args: Args) -> str:
    """`{{inflation|US|800|1861}}` needs the price index of the day: a hole. Source: Template:Inflation."""
    return HOLE


def _nothing(_args: Args) -> str:
    """`{{5}}` is a hidden key for sorting. Source: Template:Number table sorting."""
    return ""


def _percentage(args: Args) -> str:
    """`{{percentage|1|4}}` shows 25%. Source: Template:Percentage."""
    try:
        part, whole = float(positional(args, 1)), float(positional(args, 2))
        digits = min(int(positional(args, 3) or 0), 10)
        return f"{100 * part / whole:.{max(digits, 0)}f}%"
    except (ValueError, ZeroDivisionError, OverflowError):
        return ""


_SIGNS = {
    "US$": "us$|usd|usdollar",
    "£": "gbp|£|pound sterling|gbp2",
    "€": "eur|€|euro",
    "₹": "inr|₹|indian rupee",
    "¥": "jpy|¥|yen",
    "JP¥": "jp¥",
    "CN¥": "cny|cn¥",
    "RMB": "rmb",
    "A$": "a$|aud|au$",
    "C$": "c$|cad",
    "CA$": "ca$",
    "NZ$": "nz$|nzd",
    "HK$": "hk$|hkd",
    "NT$": "nt$",
    "S$": "s$|sgd",
    "₩": "krw|₩",
    "₱": "php|₱|peso|philippine peso",
    "₽": "rub|₽|russian ruble",
    "CHF ": "chf",
    "SEK ": "sek",
    "NOK ": "nok",
    "DKK ": "dkk",
    "R$": "brl|r$",
    "MX$": "mxn",
    "₪": "ils|nis",
    "₴": "uah",
    "₦": "ngn",
    "₫": "vnd",
    "฿": "thb",
    "Rs. ": "pkr|lkr",
    "R": "zar",
    "IRR ": "irr",
    "Rp": "idr",
    "৳": "bdt",
    "zł": "pln",
}
"""Sign of a currency, and the templates of that currency. Source: Module:Currency."""
_MONEY = {name: sign for sign, names in _SIGNS.items() for name in names.split("|")}

RULES: dict[str, Rule] = {name: _money(sign) for name, sign in _MONEY.items()}
RULES |= {
    "10^": _ten_to,
    "chem": _chemical,
    "chem2": _chemical2,
    "currency": _currency,
    "e": _times_ten,
    "formatnum": _first_number,
    "format price": _first_number,
    "frac": _fraction,
    "inflation": _hole,
    "inflation-year": _hole,
    "ntsh": _nothing,
    "nuclide": _nuclide,
    "ordinal": _ordinal,
    "percentage": _percentage,
    "sfrac": _stacked_fraction,
    "subatomic particle": _particle,
    "val": _value,
}
RULES = with_aliases(
    RULES,
    {
        "10^": "^|esp",
        "chem": "chem formula|chem/atom|chem/link",
        "chem2": "ce",
        "e": "times10^",
        "formatnum": (
            "nowrap number|nts|num|number|number table sorting|number to word|"
            "ordinal to word|sort number|spellnum|val/delimitnum"
        ),
        "frac": "fracn|fraction|xfrac|½",
        "inflation": "cpi|inflation/us",
        "inflation-year": "inflation/year",
        "nuclide": "isotope|nuclide link|nuclide2|simplenuclide|simplenuclide2",
        "ordinal": "ord",
        "percentage": "pct",
        "sfrac": "dfrac|sfraction|tfrac",
        "subatomic particle": "physics particle|subatomicparticle",
    },
)
