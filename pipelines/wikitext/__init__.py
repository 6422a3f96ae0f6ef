"""Reads the wikitext of a page as an article, and cuts an article into passages."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
