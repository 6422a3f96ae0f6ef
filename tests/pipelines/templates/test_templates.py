"""Inline templates: they show what Wikipedia shows, and odd arguments do no harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.templates import render, silent
from pipelines.templates.rules import _RULES, MAX_RENDERED_CHARS
from pipelines.templates.silent import is_silent
from pipelines.templates.words import UNKNOWN_VALUE, remove_unknown_values
from tests.support.template_calls import shown

CONVERSIONS = {
    "convert|330|mi": "330 miles (530 km)",
    "convert|1|mi": "1 mile (1.6 km)",
    "convert|100|km": "100 kilometres (62 mi)",
    "convert|100|km|mi|sp=us": "100 kilometers (62 mi)",
    "convert|165|m|ft|0|sp=us": "165 meters (541 ft)",
    "convert|11|m": "11 metres (36 ft)",
    "convert|1.8|m": "1.8 metres (5 ft 11 in)",
    "convert|180|cm|ftin": "180 centimetres (5 ft 11 in)",
    "convert|6|ft|4|in|cm|0": "6 feet 4 inches (193 cm)",
    "convert|5|ft|11|in": "5 feet 11 inches (1.80 m)",
    "convert|5|ft|11|in|abbr=on": "5 ft 11 in (1.80 m)",
    "convert|10|-|40|m|ft": "10–40 metres (33–131 ft)",
    "convert|3|to|6|ft": "3 to 6 feet (0.91 to 1.83 m)",
    "convert|110|and|125|mph|km/h|abbr=on": "110 and 125 mph (177 and 201 km/h)",
    "convert|105|and(-)|130|cm|ft": "105 and 130 centimetres (3.4–4.3 ft)",
    "convert|5|x|10|ft": "5 by 10 feet (1.5 m × 3.0 m)",
    "convert|70.0|by|71.3|mi|km": "70.0 by 71.3 miles (112.7 by 114.7 km)",
    "convert|10|ft|m|adj=on": "10-foot (3.0 m)",
    "convert|4000|ha|acre|adj=on": "4,000-hectare (9,900-acre)",
    "convert|4|in|mm|adj=mid|-long": "4-inch-long (100 mm)",
    "convert|20|mi|km|abbr=on": "20 mi (32 km)",
    "convert|12|km|abbr=off": "12 kilometres (7.5 miles)",
    "convert|10977|lb|kg|order=flip": "4,979 kilograms (10,977 lb)",
    "convert|481321|sqmi|km2|disp=flip|abbr=on": "1,246,620 km² (481,321 sq mi)",
    "convert|25|km|0|abbr=on|disp=or": "25 km or 16 mi",
    "convert|25|km|disp=out": "16 mi",
    "convert|15700|ft3|disp=output number only": "440",
    "convert|25|km|disp=sqbr": "25 kilometres [16 mi]",
    "convert|46|C": "46 °C (115 °F)",
    "convert|-19|to|22|C|F": "−19 to 22 °C (−2 to 72 °F)",
    "convert|7|–|8|C-change|F-change": "7–8 °C (13–14 °F)",
    "convert|0|C": "0 °C (32 °F)",
    "convert|100|nmi": "100 nautical miles (190 km; 120 mi)",
    "convert|22|e6acre": "22 million acres (89,000 km²)",
    "convert|166|Goilbbl": "166 billion barrels (26.4×10⁹ m³)",
    "convert|400|koilbbl/d|abbr=on": "400×10³ bbl/d (64×10³ m³/d)",
    "convert|5.8|PD/sqmi": "5.8 inhabitants per square mile (2.2/km²)",
    "convert|100|ft|m|sigfig=1": "100 feet (30 m)",
    "convert|52|mi|km|round=5": "52 miles (85 km)",
    "convert|5+1/2|in|mm|0": "5 1/2 inches (140 mm)",
    "convert|1/2|mi": "1/2 mile (0.80 km)",
    "convert|203,752|nmi|smi km|abbr=off|sp=us": "203,752 nautical miles (234,474 miles; 377,349 kilometers)",
    "convert|10|st|4|lb|kg": "10 stone 4 pounds (65 kg)",
    "convert|12|parrots": "12 parrots",
    "convert|about 12|km": "about 12 km",
    "convert|12|kg|km": "12 kilograms",
    "convert": "",
    "cvt|10|km": "10 km (6.2 mi)",
    "pop density|3645257|640081.87|km2|sqmi|prec=1": "5.7/km² (14.8/sq mi)",
    "height|ft=5|in=11": "5 ft 11 in (1.80 m)",
    "height|m=1.91": "1.91 m (6 ft 3 in)",
    "RailGauge|1435mm": "1,435 mm (4 ft 8 1/2 in)",
    "railgauge|standard": "4 ft 8 1/2 in (1,435 mm)",
}
LANGUAGES = {
    "lang|fr|Bonjour": "Bonjour",
    "lang-fr|Bonjour": "French: Bonjour",
    "lang-ru|Москва|Moskva": "Russian: Москва, romanized: Moskva",
    "lang-de|Hund||dog": "German: Hund, lit. 'dog'",
    "lang-xyz|abc": "abc",
    "lang-fr|Bonjour|label=none": "Bonjour",
    "langx|el|Αθήνα|translit=Athína": "Greek: Αθήνα, romanized: Athína",
    "transl|ar|ALA|Allāh": "Allāh",
    "transliteration|ar|al-Jazā'ir": "al-Jazā'ir",
    "nihongo|headquarters|本部道場|honbu dōjō": "headquarters (本部道場, honbu dōjō)",
    "Nihongo|'''Aikido'''|合気道|Aikidō|lead=yes": "'''Aikido''' (Japanese: 合気道, Hepburn: Aikidō)",
    "Nihongo||合気道|Aikidō|lead=yes": "Aikidō (Japanese: 合気道)",
    "Nihongo|Aikido||Aikidō|lead=no": "Aikido (Aikidō)",
    "nihongo3|moon|月|tsuki": "tsuki (月, moon)",
    "IPA|/a/": "/a/",
    "IPA|fr|bɔ̃ʒuʁ": "French pronunciation: [bɔ̃ʒuʁ]",
    "IPAc-en|ˌ|æ|l|ə|ˈ|b|æ|m|ə|audio=Alabama.ogg": "/ˌæləˈbæmə/",
    "IPAc-en|ˈ|eɪ|b|r|ə|h|æ|m|_|ˈ|l|ɪ|ŋ": "/ˈeɪbrəhæm ˈlɪŋ/",
    "IPAc-en|us|ˈ|æ": "US: /ˈæ/",
    "IPA-fr|paʁi|pron": "pronounced [paʁi]",
    "IPA-nah|ˈpoːwalːi|": "[ˈpoːwalːi]",
    "respell|HEE|lee-əs": "HEE-lee-əs",
    "script|Goth|𐌰": "𐌰",
    "native name|fr|Paris": "Paris (French)",
    "zh|c=北京|p=Běijīng": "Chinese: 北京; pinyin: Běijīng",
    "fr icon": "",
    "IAST|Śarva": "Śarva",
    "in lang|fr": "(in French)",
}
STYLES = {
    "nowrap|a b": "a b",
    "small|[[Paris]]": "[[Paris]]",
    "abbr|UN|United Nations": "UN",
    "tooltip|SR|Strike Rate": "SR",
    "color|red|warm": "warm",
    "resize|120%|text": "text",
    "angbr|a": "⟨a⟩",
    "angle bracket|sh": "⟨sh⟩",
    "smallcaps|bc": "bc",
    "sup|2": "²",
    "sup|st": "st",
    "sub|2": "2",
    "su|p=2|b=i": "i²",
    "math|x": "x",
    "mvar|y": "y",
    "eqm": "⇌",
    "nbsp": " ",
    "snd": " – ",
    "mdash": "—",
    "·": " · ",
    "!": "|",
    "=": "=",
    "'": "'",
    "'s": "'s",
    "(": "{",
    "pi": "π",
    "keypress|Ctrl|C": "Ctrl+C",
    "music|flat": "♭",
    "vanchor|Title|other": "Title",
    "linktext|ἄνθρωπος": "ἄνθρωπος",
    "sic|teh": "teh [sic]",
}
NUMBERS = {
    "frac|1|2": "1/2",
    "frac|5|1|2": "5 1/2",
    "frac|2": "1/2",
    "sfrac|n + 1|2": "(n + 1)/2",
    "val|1.00794|(7)": "1.00794(7)",
    "val|6.241|e=18|u=C": "6.241×10¹⁸ C",
    "val|1000|0.5": "1,000±0.5",
    "e|-20": "×10⁻²⁰",
    "10^|24": "10²⁴",
    "e|n": "×10^n",
    "chem|H|2|O": "H2O",
    "chem|C|''n''|H|2''n''+2": "C''n''H2''n''+2",
    "chem2|SO4(2-)": "SO4²⁻",
    "nuclide|link|helium|4": "⁴He",
    "SubatomicParticle|Positron|link=yes": "e⁺",
    "ordinal|22": "22nd",
    "formatnum: 16944": "16,944",
    "nts|1000": "1,000",
    "US$|2 billion": "US$2 billion",
    "INR|1500000": "₹1,500,000",
    "GBP|5000": "£5,000",
    "currency|5000|EUR": "€5,000",
    "inflation|US|5|1929": UNKNOWN_VALUE,
    "percentage|1|4": "25%",
}
DATES = {
    "as of|2010": "As of 2010",
    "as of|2010|5|lc=y": "as of May 2010",
    "As of|2010|5|3": "As of 3 May 2010",
    "as of|2010|since=y": "Since 2010",
    "as of|2010|alt=in 2010": "in 2010",
    "circa|1850": "c. 1850",
    "c.|1850|1860": "c. 1850 – c. 1860",
    "circa": "c.",
    "fl.|300|310": "fl. 300–310",
    "reign|1509|1547": "r. 1509–1547",
    "birth date|1809|2|12": "February 12, 1809",
    "birth date|1932|4|4|df=yes": "4 April 1932",
    "birth date and age|1947|04|01": "April 1, 1947",
    "death date and age|1865|4|15|1809|2|12": "April 15, 1865 (aged 56)",
    "start date|1990|5": "May 1990",
    "dts|1777|12|16": "December 16, 1777",
    "OldStyleDate|February 2|1905|January 20": "February 2 [O.S. January 20] 1905",
    "age|1969|07|20": UNKNOWN_VALUE,
    "age|1969|07|20|2000|07|19": "30",
    "marriage|Ann|1929|1979": "Ann (m. 1929–1979)",
}
NAMES = {
    "USS|Texas|BB-35|6": "USS Texas",
    "USS|Texas|BB-35": "USS Texas (BB-35)",
    "HMS|Victory|1765|2": "Victory",
    "ship|HMS|Ajax|22": "HMS Ajax (22)",
    "SS|Pedernales": "SS Pedernales",
    "sclass|Iowa|battleship": "Iowa-class battleship",
    "flag|Brazil": "Brazil",
    "flagcountry|USA": "United States",
    "flagicon|FRA": "",
    "USA": "United States",
    "GRC|name=Hellas": "Hellas",
    "army|USA|1861": "United States Army",
    "sortname|Ada|Lovelace": "Ada Lovelace",
    "ill|Title|de|Titel": "Title",
    "ill|de|Titel|Name": "Name",
    "section link|Page|Part": "Page § Part",
    "harvtxt|Boolos|Jeffrey|1974": "Boolos & Jeffrey (1974)",
    "bibleverse||James|5:14|NIV": "James 5:14",
    "bibleref|Mark|3:25|9": "Mark 3:25",
}
BLOCKS = {
    "quote|To be.|Hamlet|Act III": "\n\nTo be. — Hamlet, Act III\n\n",
    "blockquote|text=To be.": "\n\nTo be.\n\n",
    "cquote|To be.|||Hamlet": "\n\nTo be. — Hamlet\n\n",
    "rquote|right|To be.|Hamlet": "\n\nTo be. — Hamlet\n\n",
    "quote box|quote=To be.|source=Hamlet|width=30%": "\n\nTo be. — Hamlet\n\n",
    "ubl|a|b": "\n* a\n* b\n",
    "plainlist|* a\n* b": "\n* a\n* b\n",
    "hlist|[[Logic]]|Ethics": "[[Logic]], Ethics",
    "columns-list|3|* a\n* b": "\n* a\n* b\n",
}
SILENT = [
    "citation needed|date=May 2014",
    "cn",
    "clarify",
    "main|History",
    "See also|Art",
    "about|x|y",
    "hatnote|Note",
    "cite web|url=x",
    "sfn|A|1999",
    "harvnb|A|1999",
    "refn|note",
    "efn|note",
    "reflist|30em",
    "rp|223",
    "Infobox country|name=x",
    "navbox",
    "coord|1|N|2|E|display=title",
    "clear",
    "div col",
    "col-begin",
    "Use dmy dates",
    "short description|x",
    "DISPLAYTITLE:x",
    "DEFAULTSORT:Lincoln, Abraham",
    "nutshell|x",
    "portal|Art",
    "commons category|Art",
    "authority control",
    "disambiguation",
    "taxobox|name=x",
    "clade|1=x",
    "wiktionary",
    "anchor|here",
    "art-stub",
    "pp-move-indef",
    "Largest cities of Albania",
    "hs|5",
    "#tag:ref|x",
    "dead link",
]


@pytest.mark.parametrize(
    ("call", "expected"),
    [pair for table in (CONVERSIONS, LANGUAGES, STYLES, NUMBERS, DATES, NAMES, BLOCKS) for pair in table.items()],
)
def test_a_template_shows_what_wikipedia_shows(call: str, expected: str) -> None:
    assert shown(call) == expected


@pytest.mark.parametrize("call", SILENT)
def test_notes_sources_and_boxes_show_nothing(call: str) -> None:
    assert shown(call) == ""


@pytest.mark.parametrize("call", ["no such template", "metaphysics", "abraham lincoln|x", ""])
def test_an_unknown_template_differs_from_a_silent_one(call: str) -> None:
    assert shown(call) is None


@pytest.mark.parametrize(
    "name", ["Citation_needed", "  citation   needed ", "CITATION NEEDED", "Template:Citation needed"]
)
def test_case_underscores_and_prefixes_of_names_do_not_matter(name: str) -> None:
    assert render(name, {}) == ""


def test_a_condition_shows_its_branch() -> None:
    assert render("#if: yes", {"1": "then", "2": "else"}) == "then"
    assert render("#if:", {"1": "then", "2": "else"}) == "else"


def test_no_template_is_both_shown_by_a_rule_and_listed_as_silent_by_name() -> None:
    assert set(_RULES) & silent._NAMES == set()
    assert is_silent("citation needed")


@pytest.mark.parametrize(
    ("text", "without"),
    [
        (f"It was $5 (${UNKNOWN_VALUE} in {UNKNOWN_VALUE} dollars). It sold.", "It was $5. It sold."),
        (f"It cost $800, equivalent to ${UNKNOWN_VALUE} in 2015, a lot.", "It cost $800, a lot."),
        (f"He is {UNKNOWN_VALUE} years old.", "He is … years old."),
        (f"a (b (c {UNKNOWN_VALUE}) d) e", "a (b d) e"),
        ("nothing unknown (here)", "nothing unknown (here)"),
    ],
)
def test_values_that_no_dump_holds_are_removed_with_their_parentheses(text: str, without: str) -> None:
    assert remove_unknown_values(text) == without


_VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "",
            "-",
            "1",
            "0",
            "-5",
            "1e99",
            "1/0",
            "ft",
            "in",
            "km",
            "C",
            "to",
            "x",
            "99999999999999999999",
            "½",
            "١٢",
            "²",
            "NaN",
            "inf",
            "1e-9",
            "left",
        ]
    ),
)
_KEYS = st.sampled_from(
    [*map(str, range(1, 10)), "abbr", "adj", "disp", "order", "sigfig", "round", "df", "e", "u", "text", "ft", "m"]
)


@given(name=st.sampled_from(sorted(_RULES)), args=st.dictionaries(_KEYS, _VALUES, max_size=9))
def test_odd_arguments_never_raise_and_never_grow(name: str, args: dict[str, str]) -> None:
    text = render(name, args)
    assert text is not None
    assert len(text) <= 2 * sum(map(len, args.values())) + 400


@given(name=st.text(max_size=30), args=st.dictionaries(st.text(max_size=5), st.text(max_size=50), max_size=5))
def test_any_name_gives_text_or_nothing(name: str, args: dict[str, str]) -> None:
    assert isinstance(render(name, args), str | None)


@given(
    value=st.floats(allow_nan=False, allow_infinity=False).map(repr),
    source=st.sampled_from(["km", "C", "F", "e6acre", "Moilbbl", "ly", "nm", "ft", "PD/sqmi"]),
    target=st.sampled_from(["", "mi", "F", "C", "km2", "m3", "pc", "ftin", "in", "PD/km2", "5", "-3"]),
    option=st.sampled_from([{}, {"sigfig": "2"}, {"round": "5"}, {"order": "flip"}, {"adj": "on"}, {"abbr": "on"}]),
)
def test_any_number_converts_without_an_error(value: str, source: str, target: str, option: dict[str, str]) -> None:
    text = render("convert", {"1": value, "2": source, "3": target, **option})
    assert text and len(text) < 1_000


def test_a_huge_argument_is_cut() -> None:
    assert len(render("nowrap", {"1": "x" * 10 * MAX_RENDERED_CHARS}) or "") == MAX_RENDERED_CHARS
