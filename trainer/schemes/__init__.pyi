from .joint_grid import decode_joint as decode_joint
from .joint_grid import encode_joint as encode_joint
from .record_grids import JointScheme as JointScheme
from .record_grids import RecordScheme as RecordScheme
from .record_grids import W2nerScheme as W2nerScheme
from .span_ends import decode_flat as decode_flat
from .w2ner import decode_w2ner as decode_w2ner
from .w2ner import encode_w2ner as encode_w2ner
