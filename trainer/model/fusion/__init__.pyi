from .fuse import EncoderShape as EncoderShape
from .fuse import Fused as Fused
from .fuse import Fusion as Fusion
