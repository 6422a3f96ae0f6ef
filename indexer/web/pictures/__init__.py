"""Pictures that people search with, and small copies of the index's own; nothing is written to disk."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
