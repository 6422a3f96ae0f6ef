from .args import superscript as superscript
from .disambiguation import is_disambiguation as is_disambiguation
from .languages import LANGUAGE_NAMES as LANGUAGE_NAMES
from .rules import render as render
from .tables import read_table as read_table
from .unknown_values import UNKNOWN_VALUE as UNKNOWN_VALUE
from .unknown_values import remove_unknown_values as remove_unknown_values
