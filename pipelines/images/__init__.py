"""A canonical file name to the bytes of its picture, or to the reason why there are none."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
