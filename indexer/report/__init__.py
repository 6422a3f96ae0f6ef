"""What is in an index, for people and programs: reports, checks, documents, and the answers to queries."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
