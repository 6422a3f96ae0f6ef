"""Renders templates of numbers, money, measures and substances as the words that Wikipedia shows."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
