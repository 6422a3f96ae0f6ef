"""All rules of this room by name."""

from __future__ import annotations

from pipelines.templates.measures.money import RULES as MONEY_RULES
from pipelines.templates.measures.numbers import RULES as NUMBER_RULES
from pipelines.templates.measures.sizes import RULES as SIZE_RULES
from pipelines.templates.measures.substances import RULES as SUBSTANCE_RULES

__all__ = ["MEASURE_PARTS"]

MEASURE_PARTS = (MONEY_RULES, NUMBER_RULES, SIZE_RULES, SUBSTANCE_RULES)
