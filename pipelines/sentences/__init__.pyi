from .boundaries import marked_names as marked_names
from .splitter import MAX_SENTENCE_CHARS as MAX_SENTENCE_CHARS
from .splitter import CharRange as CharRange
from .splitter import is_readable as is_readable
from .splitter import sentence_ranges as sentence_ranges
from .splitter import split_sentences as split_sentences
from .splitter import trimmed as trimmed
