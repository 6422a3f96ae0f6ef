from .parts import NAME_PARTS as NAME_PARTS
from .parts import name_rule as name_rule
