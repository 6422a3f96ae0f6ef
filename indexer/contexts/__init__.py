"""The context cache of a data set: retrieved from an index, or imported from the files of others."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
