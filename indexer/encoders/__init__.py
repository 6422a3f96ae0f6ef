"""Encoders: pictures and words to unit vectors, and the decoder of pictures before them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
