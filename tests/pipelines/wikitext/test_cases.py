"""Small inputs with the right answer, from bug reports and real dumps, that lie beside the checkout; by kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.dump import Page
from pipelines.wikitext import parse_article, split_article
from pipelines.wikitext.article import Article
from pipelines.wikitext.passages import Passages

CASES = Path(__file__).resolve().parents[4] / "shared" / "cases" / "wikitext.jsonl"
BEFORE, AFTER = "Aaa bbb ", " yyy zzz."

ARGUED: dict[str, str] = {}
"""Wikitext of a case -> why another answer than the case's is right."""

TO_DO: frozenset[str] = frozenset(
    {
        "[[File:Rock &amp; Roll.jpg|thumb|A stage]] Text here.",
        "[[File:Caf%C3%A9 de Flore.jpg|thumb|A café]] See [[Caf%C3%A9|it]].",
        "'''Mercy''' may refer to:\n* [[Mercy Hospital]]\n{{Hospital disambiguation}}",
        "'''Mercy''' may refer to:\n* [[Mercy Road]]\n{{Road disambiguation}}",
        "'''Mercy''' may refer to:\n* [[Mercy Number]]\n__DISAMBIG__",
        "See [[Foo&#39;s bar|that]] here.",
        "Text. {{Webarchive|url=https://web.archive.org/web/2016/http://x.org/a.jpg}}",
        "{{citation needed span|text=The castle was sold in 1900.|date=May 2020}} It burnt.",
        "== Cast ==\n{{Cast listing|\n* Ann Bell as Bea\n* Cy Dee as Eff\n}}",
        "{{glossary}}\n{{term|Apple}}\n{{defn|A fruit of a tree.}}\n{{glossary end}}",
        "{{Episode list|Title=Pilot|ShortSummary=Ann meets Bea and they plan a heist.}} After.",
        "Trains run between {{njsta|Summit}} and {{caltrain station|Belmont}} daily.",
        "Aaa bbb {{CO2}} yyy zzz.",
        "Aaa bbb '''Ann Bell''' {{post-nominals|country=GBR|OBE|FRS}} yyy zzz.",
        "Aaa bbb {{airport codes|JFK|KJFK|JFK}} yyy zzz.",
        "Aaa bbb ({{nasdaq|MSFT}}) yyy zzz.",
        "Aaa bbb The bridge stands at {{coord|51|30|N|0|7|W}} yyy zzz.",
        "Aaa bbb Some text {{oscoor|SO123456}} yyy zzz.",
        "Aaa bbb {{USStat|118|2500}} yyy zzz.",
        "Aaa bbb {{UnitedStatesCode|42|1983}} yyy zzz.",
        "Aaa bbb the {{baseball year|1990}} season yyy zzz.",
        "Aaa bbb the {{mlby|1990}} season yyy zzz.",
        "Aaa bbb the {{nhly|1990}} season yyy zzz.",
        "Aaa bbb in {{F1|2006}} yyy zzz.",
        "Aaa bbb the {{ushr|NY|10|C}} yyy zzz.",
        "Aaa bbb {{jct|state=CA|US|101}} yyy zzz.",
        "Aaa bbb {{rws|Leeds}} yyy zzz.",
        "Aaa bbb {{lbs|Aldeburgh}} yyy zzz.",
        "Aaa bbb {{time signature|3|4}} yyy zzz.",
        "Aaa bbb {{audio|Nl-x.ogg|Amersfoort}} yyy zzz.",
        "Aaa bbb {{fbw|BRA}} yyy zzz.",
        "Aaa bbb {{ru|SCO}} yyy zzz.",
        "Aaa bbb {{ih|CAN}} yyy zzz.",
        "Aaa bbb {{flagIOCathlete|[[Usain Bolt]]|JAM|2008 Summer}} yyy zzz.",
        "Aaa bbb {{zh|t=廣州|s=广州|p=Guǎngzhōu|first=t}} yyy zzz.",
        "Aaa bbb {{Korean|서울}} yyy zzz.",
        "Aaa bbb {{IPA|fr|paʁi}} yyy zzz.",
        "Aaa bbb {{IPA-fr|paʁi|lang}} yyy zzz.",
        "Aaa bbb {{IPAc-en|lang|p|r|ɒ|n|ˈ|b|ɜːr|l|ɪ|n}} yyy zzz.",
        "Aaa bbb {{RTGS|Krung Thep}} yyy zzz.",
        "Aaa bbb {{ruby|漢|kan}} yyy zzz.",
        "Aaa bbb {{Hebrew name|נֶגֶב|Négev|Negeḇ}} yyy zzz.",
        "Aaa bbb Qur{{hamza}}an yyy zzz.",
        "Aaa bbb {{née|Smith}} yyy zzz.",
        "Aaa bbb {{OldStyleDate|23 April|1564|13 April}} yyy zzz.",
        "Aaa bbb {{age in years|1990|2000}} yyy zzz.",
        "Aaa bbb {{number to word|5}} yyy zzz.",
        "Aaa bbb {{#expr:2+3}} yyy zzz.",
        "Aaa bbb {{date|4 May 1999|mdy}} yyy zzz.",
        "Aaa bbb 5 {{Jupiter mass}} yyy zzz.",
        "Aaa bbb {{times}} yyy zzz.",
        "Aaa bbb 5 {{±|2}} yyy zzz.",
        "Aaa bbb {{rarr}} yyy zzz.",
        "Aaa bbb {{†}} yyy zzz.",
        "Aaa bbb {{species list|Panthera leo|Linnaeus, 1758|Panthera onca|Linnaeus, 1758}} yyy zzz.",
        "Aaa bbb {{cast listing|\n* Ann as Bea\n* Cy as Di\n}} yyy zzz.",
        "Aaa bbb {{ublist|a|b}} yyy zzz.",
        "Aaa bbb {{numbered list|a|b}} yyy zzz.",
        "Aaa bbb {{term|Apple}} yyy zzz.",
        "Aaa bbb {{gli|apple}} yyy zzz.",
        "Aaa bbb {{text and translation|Arma virumque|Arms and the man}} yyy zzz.",
        "Aaa bbb {{clarify span|text=He left early.|date=May 2020}} yyy zzz.",
        "Aaa bbb {{update span|text=He left.|date=May 2020}} yyy zzz.",
        "Aaa bbb {{crossref|see [[Apple]]}} yyy zzz.",
        "Aaa bbb {{qref|2|255}} yyy zzz.",
        "Aaa bbb {{Quran-usc|2|255}} yyy zzz.",
        "Aaa bbb {{code|x = 1}} yyy zzz.",
        "Aaa bbb {{cite book|last=Bell|first=Ann|title=My Book|year=1999|publisher=Foo}} yyy zzz.",
        "Aaa bbb {{#ifeq:a|a|yes|no}} yyy zzz.",
        "Aaa bbb {{PIE|*ped-}} yyy zzz.",
        "Aaa bbb {{N/A}} yyy zzz.",
        "Aaa bbb a{{,}}b yyy zzz.",
        "Aaa bbb a{{nbhyph}}b yyy zzz.",
        "Aaa bbb {{animevoices|[[Miyu Irino]]}} yyy zzz.",
        "Aaa bbb {{Dash year|1943|1945}} yyy zzz.",
        "Aaa bbb {{Mach|2}} yyy zzz.",
        "Aaa bbb {{convert|5|km|mi|spell=in}} yyy zzz.",
    }
)
"""Wikitext of cases whose answer is not right yet; each is to be struck out as soon as it is."""


