from .commons import open_commons as open_commons
