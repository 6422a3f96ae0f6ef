"""The one table of the formats: which kinds there are, and how one is made for the labels of a model."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pydantic import TypeAdapter

from trainer.model.formats.text_format import Format
from trainer.model.formats.words import FormatLabels

__all__ = ["FORMATS", "make_format"]

_SETTINGS = "trainer.model.formats.settings"
FORMATS: dict[str, tuple[str, str]] = {
    "index": ("trainer.model.formats.index:IndexFormat", f"{_SETTINGS}:IndexSettings"),
    "phrase": ("trainer.model.formats.phrase:PhraseFormat", f"{_SETTINGS}:PhraseSettings"),
    "umie": ("trainer.model.formats.umie:UmieFormat", f"{_SETTINGS}:UmieSettings"),
    "sel": ("trainer.model.formats.umie:SelFormat", f"{_SETTINGS}:SelSettings"),
    "jmere": ("trainer.model.formats.jmere:JmereFormat", f"{_SETTINGS}:JmereSettings"),
    "boxes": ("trainer.model.formats.boxes:BoxesFormat", f"{_SETTINGS}:BoxesSettings"),
    "reamo": ("trainer.model.formats.reamo:ReamoFormat", f"{_SETTINGS}:ReamoSettings"),
    "choices": ("trainer.model.formats.choices:ChoicesFormat", f"{_SETTINGS}:ChoicesSettings"),
}
"""Name of a format -> its class and that of its settings, each as "module:Class"."""


def make_format(kind: str, labels: FormatLabels, **settings: Any) -> Format:
    """Return a format for labels; settings that it does not have are an error.

    Raises:
        KeyError: there is no such format.
        ValueError: a setting is wrong.

    >>> type(make_format("umie", FormatLabels(("PER",)), content="entities")).__name__
    'UmieFormat'
    """
    part, block = (_load(place) for place in FORMATS[kind])
    format_: Format = part(labels, TypeAdapter(block).validate_python(settings))
    return format_


def _load(place: str) -> Any:
    file, _, name = place.partition(":")
    return getattr(import_module(file), name)
