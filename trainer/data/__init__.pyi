from .check import check_dataset as check_dataset
from .convert import convert_files as convert_files
from .jsonl import read_jsonl as read_jsonl
from .overlap import find_overlaps as find_overlaps
from .stats import count_split as count_split
from .stats import stats_to_markdown as stats_to_markdown
from .tokens import tokenize as tokenize
