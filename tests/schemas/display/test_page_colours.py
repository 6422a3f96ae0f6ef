"""The colours of page.css: both schemes name the same ones, and every pair that is used can be read."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CSS = (ROOT / "schemas" / "display" / "page.css").read_text(encoding="utf-8")
SCHEMES = ("light", "dark")
TYPES = [f"type-{number}" for number in range(1, 7)]
PLOTS = [f"plot-{number}" for number in range(1, 7)]
WORDS = [
    *((ink, ground) for ink in ("text", "muted", "accent", "good", "bad", "warn") for ground in ("bg", "surface")),
    ("accent-text", "accent"),
    ("text", "mark"),
    *(("text", name) for name in TYPES),
]
GRAPHICS = [(ink, ground) for ink in (*PLOTS, "edge", "accent") for ground in ("bg", "surface")]


def tokens(scheme: str) -> dict[str, str]:
    """The colours of one scheme, read from the style sheet itself."""
    light = re.search(r"^:root \{(.*?)^\}", CSS, re.S | re.M)
    dark = re.search(r"prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}", CSS, re.S)
    assert light is not None
    assert dark is not None
    block = (light if scheme == "light" else dark).group(1)
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(ink: str, ground: str) -> float:
    dark, light = sorted((luminance(ink), luminance(ground)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_as_the_standard_computes_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_both_schemes_name_the_same_colours() -> None:
    assert tokens("light").keys() == tokens("dark").keys()
    assert len(tokens("light")) == 24


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("ink", "ground"), WORDS)
def test_words_stand_out_from_their_ground(scheme: str, ink: str, ground: str) -> None:
    colours = tokens(scheme)
    assert contrast(colours[ink], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("ink", "ground"), GRAPHICS)
def test_lines_and_edges_stand_out_from_their_ground(scheme: str, ink: str, ground: str) -> None:
    colours = tokens(scheme)
    assert contrast(colours[ink], colours[ground]) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_two_entity_colours_are_the_same(scheme: str) -> None:
    colours = tokens(scheme)
    for one, other in combinations(TYPES, 2):
        assert colours[one] != colours[other]


def test_every_colour_that_is_used_is_named() -> None:
    named = set(re.findall(r"--([\w-]+):", CSS))
    assert set(re.findall(r"var\(--([\w-]+)\)", CSS)) <= named
    beside = re.sub(r"--[\w-]+:\s*#[0-9a-f]{6};", "", CSS)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", beside), "a colour beside the tokens has no tested contrast"
