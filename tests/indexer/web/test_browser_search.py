"""People search in a real browser: words, pictures, keys, the way back, and without scripts."""

from __future__ import annotations

import base64
import re

import pytest

from tests.support.browser import Window, needs_browser, open_window
from tests.support.inspector_folders import HOSTILE_TITLE, InspectorFolders, Served

pytestmark = [pytest.mark.e2e, pytest.mark.browser, needs_browser]
pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install '.[test]'")
from playwright.sync_api import Browser, Page, expect  # noqa: E402

GIVE_PHOTO = """([kind, bytes]) => {
  const data = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([data], 'photo.png', {type: 'image/png'}));
  const target = document.querySelector('#drop');
  const options = {bubbles: true, cancelable: true};
  if (kind === 'paste') {
    target.dispatchEvent(new ClipboardEvent('paste', {...options, clipboardData: carried}));
  } else {
    for (const name of ['dragenter', 'dragover', 'drop'])
      target.dispatchEvent(new DragEvent(name, {...options, dataTransfer: carried}));
  }
}"""


def ask(page: Page, words: str) -> None:
    page.get_by_role("searchbox").fill(words)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?.*q="))


def test_a_query_shows_the_matched_sentence_with_its_words_marked(window: Window) -> None:
    page = window.go("/")
    ask(page, "first American woman in space")
    first = page.locator("#results-text .result").first
    expect(first.get_by_role("heading")).to_contain_text("Astronaut")
    expect(first.locator(".matched")).to_have_text("Sally Ride was the first American woman in space.")
    marked = first.locator(".matched mark").all_text_contents()
    assert marked == ["first", "American", "woman", "in", "space"]
    colours = {
        first.locator(part).first.evaluate("(e) => getComputedStyle(e).backgroundColor") for part in ("mark", "h3")
    }
    assert len(colours) == 2, "the mark does not show"
    first.locator("details.explain summary").click()
    expect(first.locator("details.explain pre")).to_contain_text("weight(")
    page.get_by_role("link", name="Astronaut").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Astronaut")


@pytest.mark.parametrize("way", ["drop", "paste", "choose"])
def test_a_photo_finds_its_article(window: Window, inspector_folders: InspectorFolders, way: str) -> None:
    page = window.go("/")
    if way == "choose":
        page.get_by_label("A picture").set_input_files(inspector_folders.photo)
    else:
        data = base64.b64encode(inspector_folders.photo.read_bytes()).decode()
        page.evaluate(GIVE_PHOTO, [way, data])
    page.wait_for_url(re.compile(r"image=[0-9a-f]{64}"))
    results = page.locator("#results-image")
    expect(results.get_by_role("link", name="Astronaut")).to_be_visible()
    expect(results).to_contain_text("Sally Ride, the first American woman in space")
    for picture in (page.locator("#query-picture"), results.locator(".thumb img").first):
        assert picture.evaluate("(e) => e.complete && e.naturalWidth") > 0


def test_words_and_a_picture_are_asked_together_and_the_address_holds_both(
    window: Window, inspector_folders: InspectorFolders
) -> None:
    page = window.go("/")
    page.get_by_label("A picture").set_input_files(inspector_folders.photo)
    page.wait_for_url(re.compile("image="))
    ask(page, "the big city")
    address = page.url
    expect(page.locator("#results-text")).to_contain_text("is a big city.")
    expect(page.locator("#results-image")).to_contain_text("Astronaut")
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator("#results-image")).to_contain_text("Astronaut")
    assert page.get_by_role("searchbox").input_value() == "the big city"


def test_the_back_button_brings_query_and_results_back(window: Window) -> None:
    page = window.go("/")
    ask(page, "rockets")
    ask(page, "villain")
    expect(page.locator("#results-text")).to_contain_text("everybody")
    page.locator("#results-text a.open").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.go_back()
    assert page.get_by_role("searchbox").input_value() == "villain"
    expect(page.locator("#results-text")).to_contain_text("everybody")
    page.go_back()
    assert page.get_by_role("searchbox").input_value() == "rockets"
    expect(page.locator("#results-text")).to_contain_text("Rockets carried astronauts")
    expect(page.locator("#status")).to_contain_text("paragraph")


def test_a_hostile_title_shows_as_text(window: Window) -> None:
    page = window.go("/")
    ask(page, "villain")
    expect(page.locator("#results-text h3").first).to_contain_text(HOSTILE_TITLE)
    expect(page.locator("#results-text .matched").first).to_contain_text("<script>alert('sentence')</script>")
    page.locator("#results-text a.open").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE_TITLE)
    assert HOSTILE_TITLE in page.title()
    page.get_by_role("link", name="Whole article").click()
    expect(page.locator("#text")).to_contain_text("<img src=x onerror=alert('section')>")
    expect(page.locator("figcaption").first).to_contain_text("<img src=x onerror=alert('caption')>")
    made = page.evaluate(
        "() => [...document.querySelectorAll('main script, [onerror], img[src=x], a[href^=javascript]')].length"
    )
    assert made == 0
    page.goto(window.url + "/?q=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E%22'--%3E")
    assert page.get_by_role("searchbox").input_value() == "<img src=x onerror=alert(1)>\"'-->"


def test_everything_is_done_with_keys_alone(window: Window) -> None:
    page = window.go("/")
    page.keyboard.press("Tab")
    page.get_by_role("searchbox").blur()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("the big city")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=the"))
    rows = page.locator("#results-text .result")
    page.keyboard.press("ArrowDown")
    expect(rows.nth(0).locator("a.open")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1).locator("a.open")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(rows.nth(0).locator("a.open")).to_be_focused()
    page.keyboard.press("e")
    expect(rows.nth(0).locator("details.explain pre")).to_contain_text("weight(")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    title = rows.nth(0).locator("a.open").inner_text()
    rows.nth(0).locator("a.open").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def test_the_first_tab_leads_past_the_navigation(window: Window) -> None:
    page = window.go("/doc/1")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.querySelector('main').contains(document.activeElement)")


def test_searching_needs_no_scripts(browser: Browser, served: Served) -> None:
    with open_window(browser, served.url, has_scripts=False) as window:
        page = window.page
        page.goto(served.url + "/")
        page.get_by_label("Words to look for").fill("rockets")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#results-text .matched").first).to_contain_text("Rockets carried astronauts")
        expect(page.locator("#results-text mark").first).to_have_text("Rockets")
        page.locator("#results-text details.paragraph summary").first.click()
        expect(page.locator("#results-text details.paragraph p").first).to_be_visible()
        page.locator("#results-text a.open").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Astronaut")
