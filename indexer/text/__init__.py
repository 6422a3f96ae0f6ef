"""The text index: BM25 over sentences in Lucene, and the Java virtual machine that it needs."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
