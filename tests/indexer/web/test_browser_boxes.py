"""Boxes on a sample's picture in a real browser: where they lie, how they are lit by keys, in light and dark."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.box_folders import build_box_folders
from tests.support.browser import needs_browser, open_window
from tests.support.inspector import make_index
from tests.support.inspector_folders import Served

pytestmark = [pytest.mark.e2e, pytest.mark.browser, needs_browser]
pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install '.[test]'")
from playwright.sync_api import Browser, expect  # noqa: E402

SAMPLE = "/samples/test/test-1?run=pointer"


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    root = tmp_path_factory.mktemp("boxes")
    folders = build_box_folders(root)
    make_index(root / "index")
    command = [str(Path(sys.executable).with_name("mie-index")), "serve", "index", *folders.words, "--port", "0"]
    with Served(command, root) as served:
        yield served


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_the_page_fits_and_each_box_lies_where_its_pixels_are(
    browser: Browser, boxes: Served, width: int, scheme: str
) -> None:
    with open_window(browser, boxes.url, width=width, scheme=scheme) as window:
        page = window.go(SAMPLE)
        assert window.overflow() + window.low_contrast_text() == []
        picture = page.locator(".picture > img").bounding_box()
        box = page.locator("#box-1 .line").bounding_box()
        assert picture is not None and box is not None
        scale = picture["width"] / 40  # the picture has 40 x 30 pixels, the box [1, 2, 11, 12]
        assert box["x"] - picture["x"] == pytest.approx(scale, abs=2)
        assert box["y"] - picture["y"] == pytest.approx(2 * scale, abs=2)
        assert box["width"] == pytest.approx(10 * scale, abs=4) and box["height"] == pytest.approx(10 * scale, abs=4)
        style = "(one) => getComputedStyle(one).strokeDasharray"
        dashes = [page.locator(f"#box-{key} .line").evaluate(style) for key in ("1", "4", "a0")]
        assert len(set(dashes)) == 3 and dashes[0] == "none"
        page.goto(boxes.url + "/samples/test/test-2?run=pointer")
        assert window.overflow() + window.low_contrast_text() == []


def test_the_list_is_reached_by_keys_and_lights_its_box(browser: Browser, boxes: Served) -> None:
    with open_window(browser, boxes.url) as window:
        page = window.go(SAMPLE)
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("() => document.activeElement?.dataset?.box") == "5":
                break
        width = "(one) => parseFloat(getComputedStyle(one).strokeWidth)"
        assert page.locator("#box-5 .line").evaluate(width) > page.locator("#box-4 .line").evaluate(width)
        page.keyboard.press("Tab")
        assert page.locator("#box-5 .line").evaluate(width) == page.locator("#box-4 .line").evaluate(width)
        page.keyboard.press("Enter")
        assert page.url.endswith("#box-a0") and page.locator("#box-a0 .line").evaluate(width) > 4
        expect(page.locator("#box-a1")).to_be_visible()
        page.get_by_label("show").uncheck()
        expect(page.locator("#box-a1")).to_be_hidden()
        expect(page.locator("#box-1")).to_be_visible()


def test_without_scripts_a_link_lights_its_box(browser: Browser, boxes: Served) -> None:
    with open_window(browser, boxes.url, has_scripts=False) as window:
        window.page.goto(boxes.url + SAMPLE + "#box-2")
        expect(window.page.locator("#box-2")).to_be_visible()
        assert "box-2" in window.page.url
