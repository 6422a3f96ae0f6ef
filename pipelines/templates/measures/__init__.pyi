from .parts import MEASURE_PARTS as MEASURE_PARTS
from .sizes import size_rule as size_rule
