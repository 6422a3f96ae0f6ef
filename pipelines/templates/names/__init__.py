"""Renders templates that stand for a name: countries, teams, seasons, roads, laws, ships, places on the map."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
