from .contrast import info_nce as info_nce
from .fuse import EncoderShape as EncoderShape
from .fuse import Fused as Fused
from .fuse import Fusion as Fusion
