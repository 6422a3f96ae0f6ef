"""Reads wikitext into nodes in their order: text, templates with raw arguments, links and files, tags, tables."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
