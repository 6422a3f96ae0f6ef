"""From the published files of a data set to our samples: readers, conversion, checks and counts."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
