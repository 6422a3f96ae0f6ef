from .bm25 import Bm25Searcher as Bm25Searcher
from .build import build_bm25 as build_bm25
from .build import merge_bm25 as merge_bm25
from .jvm import java_class as java_class
from .jvm import start_jvm as start_jvm
from .presets import PRESETS as PRESETS
from .presets import Preset as Preset
