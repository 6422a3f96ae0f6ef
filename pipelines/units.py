"""Template:Convert: the measure that the article gives, and the same in other units."""

from __future__ import annotations

from pipelines.template_args import Rule

RULES: dict[str, Rule] = {}
