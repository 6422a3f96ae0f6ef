"""Figures: the content of the SVG, that it needs no style and no script, and that the same data give the same bytes."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from xml.etree import ElementTree

import pytest

from schemas.display import bar_figure, histogram_figure, line_figure

HOSTILE = '東京 $\\frac{a}{$ <script>alert("1")</script>\x00'
LINES = {"baseline": [(1, 6.25), (2, 2.5)], HOSTILE: [(1, 5.0), (2, 2.0)]}
BARS = {"": {"kept": 98.0, HOSTILE: 100.0, "other": 0.0}}


def lines() -> str:
    return line_figure("Loss", LINES, x_label="epoch", y_label="loss")


def bars() -> str:
    return bar_figure("Fates", BARS, x_label="pages")


def histogram() -> str:
    return histogram_figure("Words", [0, 5, 10], [3, 1500], x_label="words", y_label="sentences", is_open=True)


DRAWINGS = {"lines": lines, "bars": bars, "histogram": histogram}


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_needs_no_style_no_script_and_no_address(name: str) -> None:
    root = ElementTree.fromstring(DRAWINGS[name]())
    for element in root.iter():
        assert element.tag in {"svg", "g", "path", "use", "defs", "clipPath", "rect", "text", "title", "desc"}
        assert "style" not in element.attrib
        assert all(value.startswith("#") for key, value in element.attrib.items() if key.endswith("href"))
        assert not any(key.startswith("on") for key in element.attrib)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_has_no_colour_but_by_the_classes_of_the_page(name: str) -> None:
    drawing = DRAWINGS[name]()
    assert not re.search(r'(?:fill|stroke)="(?!none)', drawing)
    assert not re.search(r'"#[0-9a-f]{6}"', drawing)
    assert re.search(r'class="(fill|stroke)-1', drawing)
    root = ElementTree.fromstring(drawing)
    painted = [element for element in root.iter("path") if "fill" not in element.attrib]
    assert all(
        "fill-" in element.get("class", "") or element.get("id") or in_clip(root, element) for element in painted
    )


def in_clip(root: ElementTree.Element, element: ElementTree.Element) -> bool:
    return any(element in list(clip) for clip in root.iter("clipPath"))


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_same_data_give_the_same_bytes(name: str) -> None:
    assert DRAWINGS[name]() == DRAWINGS[name]()


def test_a_figure_has_its_name_and_its_numbers_in_words_for_screen_readers() -> None:
    root = ElementTree.fromstring(histogram())
    assert root.get("role") == "img"
    texts = {element.get("id"): element.text for element in root if element.tag in ("title", "desc")}
    assert [texts[key] for key in str(root.get("aria-labelledby")).split()] == [
        "Words",
        "sentences by words. 0 to 5: 3; 5 and more: 1,500",
    ]


def test_hostile_names_stand_as_text_in_any_script() -> None:
    for drawing in (lines(), bars()):
        assert "<script" not in drawing
        words = [element.text or "" for element in ElementTree.fromstring(drawing).iter("text")]
        assert any(word.startswith("東京 $\\frac{a}{$ <script>") for word in words)


def test_labels_are_text_and_bars_carry_their_numbers() -> None:
    words = [element.text for element in ElementTree.fromstring(bars()).iter("text")]
    assert words.count("98") == 1
    assert "kept" in words
    assert "pages" in words


def test_ids_of_two_figures_differ() -> None:
    first, second = (set(re.findall(r'\bid="([^"]+)"', drawing)) for drawing in (lines(), bars()))
    assert first
    assert second
    assert not first & second


def test_every_id_that_is_referred_to_exists() -> None:
    for draw in DRAWINGS.values():
        drawing = draw()
        ids = re.findall(r'\bid="([^"]+)"', drawing)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'(?:href="#|url\(#)([\w-]+)', drawing)) <= set(ids)


def test_the_users_own_settings_change_nothing() -> None:
    import matplotlib as mpl

    expected = bars()
    with mpl.rc_context({"font.size": 40, "axes.facecolor": "red", "svg.fonttype": "path"}):
        assert bars() == expected
        assert mpl.rcParams["font.size"] == 40


def test_figures_drawn_at_the_same_time_are_the_same() -> None:
    expected, found = bars(), []
    threads = [threading.Thread(target=lambda: found.append(bars())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_matplotlib_is_loaded_only_to_draw_and_pyplot_never() -> None:
    code = (
        "import sys, schemas.display.figures as f; assert 'matplotlib' not in sys.modules;"
        "f.bar_figure('a', {'': {'b': 1}}, x_label='c');"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