def read_cases() -> list[dict[str, Any]]:
    if not CASES.is_file():
        return []
    return [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]


def squeezed(text: str) -> str:
    """Return a text in which blanks of any kind count as one."""
    return " ".join(text.split())


def faults(case: dict[str, Any], article: Article, passages: Passages) -> list[str]:
    """Return the names of the fields of a case that the article does not fulfil."""
    texts = [squeezed(block.text) for block in article.blocks]
    paragraphs = [squeezed(paragraph.text) for paragraph in passages.paragraphs]
    whole = " ".join(texts)
    targets = {link.target for block in article.blocks for link in block.links}
    is_right = {
        "text": lambda value: texts == [squeezed(text) for text in value],
        "sentences": lambda value: [squeezed(row.text) for row in passages.sentences] == list(map(squeezed, value)),
        "images": lambda value: [[image.file, image.caption] for image in passages.images] == value,
        "targets": lambda value: set(value) <= targets,
        "contains": lambda value: all(squeezed(piece) in whole for piece in value),
        "lacks": lambda value: not any(piece in whole for piece in value),
        "one_paragraph": lambda value: any(all(piece in text for piece in value) for text in paragraphs),
        "disambiguation": lambda value: article.is_disambiguation == value,
        "shown": lambda value: any(squeezed(f"{BEFORE}{shown}{AFTER}") == whole for shown in value),
    }
    return [name for name, check in is_right.items() if name in case and not check(case[name])]


@pytest.mark.skipif(not CASES.is_file(), reason=f"no cases at {CASES}")
@pytest.mark.parametrize("case", read_cases(), ids=lambda case: f"{case['kind']}: {case['wikitext'][:60]}")
def test_wikitext_reads_as_a_person_reads_it(case: dict[str, Any]) -> None:
    wikitext = case["wikitext"]
    article = parse_article(Page(1, 1, case.get("title", "T"), 0, None, wikitext, len(wikitext)))
    found = faults(case, article, split_article(article))
    if wikitext in ARGUED:
        assert found, "the case is right: take it out of ARGUED"
    elif wikitext in TO_DO:
        assert found, "the case is right: strike it out of TO_DO"
    else:
        assert found == [], [block.text for block in article.blocks]
