from .article import CleaningRules as CleaningRules
from .article import parse_article as parse_article
from .facts import read_facts as read_facts
from .passages import split_article as split_article
from .sections import DEFAULT_CUT_SECTIONS as DEFAULT_CUT_SECTIONS
from .unknown_templates import word_of_template as word_of_template
from .wiki_words import WikiWords as WikiWords
