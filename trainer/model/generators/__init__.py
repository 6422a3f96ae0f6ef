"""Models that write answers, symbol by symbol, and what is made of the answers that they think likely."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
