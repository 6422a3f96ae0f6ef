"""All rules of this room: by name, and those of families of names."""

from __future__ import annotations

from pipelines.templates.names.codes import RULES as CODE_RULES
from pipelines.templates.names.coordinates import RULES as COORDINATE_RULES
from pipelines.templates.names.flags import RULES as FLAG_RULES
from pipelines.templates.names.flags import flag_rule
from pipelines.templates.names.laws import RULES as LAW_RULES
from pipelines.templates.names.roads import RULES as ROAD_RULES
from pipelines.templates.names.seasons import RULES as SEASON_RULES
from pipelines.templates.names.ships import RULES as SHIP_RULES
from pipelines.templates.names.ships import ship_rule
from pipelines.templates.words import Rule

__all__ = ["NAME_PARTS", "name_rule"]

NAME_PARTS = (CODE_RULES, COORDINATE_RULES, FLAG_RULES, LAW_RULES, ROAD_RULES, SEASON_RULES, SHIP_RULES)


def name_rule(name: str) -> Rule | None:
    """Find the rule of a template whose name belongs to a family: a ship's prefix, a team, a flag.

    >>> name_rule("hms")({"1": "Victory", "2": "1765"}), name_rule("fbw")({"1": "BRA"}), name_rule("tea")
    ('HMS Victory (1765)', 'Brazil', None)
    """
    return ship_rule(name) or flag_rule(name)
