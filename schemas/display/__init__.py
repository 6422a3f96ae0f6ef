"""What people see: report pages, figures, progress lines and error messages. The only room that may draw."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
