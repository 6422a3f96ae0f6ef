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
    else:
        assert found == [], [block.text for block in article.blocks]
