"""What lies between the network and the pages: the server, its limits, worker threads, and errors as responses."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
