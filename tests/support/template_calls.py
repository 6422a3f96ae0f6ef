"""Calls of templates as they stand in an article."""

from __future__ import annotations

from pipelines.templates import render

__all__ = ["shown"]


def shown(call: str) -> str | None:
    """Render a call as it stands in an article: 'convert|330|mi|abbr=on'."""
    name, *parts = call.split("|")
    args: dict[str, str] = {}
    place = 0
    for part in parts:
        key, equals, value = part.partition("=")
        if equals and key:
            args[key.strip()] = value.strip()
        else:
            place += 1
            args[str(place)] = part.strip()
    return render(name, args)
