"""A function that may hang, crash or eat memory, in a child process that can be killed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
