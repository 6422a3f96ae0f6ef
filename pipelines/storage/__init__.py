"""Where a build lies, on this machine or at a URL: its work, its output, its files."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
