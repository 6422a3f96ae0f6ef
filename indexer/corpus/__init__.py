"""Contexts that a data set gives itself: the topics of its text, and the words of a lexicon in it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
