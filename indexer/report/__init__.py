"""What is in an index, told and checked; and its answers, as people and programs read them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
