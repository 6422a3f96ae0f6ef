"""Search by words and pictures, documents, and the index itself: the questions, their answers, and the pages."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
