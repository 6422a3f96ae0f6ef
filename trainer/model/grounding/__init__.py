"""Grounding: which region of the picture shows a mention; the head, its scores and targets, and fusions over boxes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
