"""All rules of this room by name."""

from __future__ import annotations

from pipelines.templates.measures.convert import RULES as CONVERT_RULES
from pipelines.templates.measures.money import RULES as MONEY_RULES
from pipelines.templates.measures.numbers import RULES as NUMBER_RULES
from pipelines.templates.measures.substances import RULES as SUBSTANCE_RULES

__all__ = ["MEASURE_PARTS"]

MEASURE_PARTS = (CONVERT_RULES, MONEY_RULES, NUMBER_RULES, SUBSTANCE_RULES)
