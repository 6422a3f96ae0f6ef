"""How text is split into tokens where a data set has none; each token keeps its place in the text."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Token", "tokenize"]

_TOKEN = re.compile(
    r"""https?://\S+              # an address
      | [@#]\w+                   # a mention, a hashtag
      | \w+(?:['’.\-&]\w+)*       # a word, with the signs inside it
      | [^\w\s]                   # any other sign by itself
    """,
    re.VERBOSE,
)
"""The first alternative that matches wins: addresses stand first, else their dots and slashes would be tokens."""


class Token(NamedTuple):
    """A token and its place in the text: text[start:end], in Unicode code points."""

    text: str
    start: int
    end: int


def tokenize(text: str) -> list[Token]:
    """Split text into words and signs; addresses, mentions and hashtags stay whole.

    >>> [token.text for token in tokenize("RT @NASA: Apollo-11's crew (1969) https://t.co/x")]
    ['RT', '@NASA', ':', "Apollo-11's", 'crew', '(', '1969', ')', 'https://t.co/x']
    """
    return [Token(match.group(), match.start(), match.end()) for match in _TOKEN.finditer(text)]
