"""Every page in a real browser: on a phone, light and dark, by keys; samples with contexts, and runs."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from tests.support.browser import Window, needs_browser, open_window
from tests.support.inspector_folders import HOSTILE_ID, Served

pytestmark = [pytest.mark.e2e, pytest.mark.browser, needs_browser]
pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install '.[test]'")
from playwright.sync_api import Browser, expect  # noqa: E402

PAGES = {
    "search": "/",
    "results": "/?q=the+big+city",
    "explained": "/?q=villain&explain=1",
    "refused": "/?q=city&view=both",
    "nothing found": "/?q=qqqq",
    "article": "/doc/14",
    "sentence": "/doc/14%230%230",
    "file": "/doc/Ride-s.jpg",
    "samples": "/samples",
    "sample": "/samples/test/test-2",
    "hostile sample": f"/samples/test/{quote(HOSTILE_ID, safe='')}",
    "runs": "/runs",
    "run": "/runs/text",
    "mixture": "/runs/mixture",
    "index": "/index",
    "not found": "/nothing",
}


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_every_page_fits_its_window_and_can_be_read(browser: Browser, served: Served, width: int, scheme: str) -> None:
    wrong = {}
    with open_window(browser, served.url, width=width, scheme=scheme) as window:
        for name, path in PAGES.items():
            page = window.go(path)
            page.evaluate("() => document.querySelectorAll('details:not(.explain)').forEach((e) => { e.open = true; })")
            wrong[name] = window.overflow() + window.low_contrast_text()
            assert page.get_by_role("heading", level=1).count() == 1, name
            nameless = (
                "img:not([alt]), input:not([type=hidden]):not([id]), a[href]:empty, svg:not([aria-hidden]):not([role])"
            )
            wrong[name] += page.locator(nameless).evaluate_all("(all) => all.map((e) => e.outerHTML.slice(0, 80))")
    assert not {name: faults for name, faults in wrong.items() if faults}


@pytest.mark.parametrize("name", ["results", "samples", "runs"])
def test_what_has_the_focus_shows_it(window: Window, name: str) -> None:
    page = window.go(PAGES[name])
    seen = []
    for _ in range(12):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("""() => {
              const element = document.activeElement, style = getComputedStyle(element);
              const shape = element.getBoundingClientRect();
              return {tag: element.tagName, words: element.innerText || element.name || '',
                      ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
                      shows: shape.bottom > 0 && shape.top < innerHeight && shape.width > 0};
            }""")
        )
    focused = [one for one in seen if one["tag"] != "BODY"]
    assert len(focused) >= 5 and focused[0]["words"] == "Skip to the content"
    assert not [one for one in focused if not (one["ring"] and one["shows"])]


def test_a_sample_shows_gold_predictions_and_the_contexts_of_each_view_side_by_side(window: Window) -> None:
    page = window.go("/samples?split=test")
    page.get_by_role("link", name="test-2", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("test-2")
    gold = page.locator(".says dd").first
    assert gold.locator(".entity").count() == 2
    colours = gold.locator(".entity").evaluate_all("(all) => all.map((e) => getComputedStyle(e).backgroundColor)")
    assert len(set(colours)) == 2, "types have one colour"
    image, text = page.get_by_role("region", name="image from"), page.get_by_role("region", name="text from")
    expect(image.get_by_role("link", name="Astronaut")).to_be_visible()
    assert text.locator("li mark").count() == 3
    left, right = image.bounding_box(), text.bounding_box()
    assert left and right and left["y"] == right["y"] and left["x"] + left["width"] <= right["x"]
    weights = page.locator(".gate dd .num").all_text_contents()
    assert len(weights) == 2 and sum(map(float, weights)) == pytest.approx(1, abs=0.002)
    picture = page.get_by_alt_text("The post's picture")
    assert picture.evaluate("(e) => e.complete && e.naturalWidth") > 0
    text.locator("li a").first.click()
    page.wait_for_url(re.compile("/doc/"))
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("test-2")


def test_filters_of_samples_are_in_the_address_and_come_back(window: Window) -> None:
    page = window.go("/samples?split=test&run=text")
    choice = page.locator("#kind option").evaluate_all("(all) => all.map((e) => [e.value, e.textContent])")[-1]
    page.get_by_label("The run gets wrong").select_option(choice[0])
    page.get_by_role("button", name="Show").click()
    page.wait_for_url(re.compile("kind="))
    number = re.search(r"\((\d+)\)", choice[1])
    assert number
    expect(page.locator("#found")).to_contain_text(f"{number[1]} of 25 samples")
    assert page.locator(".sample-link").count() == int(number[1])
    page.keyboard.press("j")
    first = page.locator(".sample-link").first
    expect(first).to_be_focused()
    name = first.inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.go_back()
    expect(page.locator("#found")).to_contain_text(f"{number[1]} of 25 samples")
    assert page.get_by_label("The run gets wrong").input_value() == choice[0]


def test_a_hostile_tweet_shows_as_text(window: Window) -> None:
    page = window.go(PAGES["hostile sample"])
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE_ID)
    expect(page.locator(".says dd").first).to_contain_text("<script>alert('tweet')</script>")
    page.keyboard.press("u")
    page.wait_for_url(re.compile(r"/samples\?"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Samples of <i>tweets</i>")
    page.get_by_role("link", name=HOSTILE_ID).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE_ID)


def test_runs_are_compared_and_lead_to_the_samples_they_changed(window: Window) -> None:
    page = window.go("/runs")
    rows = page.locator("#compared ~ .scroll tbody tr")
    assert rows.locator("th").all_text_contents() == ["plain", "text", "mixture"]
    figures = page.locator("figure svg")
    assert figures.count() >= 2 and all(box["width"] > 200 for box in (f.bounding_box() for f in figures.all()))
    changed = rows.nth(1).get_by_role("link", name="broken")
    number = re.sub(r"\D", "", changed.inner_text())
    changed.press("Enter")
    expect(page.locator("#found")).to_contain_text(f"{number} of 25 samples")
    page.go_back()
    page.get_by_role("link", name="mixture", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("mixture")
    expect(page.get_by_role("region", name="Gate")).to_contain_text("gate sample")
