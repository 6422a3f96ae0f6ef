from .contrast import cosines as cosines
from .contrast import info_nce as info_nce
from .cross import Attention as Attention
from .cross import CrossBlock as CrossBlock
from .fuse import EncoderShape as EncoderShape
from .fuse import Fused as Fused
from .fuse import Fusion as Fusion
from .settings import FusionSettings as FusionSettings
