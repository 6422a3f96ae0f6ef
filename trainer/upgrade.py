"""Settings as versions before wrote them, turned into those of today: users keep their presets, and runs load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["upgrade_settings"]

_OF_HEAD = ("dropout", "constrained_decoding")
_TWO_VIEW = ("two_view", "two_view_weight", "two_view_temperature")


def upgrade_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with what version 0.1 had in `[model]` put into blocks.

    `dropout` and `constrained_decoding` go to `[model.head]`. `two_view = true` becomes an objective. Its weight is the
    one of the divergence: 1 - `two_view_weight`, which was the weight of the likelihoods.

    >>> upgrade_settings({"model": {"dropout": 0.2, "two_view": True, "two_view_weight": 0.75}})["model"]
    {'head': {'dropout': 0.2}, 'objectives': [{'kind': 'two_view_kl', 'weight': 0.25}]}
    """
    model = values.get("model")
    if not isinstance(model, Mapping) or not {*_OF_HEAD, *_TWO_VIEW} & model.keys():
        return dict(values)
    new = {key: value for key, value in model.items() if key not in (*_OF_HEAD, *_TWO_VIEW)}
    head = {key: model[key] for key in _OF_HEAD if key in model}
    if head and isinstance(new.get("head", {}), Mapping):  # something else is refused where the blocks are read
        new["head"] = {**new.get("head", {}), **head}
    two_view = {key.removeprefix("two_view_"): model[key] for key in _TWO_VIEW if key in model}
    if two_view and isinstance(objectives := new.get("objectives", []), list):
        new["objectives"] = _with_two_view(objectives, two_view)
    return {**values, "model": new}


def _with_two_view(objectives: list[Any], two_view: dict[str, Any]) -> list[Any]:
    known = next((row for row in objectives if isinstance(row, Mapping) and row.get("kind") == "two_view_kl"), None)
    others = [row for row in objectives if row is not known]
    if not two_view.pop("two_view", known is not None):
        return others
    weight = two_view.pop("weight", None)
    if isinstance(weight, int | float) and not isinstance(weight, bool):
        two_view["weight"] = 1 - weight
    elif weight is not None:
        two_view["weight"] = weight  # of a wrong type: the settings say so
    return [*others, {"kind": "two_view_kl", **(known or {}), **two_view}]
