"""The image index: unit vectors of pictures in Faiss, built in parts and searched."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
