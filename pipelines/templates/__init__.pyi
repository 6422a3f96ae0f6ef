from .disambiguation import is_disambiguation as is_disambiguation
from .rules import render as render
