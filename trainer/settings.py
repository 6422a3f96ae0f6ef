"""Frozen settings out of nested mappings: types are checked, and an unknown key is told with the nearest known one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from schemas.errors import UsageError

__all__ = ["build_settings", "nearest"]

T = TypeVar("T")


def build_settings(kind: type[T], values: Mapping[str, Any], path: str, remedy: str, base: T | None = None) -> T:
    """Build a frozen dataclass whose fields are values or such dataclasses (sections).

    Args:
        kind: the dataclass.
        values: by name; sections are mappings.
        path: where the values come from, for errors.
        remedy: for unknown keys.
        base: gives what is not named; None: the defaults do.

    Raises:
        UsageError: an unknown key, or a value of another type, with its key.
    """
    return _build(kind, values, path, remedy, "", list(_keys(kind)), base)


def nearest(word: str, known: Sequence[str]) -> str:
    """Return the words that point to the nearest known name, or "".

    >>> nearest("training.epoch", ["training.epochs", "data.samples"])
    ", did you mean 'training.epochs'?"
    >>> nearest("seed", ["training.seed"]), nearest("xyz", ["training.seed"])
    (", did you mean 'training.seed'?", '')
    """
    near = difflib.get_close_matches(word, known, n=1)
    if not near:
        tail = word.rpartition(".")[2]
        near = [key for key in known if key.rpartition(".")[2] == tail] or [
            key for key in known if difflib.get_close_matches(tail, [key.rpartition(".")[2]])
        ]
    return f", did you mean {near[0]!r}?" if near else ""


def _build(
    kind: type[T],
    values: Mapping[str, Any],
    path: str,
    remedy: str,
    place: str,
    known: Sequence[str],
    base: T | None,
) -> T:
    hints = get_type_hints(kind)
    built: dict[str, Any] = {}
    for key, value in values.items():
        where = f"{place}.{key}" if place else key
        if key not in hints:
            raise UsageError(f"unknown key {where!r}{nearest(where, known)}", path=path, remedy=remedy)
        if is_dataclass(hints[key]):
            if not isinstance(value, Mapping):
                raise UsageError(f"{where} is a section, not a value", path=path, remedy=remedy)
            inner = getattr(base, key) if base is not None else None
            built[key] = _build(hints[key], value, path, remedy, where, known, inner)
        else:
            built[key] = _typed(value, hints[key], where, path)
    return replace(base, **built) if base is not None else kind(**built)  # type: ignore[type-var]


def _typed(value: Any, wanted: Any, where: str, path: str) -> Any:
    if get_origin(wanted) is tuple:
        item = get_args(wanted)[0]
        rows = value if isinstance(value, list) else [value]
        return tuple(_typed(row, item, where, path) for row in rows)
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise UsageError(f"{where} must be {_TYPES[wanted]}, not {value!r}", path=path, remedy=f"set {where}=VALUE")
    return value


def _keys(kind: type[Any], place: str = "") -> Iterator[str]:
    for name, hint in get_type_hints(kind).items():
        yield place + name
        if is_dataclass(hint):
            yield from _keys(hint, f"{place}{name}.")  # type: ignore[arg-type]


_TYPES = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
