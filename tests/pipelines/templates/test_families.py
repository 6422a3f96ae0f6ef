"""Families of templates: what Wikipedia shows for each, and for its siblings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dump import Page
from pipelines.templates import render
from pipelines.templates.expressions import evaluate
from pipelines.templates.words import UNKNOWN_VALUE, settle_asides
from pipelines.wikitext import parse_article
from tests.support.template_calls import shown

PRONUNCIATION = {
    "IPA|de|haʊs": "German pronunciation: [haʊs]",
    "IPA|de|haʊs|lang": "German: [haʊs]",
    "IPA|es|ola|pron": "pronounced [ola]",
    "IPA|pt-BR|kaza|local": "locally [kaza]",
    "IPA|pl|dɔm|-|Dom.ogg": "[dɔm]",
    "IPA|fr|pɔ̃|label=Swiss French:": "Swiss French: [pɔ̃]",
    "IPA-sv|hʉːs": "Swedish pronunciation: [hʉːs]",
    "IPA-sv|hʉːs|IPA": "IPA: [hʉːs]",
    "IPA-all|haʊs": "IPA: [haʊs]",
    "IPAc-en|lang|h|aʊ|s": "English: /haʊs/",
    "IPAc-en|icon|h|aʊ|s": "/haʊs/",
    "IPAc-en|UK|h|aʊ|s": "UK: /haʊs/",
    "IPAc-it|lang|k|a|s|a": "Italian: [kasa]",
    "pron-en|ˈhaʊs": "pronounced /ˈhaʊs/",
    "audio|De-Haus.ogg|Haus": "Haus",
    "audio|De-Haus.ogg": "",
    "RTGS|Chiang Mai": "RTGS: Chiang Mai",
    "lang-rus|Дом|r=Dom|p=dom": "Russian: Дом, romanized: Dom, IPA: [dom]",
    "lang-sr-Cyrl-Latn|Кућа|Kuća": "Serbian Cyrillic: Кућа, Serbian Latin: Kuća",
    "zh|t=台灣|s=台湾|first=t": "traditional Chinese: 台灣; simplified Chinese: 台湾",
    "zh|s=中山|t=中山|p=Zhōngshān": "Chinese: 中山; pinyin: Zhōngshān",
    "Korean|부산|釜山": "Korean: 부산; Hanja: 釜山",
    "Hebrew name|חיפה|Ḥefa": "Hebrew: חיפה, Modern: Ḥefa",
    "ruby|明日|あした": "明日 (あした)",
    "ruby-ja|明日|あした": "明日 (あした)",
    "wt|en|house": "house",
    "PIE|*dṓm": "*dṓm",
    "etymology|de|Haus|house|Tür|door": "from German Haus 'house' and Tür 'door'",
}
PEOPLE = {
    "post-nominals|country=AUS|AC|KBE": "AC KBE",
    "postnominals|MP|sep=,": "MP",
    "née|Brown": "née Brown",
    "nee": "née",
    "marriage|Ann|1970|1985|end=div": "Ann (m. 1970; div. 1985)",
    "marriage|Ann|1970|1985|reason=died": "Ann (m. 1970; died 1985)",
    "marriage|Ann|1970": "Ann (m. 1970)",
    "age in years|1980|2000": "20",
    "age|1980-05-04|2000-05-03": "19",
    "age in months|2000|1|1|2001|3|1": "14",
    "time interval|2000-01-01|2001-01-01": "1 year",
    "duration|m=3|s=5": "3:05",
    "age in days|2000|1|1|2000|3|1": "60",
    "age in years and days|1990|5|4|2000|5|4": "10 years, 0 days",
    "age in years|1980": UNKNOWN_VALUE,
    "OldStyleDate|5 May|1700|24 April": "5 May [O.S. 24 April] 1700",
    "OldStyleDateDY|5 January|1701|25 December 1700": "5 January 1701 [O.S. 25 December 1700]",
    "OldStyleDateNY|5 May|24 April": "5 May [O.S. 24 April]",
    "date|3 June 1950|mdy": "June 3, 1950",
    "date|June 3, 1950": "3 June 1950",
    "date|1950-06-03|iso": "1950-06-03",
    "date|Easter 1950|mdy": "Easter 1950",
}
PLACES = {
    "airport codes|ZRH|LSZH": "(IATA: ZRH, ICAO: LSZH)",
    "airport codes||EGCB||p=n": "ICAO: EGCB",
    "oscoor|TQ123456_region:GB": "TQ123456",
    "gbmapping|TQ123456": "grid reference TQ123456",
    "rws|York": "York",
    "stn|Dover|New Jersey": "Dover",
    "stl|NYC|Canal Street": "Canal Street",
    "njsta|Trenton": "Trenton",
    "lbs|Selsey": "Selsey",
    "jct|state=OH|I|71|SR|3|dir1=north|city1=Columbus": "I-71 north / SR 3 – Columbus",
    "jct|state=MI|M|28": "M-28",
    "jct|state=TX|US-Bus|90": "US 90 Bus.",
    "jct|province=ON|Hwy|401": "Highway 401",
    "jct|country=GBR|M|25": "M25",
    "ushr|CA|12|C": "California's 12th congressional district",
    "ushr|AK|AL": "Alaska's at-large congressional district",
    "ushr|TX|22|22nd": "22nd",
}
LAWS = {
    "USStat|104|327": "104 Stat. 327",
    "USC|17|107": "17 U.S.C. § 107",
    "UnitedStatesCode|8|1101": "8 U.S.C. § 1101",
    "uscsub|17|107|a": "17 U.S.C. § 107(a)",
    "ussc|5|137|1803": "5 U.S. 137 (1803)",
    "ussc|volume=384|page=436|year=1966|name=Miranda v. Arizona": "Miranda v. Arizona, 384 U.S. 436 (1966)",
    "CodeFedReg|21|101|9": "21 C.F.R. 101.9",
    "USPL|111|148": "Pub. L. 111–148",
    "USBill|117|S|2938": "S. 2938",
    "cite court|litigants=A v. B|vol=12|reporter=F.3d|opinion=34|date=1999": "A v. B, 12 F.3d 34 (1999)",
    "cite BAILII|litigants=A v B|court=EWCA|division=Civ|year=2005|num=595": "A v B [2005] EWCA Civ 595",
    "US patent|7654321": "U.S. patent 7,654,321",
    "qref|3|103": "3:103",
    "Quran-usc-range|2|1|5": "Quran 2:1–5",
    "cite quran|2|1|e=5": "Quran 2:1–5",
}
SEASONS_AND_TEAMS = {
    "OV|103": "Discovery",
    "OV|99|full": "Space Shuttle Challenger",
    "OV|200": "OV-200",
    "army|CSA": "Confederate States Army",
    "navy|CSA|1861": "Confederate States Navy",
    "flag|CSA": "Confederate States of America",
    "mlby|2004": "2004",
    "by|2004|2007": "2004–2007",
    "nfly|2004": "2004",
    "nhly|2004": "2004–05",
    "nbay|1999": "1999–2000",
    "nbay|2008|end": "2009",
    "F1|1994": "1994",
    "GamesName|WOG|1994": "1994 Winter Olympics",
    "fb|ITA": "Italy",
    "fbw|NOR": "Norway",
    "fb-rt|GBR": "Great Britain",
    "fbu|21|ESP": "Spain",
    "ru|WAL": "Wales",
    "cr|IND": "India",
    "ihw|FIN": "Finland",
    "flagIOC|GRE|2004 Summer": "Greece",
    "flagIPC|GBR": "Great Britain",
    "flagIOCathlete|[[Ann Bell]]|KEN|2016 Summer": "[[Ann Bell]] (KEN)",
    "flagathlete|Ann|USA": "Ann (USA)",
    "DEU": "Germany",
    "TPE": "Chinese Taipei",
    "navy|UK": "Royal Navy",
    "army|Peru": "Peru Army",
    "flagicon|FRA": "",
    "flag+link|Rugby union in|ARG": "Argentina",
    "sclass2|Leander|cruiser": "Leander-class cruiser",
    "GS|U-99|1940|2": "U-99",
}
MONEY_AND_NUMBERS = {
    "val|e=10": "10¹⁰",
    "val|e=10|u=years": "10¹⁰ years",
    "val|5|e=10": "5×10¹⁰",
    "SEK|300": "SEK 300",
    "TRY|300": "₺300",
    "C$|7": "C$7",
    "₹": "₹",
    "£sd|l=2|s=10|d=6": "£2 10s 6d",
    "NYSE|GE": "NYSE: GE",
    "TYO|6758": "TYO: 6758",
    "NYSE": "",
    "number to word|42": "forty-two",
    "number to word|1203": "one thousand two hundred and three",
    "spellnum|-7": "minus seven",
    "number to word|a few": "a few",
    "ordinal to word|31": "thirty-first",
    "spellnum per MOS|12": "12",
    "Roman|1999": "MCMXCIX",
    "round|1234.567|1": "1234.6",
    "round|62212|-2": "62200",
    "sigfig|0.012345|2": "0.012",
    "val|1.5|0.2|e=6|u=kg": "(1.5±0.2)×10⁶ kg",
    "±|3": "±3",
    "times": "×",
    "larr": "←",
    "CH4": "CH4",
    "Solar mass|2.5": "2.5 M☉",
    "ComplexNuclide|Technetium|99|m": "⁹⁹ᵐTc",
    "Earth mass": "M🜨",
    "Mach|0.85": "Mach 0.85",
    "kya|12": "12 thousand years ago",
    "Ga|2.5": "2.5 Ga",
    "time signature|6|8": "6/8",
    "music|time|6|8": "6/8",
    "unichar|2603": "U+2603 &#x2603; SNOWMAN",
}
MEASURES = {
    "convert|4|km|mi|spell=in": "four kilometres (2.5 mi)",
    "convert|4|km|mi|spell=In": "Four kilometres (2.5 mi)",
    "convert|2|km|mi|1|spell=on": "two kilometres (one point two miles)",
    "convert|3|mi|km|1|spell=in|adj=on": "three-mile (4.8 km)",
    "convert|10|km|mi|abbr=~": "10 kilometres [km] (6.2 mi)",
    "convert|12|in|mm|0|abbr=values": "12 (305)",
    "convert|10|km|mi|disp=unit": "kilometres",
    "convert|10|km|mi|disp=x|(about|)": "10 kilometres (about 6.2 mi)",
    "convert|10|km|mi|disp=br": "10 kilometres<br>6.2 mi",
    "convert|10|km|mi|adj=pre|winding": "10 winding kilometres (6.2 mi)",
    "convert|1200|/km2|/sqmi|disp=preunit|people": "1,200 people per square kilometre (3,100 people/sq mi)",
    "convert|10|km|mi|frac=4": "10 kilometres (6 1/4 mi)",
    "convert|1500|ft|m|comma=off": "1500 feet (460 m)",
    "convert|1500|ft|m|comma=5": "1500 feet (460 m)",
    "convert|30|mpgus": "30 miles per US gallon (7.8 L/100 km; 36 mpg‑imp)",
    "convert|8.5|L/100 km|mpgus": "8.5 litres per 100 kilometres (28 mpg‑US)",
    "hands|15.2": "15.2 hands (62 inches, 157 cm)",
    "mi to km|10": "10 miles (16 km)",
    "track gauge|3ft6in": "3 ft 6 in (1,067 mm)",
    "track gauge|4ft8.5in|al=on": "4 ft 8 1/2 in (1,435 mm) standard gauge",
    "track gauge|metre": "1,000 mm (3 ft 3 3/8 in)",
    "track gauge|7ft1in": "7ft1in",
    "convert|0|L/100km|mpgus": "0 litres per 100 kilometres",
    "convert|20|km/L|mpgimp|abbr=on": "20 km/L (56 mpg‑imp)",
    "convert|10|kgf/cm2|kPa": "10 kilograms-force per square centimetre (980 kPa)",
    "convert|760|Torr|kPa|abbr=on": "760 Torr (101 kPa)",
    "convert|20|mi|40|chain": "20 miles 40 chains (33 km)",
    "convert|6|feet|2|inches|cm|0": "6 feet 2 inches (188 cm)",
    "convert|5|kt|ST|abbr=on": "5 kt (5,500 short tons)",
    "convert|9.8|m/s2|ft/s2": "9.8 metres per second squared (32 ft/s²)",
    "convert|100|USgal/min": "100 US gallons per minute (380 L/min; 83 imp gal/min)",
    "convert|5|e6m3|cuft": "5 million cubic metres (180,000,000 cu ft)",
}
WORDS = {
    "reference necessary|text=He left.": "He left.",
    "cnspan|He left.|date=May 2014": "He left.",
    "dental formula|upper=3.1.4.2|lower=3.1.4.3": "3.1.4.2/3.1.4.3",
    "DentalFormula|upper=0.0.2|lower=0.0.2": "0.0.2/0.0.2",
    "longitem|padding-top:0|Rome": "Rome",
    "longitem|Rome": "Rome",
    "according to whom span|text=It burnt.": "It burnt.",
    "dubious span|It burnt.": "It burnt.",
    "crossreference|(see [[Tea]])": "(see [[Tea]])",
    "see below": "(see below)",
    "code|a = b": "a = b",
    "code|1=a": "a",
    "H:title|hover|seen": "seen",
    "yes|Won": "Won",
    "SITENAME": "Wikipedia",
    "slink|Tea|Cups|nopage=y": "§ Cups",
    "N/A": "N/A",
    "animevoices|Ann Bell|Cy Dee": "Voiced by: Ann Bell (Japanese); Cy Dee (English)",
    "Dash year|1914|1918": "1914–1918",
    "closed-open|0, 1": "[0, 1)",
    "hamza": "ʾ",
    "†": "†",
    "gli|leaf|leaves": "leaves",
}
LISTS = {
    "term|Leaf": "\n; Leaf\n",
    "defn|Part of a plant.": "\n: Part of a plant.\n",
    "cast listing|* Ann as Bea\n* Cy as Di": "\n* Ann as Bea\n* Cy as Di\n",
    "species list|Felis catus|Linnaeus|Felis nigripes|": "\n* Felis catus Linnaeus\n* Felis nigripes\n",
    "ublist|a|b": "\n* a\n* b\n",
    "numbered list|a|b": "\n* a\n* b\n",
    "episode list|Title=One|ShortSummary=They meet.": "\n\nThey meet.\n\n",
    "Japanese episode list|EnglishTitle=One|ShortSummary=They meet.": "\n\nThey meet.\n\n",
    "episode list|Title=One": "",
    "text and translation|Alea iacta est|The die is cast": "\n\nAlea iacta est\n\nThe die is cast\n\n",
}
FUNCTIONS = {
    "#expr: 2 * (3 + 4)": "14",
    "#if: x |yes|no": "yes",
    "#if: |yes|no": "no",
    "#if: x |class=a": "class=a",
    "#ifeq: a |a|yes|no": "yes",
    "#ifeq: A |a|yes|no": "no",
    "#ifeq: 1.0 |1|yes|no": "yes",
    "#ifexpr: 2 > 1 |yes|no": "yes",
    "#switch: b |a=1|b|c=2|3": "2",
    "#switch: z |a=1|#default=2": "2",
    "#switch: z |a=1|last": "last",
    "uc:tea": "TEA",
    "lc:TEA": "tea",
    "ucfirst:tea cup": "Tea cup",
    "lcfirst:Tea Cup": "tea Cup",
    "formatnum:1234567": "1,234,567",
    "formatnum:1,234|R": "1234",
    "padleft:7|3|0": "007",
    "plural:2|cup|cups": "cups",
    "#titleparts:A/B/C|1": "A",
    "#language:fr|en": "French",
    "#invoke:Tea|main": "",
    "#time: Y": "",
}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pair
        for table in (
            PRONUNCIATION,
            PEOPLE,
            PLACES,
            LAWS,
            SEASONS_AND_TEAMS,
            MONEY_AND_NUMBERS,
            MEASURES,
            WORDS,
            LISTS,
            FUNCTIONS,
        )
        for pair in table.items()
    ],
)
def test_a_family_shows_what_wikipedia_shows(call: str, expected: str) -> None:
    assert shown(call) == expected


IN_PROSE = {
    "coord|51|30|N|0|7|W": "51°30′N 0°7′W",
    "coord|57|18|22|N|4|27|32|W|display=inline,title": "57°18′22″N 4°27′32″W",
    "coord|43.65|-79.38": "43.65°N 79.38°W",
    "coord|43.65|N|79.38|W": "43.65°N 79.38°W",
    "coord|44.112|-87.913|format=dms": "44°06′43″N 87°54′47″W",
    "coord|12|N|34|E|region:XX": "12°N 34°E",
    "coord|nowhere": "",
    "coord|1|N|2|E|display=title": "",
    "cite book|last=Bell|first=Ann|title=Tea|year=1999|publisher=Leaf": "Bell, Ann (1999). Tea. Leaf.",
    "cite web|title=Tea|website=Leaf|date=May 2010": '"Tea". Leaf. May 2010.',
    "cite journal|last1=Bell|last2=Cole|title=Tea|journal=Leaf|volume=1|issue=2|page=3|year=2004": (
        'Bell; Cole (2004). "Tea". Leaf. 1 (2): 3.'
    ),
    "cite book|editor-last=Bell|chapter=Cups|title=Tea|pages=4-9": 'Bell, ed. "Cups". Tea. pp. 4–9.',
    "citation|last=Bell|first=Ann|title=Tea|year=1999|publisher=Leaf": "Bell, Ann (1999), Tea, Leaf",
    "cite web|url=http://example.com": "",
    "URL|example.com": "example.com",
    "BART station|Fremont": "Fremont",
    "LUL stations|station=Oval": "Oval",
}


@pytest.mark.parametrize(("call", "expected"), IN_PROSE.items())
def test_citations_positions_and_stations_are_shown_inside_a_line_of_prose(call: str, expected: str) -> None:
    words = shown(call)
    assert words is not None
    assert settle_asides(f"See {words}") == f"See {expected}"
    assert settle_asides(f"* {words}") == "* "


def paragraphs(wikitext: str) -> list[str]:
    return [block.text for block in parse_article(Page(1, 1, "T", 0, None, wikitext, 0)).blocks]


def test_a_citation_that_is_all_of_a_line_is_no_prose() -> None:
    citation = "{{cite book|last=Bell|title=[[Tea]]|year=1999}}"
    assert paragraphs(f"* {citation}\n* {citation}.") == []
    assert paragraphs(f"He wrote {citation}") == ["He wrote Bell (1999). Tea."]
    assert paragraphs("{{coord|1|N|2|E}}\n\nIt stands at {{coord|1|N|2|E}}.") == ["It stands at 1°N 2°E."]


def test_a_glossary_reads_as_terms_and_definitions() -> None:
    text = "\n".join(paragraphs("{{glossary}}\n{{term|Leaf}}\n{{defn|Part of a plant.}}\n{{glossary end}}"))
    assert text.split("\n") == ["Leaf", "Part of a plant."]


def test_the_text_of_a_parser_function_keeps_its_capitals() -> None:
    assert paragraphs("It is {{lcfirst:Big Ben}}, {{#ifeq:A|a|yes|no}}.") == ["It is big Ben, no."]


@given(st.text(alphabet="0123456789+-*/^()<>=. eroundmdivabsnt", max_size=60))
def test_any_expression_is_evaluated_or_nothing(text: str) -> None:
    assert len(evaluate(text)) < 40


@pytest.mark.parametrize("text", ["(" * 500, "1+" * 150 + "1", "9^9^9^9^9^9", "not " * 60 + "1", "1e999", "0/0"])
def test_large_and_deep_expressions_are_bounded(text: str) -> None:
    assert len(evaluate(text)) < 40


@given(
    name=st.sampled_from(["#switch: a", "#if: a", "#ifeq: a", "#expr: 1", "padleft: a", "formatnum: 1", "plural: 1"]),
    args=st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=6),
)
def test_parser_functions_take_any_arguments(name: str, args: dict[str, str]) -> None:
    text = render(name, args)
    assert text is not None
    assert len(text) <= sum(map(len, args.values())) + sum(map(len, args)) + 100
