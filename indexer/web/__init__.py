"""The inspector: pages and a JSON API over an index, data sets, context caches and runs, on this machine."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
