"""What the rules of all templates share: their arguments, the tables of names, numbers and dates in writing."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
