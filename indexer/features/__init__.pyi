from .caption_words import WordSettings as WordSettings
from .caption_words import make_words as make_words
from .cli import add_feature_commands as add_feature_commands
from .score_table import import_scores as import_scores
