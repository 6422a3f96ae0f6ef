"""The text of a real Wikipedia slice: no markup left, inline templates shown where they stand."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "text_quality.py"


@pytest.fixture(scope="module")
def bench() -> dict[str, Any]:
    return runpy.run_path(str(SCRIPT))


@pytest.fixture(scope="module")
def tally(bench: dict[str, Any], gensim_slice: Path) -> Any:
    return bench["measure"](bench["read_articles"](gensim_slice), bench["ours"])


def test_no_markup_is_left_in_the_text_of_the_slice(tally: Any) -> None:
    assert {kind: count for kind, count in tally.leftovers.items() if count > 5} == {}
    assert tally.leftovers["reference text"] == 0
    assert tally.leftovers["picture captions"] == 0


def test_inline_templates_of_the_slice_are_shown(tally: Any) -> None:
    shares = {kind: tally.shown[kind] / count for kind, count in tally.uses.items() if count >= 5}
    assert len(shares) >= 13
    assert {kind: share for kind, share in shares.items() if share < 0.95} == {}


def test_a_lost_template_is_told_from_a_shown_one(bench: dict[str, Any]) -> None:
    wikitext = "It is {{convert|330|mi}} long and {{convert|190|mi}} wide."
    texts = {
        "It is 330 miles (530 km) long and wide.": [True, False],
        "It is long and 190 miles (310 km) wide.": [False, True],
    }
    for text, expected in texts.items():
        words = bench["tokens"](text)
        places = bench["places_of"](words)
        assert [bench["is_shown"](use, words, places) for use in bench["uses"](wikitext)] == expected


def test_templates_of_tables_references_and_cut_sections_are_no_prose(bench: dict[str, Any]) -> None:
    prose = "A{{lang|fr|b}}<ref>{{lang|fr|c}}</ref>\n{|\n|{{lang|fr|d}}\n|}\n"
    wikitext = prose + "== References ==\n{{lang|fr|e}}\n== Uses ==\n{{lang|fr|f}}"
    assert [use.words for use in bench["uses"](wikitext)] == [("b",), ("f",)]
