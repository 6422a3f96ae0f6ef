"""What the user gave beside an index: runs, contexts and samples. No web framework here."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
