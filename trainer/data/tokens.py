"""How text becomes tokens, with their place in it, where a data set brings none."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Token", "tokenize"]

_TOKEN = re.compile(
    r"""https?://\S+              # an address
      | [@#]\w+                   # a mention, a hashtag
      | \w+(?:['’.\-&]\w+)*       # a word, with what joins its parts
      | [^\w\s]                   # any other sign by itself
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """A token and its place: text[start:end], in code points."""

    text: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """Part text into words and signs; addresses, mentions and hashtags stay whole.

    >>> [token.text for token in tokenize("RT @NASA: Apollo-11's crew (1969) https://t.co/x")]
    ['RT', '@NASA', ':', "Apollo-11's", 'crew', '(', '1969', ')', 'https://t.co/x']
    """
    return [Token(found.group(), found.start(), found.end()) for found in _TOKEN.finditer(text)]
