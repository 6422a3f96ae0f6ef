"""Finds the bytes of a picture, or a vector of it, by canonical file name, in folders and container files."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
