from .crf import likeliest_path as likeliest_path
from .heads import make_head as make_head
