from .imported import import_captions as import_captions
from .imported import import_columns as import_columns
