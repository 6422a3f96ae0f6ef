from .text_format import Format as Format
