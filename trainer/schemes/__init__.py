"""Label schemes: entities and relations written as cells of a word-pair grid or as the ends of spans, and read back."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
