"""Inline SVG: a drawing made free of styles, of ids that others may have, and of colours of its own.

A page whose policy forbids inline styles shows it, and its style sheet (page.css) gives the colours, light or dark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

__all__ = ["INK", "to_inline"]

INK = {
    **{f"#f0000{number}": str(number) for number in range(1, 7)},
    "#f000e0": "line",
    "#f000e1": "grid",
}
"""Colours that a drawing uses as names, and what they name: the classes fill-1, stroke-1, ink-line, ink-grid."""
_DROPPED = frozenset({"metadata", "style"})
_KEPT = frozenset(
    {
        "stroke-width", "stroke-dasharray", "stroke-dashoffset", "stroke-linejoin", "stroke-linecap", "opacity",
        "fill-opacity", "stroke-opacity", "text-anchor", "font-size", "font-weight",
    }
)  # fmt: skip
_LONG = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"#([\w-]+)")
_FONT_SIZE = re.compile(r"[\d.]+px")


def to_inline(drawing: str, key: str, title: str, words: str, texts: Mapping[str, str] | None = None) -> str:
    """Make a drawing fit to stand in a page.

    Args:
        drawing: an SVG document of our own making, with the colours of INK.
        key: begins every id, so that two drawings of a page do not share any.
        title: its name, for those who do not see it.
        words: its numbers, likewise.
        texts: what to write in place of the text of the group with that id.

    Returns:
        an `svg` element: role img, no style, no script, no colour but by class.
    """
    root = ElementTree.fromstring(drawing)  # noqa: S314  our own drawing, no foreign bytes
    for group in root.iter():
        for text in group if texts and group.get("id") in texts else ():
            text.text = texts[str(group.get("id"))] if texts else ""
    named = {found for element in root.iter() for found in _references(element)}
    _clean(root, key, named)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{key}-title {key}-words"}
    for place, (name, content) in enumerate((("title", title), ("desc", words))):
        element = ElementTree.Element(name, {"id": f"{key}-{'title' if name == 'title' else 'words'}"})
        element.text = content
        root.insert(place, element)
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element, key: str, named: set[str]) -> None:
    """Take namespaces, styles and needless ids from an element and from all in it."""
    element.tag = _local(element.tag)
    attributes = {_local(name): value for name, value in element.attrib.items()}
    style = attributes.pop("style", "")
    identity = attributes.pop("id", None)
    if identity in named:
        attributes["id"] = f"{key}-{identity}"
    for name, value in attributes.items():
        value = _LONG.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value)
        is_reference = name == "href" or value.startswith("url(")
        attributes[name] = _REFERENCE.sub(rf"#{key}-\1", value) if is_reference else value
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    _put_style(attributes, style)
    element.attrib = attributes
    element.text, element.tail = (element.text or "").strip(), ""
    for child in list(element):
        if _local(child.tag) in _DROPPED:
            element.remove(child)
        else:
            _clean(child, key, named)


def _put_style(attributes: dict[str, str], style: str) -> None:
    """Put a style into attributes, and its colours into classes; what fills words is the page's matter."""
    classes = []
    for name, value in _declarations(style):
        if value in INK and (name == "stroke" or INK[value].isdigit()):
            classes.append(f"{name}-{INK[value]}" if INK[value].isdigit() else f"ink-{INK[value]}")
        elif name == "font" and (size := _FONT_SIZE.search(value)):
            attributes["font-size"] = size[0]
        elif name in _KEPT or (name in ("fill", "stroke") and value == "none"):
            attributes[name] = value
    if classes:
        attributes["class"] = " ".join(dict.fromkeys(classes))


def _references(element: ElementTree.Element) -> Iterator[str]:
    for name, value in element.attrib.items():
        if _local(name) == "href" or "url(" in value:
            yield from _REFERENCE.findall(value)


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    """Part a style.

    >>> list(_declarations("fill: none; stroke-width: 2"))
    [('fill', 'none'), ('stroke-width', '2')]
    """
    for part in style.split(";"):
        name, _, value = part.partition(":")
        if value:
            yield name.strip(), value.strip()


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]
