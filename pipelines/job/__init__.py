"""One build: the plan of its shards, its stages in order, its manifest and its summary."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
