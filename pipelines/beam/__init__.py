"""All that knows Apache Beam: transforms, engines, and the worker processes of this machine."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
