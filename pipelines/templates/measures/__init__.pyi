from .parts import MEASURE_PARTS as MEASURE_PARTS
