"""What must hold of every page that is one file: sound HTML, nothing loaded, names for readers of the screen."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})


class ReadPage(HTMLParser):
    """A page read: its elements with their attributes, its text, and what is wrong with its nesting."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self._open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def named(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read_sound_page(text: str) -> ReadPage:
    """Read a page that is one file, and check what holds of all of them."""
    page = ReadPage(text)
    assert text.startswith("<!doctype html>\n<html lang=")
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "iframe", "object", "embed", "link", "base", "form", "audio", "video"}
    for tag, attributes in page.elements:
        assert "style" not in attributes and "src" not in attributes and "srcset" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "xlink:href"):
            if name in attributes:
                wanted = "https://" if tag == "a" else "#"
                assert attributes[name].startswith(wanted), attributes[name]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert len(page.named("h1")) == len(page.named("main")) == len(page.named("title")) - len(page.named("svg")) == 1
    assert len(page.named("caption")) == len(page.named("table"))
    assert all(cell.get("scope") in ("row", "col") for cell in page.named("th"))
    for drawing in page.named("svg"):
        assert drawing["role"] == "img" and set(drawing["aria-labelledby"].split()) <= set(ids)
    return page
