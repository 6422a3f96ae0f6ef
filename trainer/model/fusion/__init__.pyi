from .fuse import Fusion as Fusion
