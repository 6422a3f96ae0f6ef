from .commons import make_commons_source as make_commons_source
