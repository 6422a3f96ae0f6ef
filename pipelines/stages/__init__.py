"""The steps that a worker takes with one shard: parse, finish, embed, index. No Beam here."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
