from .crf import likeliest_path as likeliest_path
from .head import Head as Head
from .head import Reading as Reading
from .head import View as View
from .settings import AutoHeadSettings as AutoHeadSettings
from .settings import RelationSettings as RelationSettings
from .settings import TaggingSettings as TaggingSettings
