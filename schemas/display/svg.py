"""Inline SVG: a drawing of matplotlib without styles, without ids that others may use, and without fixed colours.

A page whose policy forbids inline styles can show it, and the page's style sheet (page.css) gives the colours of the
light and of the dark scheme.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

__all__ = ["COLOUR_NAMES", "to_inline"]

COLOUR_NAMES = {
    **{f"#f0000{number}": str(number) for number in range(1, 7)},
    "#f000e0": "line",
    "#f000e1": "grid",
}
"""Marker colours of a drawing, and their names. The name decides the class: fill-1, stroke-1, ink-line, ink-grid."""
_DROPPED_ELEMENTS = frozenset({"metadata", "style"})
_KEPT_STYLES = frozenset(
    {
        "stroke-width", "stroke-dasharray", "stroke-dashoffset", "stroke-linejoin", "stroke-linecap", "opacity",
        "fill-opacity", "stroke-opacity", "text-anchor", "font-size", "font-weight",
    }
)  # fmt: skip
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"#([\w-]+)")
_FONT_SIZE = re.compile(r"[\d.]+px")


def to_inline(drawing: str, key: str, title: str, description: str, texts: Mapping[str, str]) -> str:
    """Make a drawing fit to stand in a page.

    Args:
        drawing: an SVG document that matplotlib wrote for us, in the colours of COLOUR_NAMES.
        key: the beginning of every id, so that two drawings of a page share none.
        title: the drawing's name, for screen readers.
        description: the drawing's numbers in words, for screen readers.
        texts: replacements for the text of groups, by the group's id.

    Returns:
        An `svg` element with role img, without style or script, and coloured by classes only.
    """
    root = ElementTree.fromstring(drawing)  # noqa: S314  our own drawing, no foreign bytes
    for group in root.iter():
        replacement = texts.get(group.get("id", ""))
        if replacement is not None:
            for text in group:
                text.text = replacement
    referenced = {found for element in root.iter() for found in _references(element)}
    _clean(root, key, referenced)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{key}-title {key}-words"}
    # SVG asks for title and desc as the first children.
    for place, (name, identity, content) in enumerate((("title", "title", title), ("desc", "words", description))):
        element = ElementTree.Element(name, {"id": f"{key}-{identity}"})
        element.text = content
        root.insert(place, element)
    return ElementTree.tostring(root, encoding="unicode")


def _clean(element: ElementTree.Element, key: str, referenced: set[str]) -> None:
    """Remove namespaces, styles and ids that nothing refers to from an element and from all elements in it."""
    element.tag = _local(element.tag)
    attributes = {_local(name): value for name, value in element.attrib.items()}
    style = attributes.pop("style", "")
    identity = attributes.pop("id", None)
    if identity in referenced:
        attributes["id"] = f"{key}-{identity}"
    for name, value in attributes.items():
        # Two decimals are a hundredth of a point, finer than any screen.
        value = _LONG_NUMBER.sub(lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value)
        is_reference = name == "href" or value.startswith("url(")
        attributes[name] = _REFERENCE.sub(rf"#{key}-\1", value) if is_reference else value
    if attributes.get("transform", "").startswith("rotate(-0 "):
        del attributes["transform"]
    _put_style(attributes, style)
    element.attrib = attributes
    element.text, element.tail = (element.text or "").strip(), ""
    for child in list(element):
        if _local(child.tag) in _DROPPED_ELEMENTS:
            element.remove(child)
        else:
            _clean(child, key, referenced)


def _put_style(attributes: dict[str, str], style: str) -> None:
    """Turn a style into attributes, and its colours into classes.

    The fill of texts is left out: the style sheet of the page colours them.
    """
    classes = []
    for name, value in _declarations(style):
        if value in COLOUR_NAMES and (name == "stroke" or COLOUR_NAMES[value].isdigit()):
            colour = COLOUR_NAMES[value]
            classes.append(f"{name}-{colour}" if colour.isdigit() else f"ink-{colour}")
        elif name == "font" and (size := _FONT_SIZE.search(value)):
            attributes["font-size"] = size[0]
        elif name in _KEPT_STYLES or (name in ("fill", "stroke") and value == "none"):
            attributes[name] = value
    if classes:
        attributes["class"] = " ".join(dict.fromkeys(classes))


def _references(element: ElementTree.Element) -> Iterator[str]:
    """Return the ids that the attributes of an element refer to."""
    for name, value in element.attrib.items():
        if _local(name) == "href" or "url(" in value:
            yield from _REFERENCE.findall(value)


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    """Split a style into names and values.

    >>> list(_declarations("fill: none; stroke-width: 2"))
    [('fill', 'none'), ('stroke-width', '2')]
    """
    for declaration in style.split(";"):
        name, _, value = declaration.partition(":")
        if value:
            yield name.strip(), value.strip()


def _local(name: str) -> str:
    """Return a name without its namespace.

    >>> _local("{http://www.w3.org/2000/svg}path")
    'path'
    """
    return name.rsplit("}", 1)[-1]
