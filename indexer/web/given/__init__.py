"""What the user gave beside an index: data set, context caches and runs, read from their files. No web framework."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
