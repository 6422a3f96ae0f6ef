"""A real browser that reaches nothing but the server under test, and notes what no page of ours may do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

__all__ = ["Window", "needs_browser", "open_browser", "open_window"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
needs_browser = pytest.mark.skipif(
    _CHROMIUM is None, reason="no Chromium is installed: on Debian, apt-get install chromium"
)
_ARGUMENTS = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--disable-gpu"]
_BAD = ("error", "warning")
_NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener('securitypolicyviolation', (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""
_LOW_CONTRAST = """
() => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    pen.clearRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pen.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((n) => top[n] * top[3] + below[n] * (1 - top[3])).concat(1);
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((value) => value / 255)
      .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const layer = rgba(getComputedStyle(at).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    const canvasColour = matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
    return layers.reverse().reduce((below, top) => over(top, below), canvasColour);
  };
  const faint = [];
  let seen = 0;
  const measure = (element, words, colour, below) => {
    seen += 1;
    let alpha = 1;
    for (let at = element; at; at = at.parentElement) alpha *= Number(getComputedStyle(at).opacity);
    const top = rgba(colour);
    top[3] *= alpha;
    const [one, two] = [luminance(over(top, below)), luminance(below)].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (two + 0.05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} <${element.tagName.toLowerCase()} class="${
      element.getAttribute('class') || ''}"> ${words.trim().slice(0, 40)}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const shape = element.getBoundingClientRect();
    if (!walker.currentNode.data.trim() || !element.checkVisibility({visibilityProperty: true})) continue;
    if (shape.width < 2 || shape.height < 2) continue;
    if (element.matches(':disabled, script, style, option, title, desc')) continue;
    const style = getComputedStyle(element);
    measure(element, walker.currentNode.data, element.closest('svg') ? style.fill : style.color, ground(element));
  }
  for (const input of document.querySelectorAll('input, select, textarea')) {
    if (!input.checkVisibility() || input.disabled) continue;
    measure(input, input.value || input.name, getComputedStyle(input).color, ground(input));
    if (input.placeholder)
      measure(input, input.placeholder, getComputedStyle(input, '::placeholder').color, ground(input));
  }
  return {seen, faint: [...new Set(faint)]};
}
"""
"""Contrast of every text against what lies below it. Source: WCAG 2.2, success criterion 1.4.3 and its formula."""


@dataclass
class Window:
    """A window of the browser, and what went wrong in it.

    Args:
        page: of Playwright.
        url: of the server, without a slash at its end.
        faults: dialogs, errors, violations of the security policy, requests to other servers.
    """

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        """Open a page of the server."""
        self.check()
        self.page.goto(self.url + path, wait_until="load")
        return self.page

    def low_contrast_text(self) -> list[str]:
        """Return the texts whose contrast is below 4.5 to 1."""
        found: dict[str, Any] = self.page.evaluate(_LOW_CONTRAST)
        assert found["seen"] > 3, "the page has no text to measure"
        faint: list[str] = found["faint"]
        return faint

    def overflow(self) -> list[str]:
        """Return the elements that make the page wider than its window."""
        wide: list[str] = self.page.evaluate(
            """() => {
              const limit = document.documentElement.clientWidth;
              if (document.scrollingElement.scrollWidth <= limit) return [];
              return [...document.body.querySelectorAll('*')]
                .filter((element) => element.getBoundingClientRect().right > limit + 0.5)
                .map((element) => `${Math.round(element.getBoundingClientRect().right)} px: ${
                  element.tagName.toLowerCase()}.${element.getAttribute('class') || ''}`).slice(0, 8);
            }"""
        )
        return wide

    def check(self) -> None:
        """Note what the browser blocked on the open page, and fail if anything has gone wrong since the start."""
        self.faults += self.page.evaluate("() => window.violations || []")
        assert not self.faults, f"{self.page.url}: {self.faults}"


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the Chromium that is installed. Nothing is ever downloaded."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install '.[test]'")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def open_window(
    browser: Browser,
    url: str,
    *,
    width: int = 1280,
    height: int = 800,
    scheme: Literal["light", "dark"] = "light",
    has_scripts: bool = True,
) -> Iterator[Window]:
    """Open an empty window, and fail at the end if anything has gone wrong in it."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=has_scripts
    )
    context.set_default_timeout(60_000)  # the first picture loads the encoder
    page = context.new_page()
    window = Window(page, url)

    def let_through(route: Route) -> None:
        if route.request.url.startswith((f"{url}/", "data:", "blob:")):
            route.continue_()
        else:
            window.faults.append(f"asked elsewhere: {route.request.url}")
            route.abort()

    def dialog_opened(dialog: Any) -> None:
        window.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def console_message(message: Any) -> None:
        is_error_page = message.text.startswith("Failed to load resource") and message.location.get("url") == page.url
        if message.type in _BAD and not is_error_page:
            window.faults.append(f"{message.type}: {message.text}")

    def response_came(response: Any) -> None:
        if response.status >= 500:
            window.faults.append(f"{response.status} {response.url}")

    context.route("**/*", let_through)
    if has_scripts:
        context.add_init_script(_NOTE_VIOLATIONS)
    page.on("dialog", dialog_opened)
    page.on("pageerror", lambda error: window.faults.append(f"error: {error}"))
    page.on("console", console_message)
    page.on("response", response_came)
    yield window
    if has_scripts:
        window.check()
    assert not window.faults
    context.close()
