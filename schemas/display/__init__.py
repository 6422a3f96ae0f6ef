"""What people see: pages, figures, progress, and how a command ends. The only part that may draw."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
