from .args import superscript as superscript
from .languages import LANGUAGE_NAMES as LANGUAGE_NAMES
from .rules import render as render
from .unknown_values import HOLE as HOLE
from .unknown_values import mend_holes as mend_holes
