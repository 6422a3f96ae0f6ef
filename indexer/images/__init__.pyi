from .build import build_dense as build_dense
from .build import merge_dense as merge_dense
from .parts import build_dense_part as build_dense_part
from .plan import plan_dense as plan_dense
from .searcher import INDEX_NAME as INDEX_NAME
from .searcher import DenseSearcher as DenseSearcher
