"""Documents by id: sentences, paragraphs and article images, from the Parquet tables of an index folder."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
