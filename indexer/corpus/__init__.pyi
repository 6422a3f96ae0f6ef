from .cli import add_corpus_commands as add_corpus_commands
from .lexicon import make_lexicon as make_lexicon
from .topics import make_topics as make_topics
