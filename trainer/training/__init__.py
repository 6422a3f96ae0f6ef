"""One training run: its loop, its folder, and the exact state from which it goes on."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
