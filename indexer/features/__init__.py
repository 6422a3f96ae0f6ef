"""Visual features of a data set: views of its pictures as vectors, or arrays that others made, in a feature store."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
