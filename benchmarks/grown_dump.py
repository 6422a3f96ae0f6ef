"""A large dump of real articles, repeated under new titles and ids, whose vocabulary grows as that of real text does.

Real text follows Heaps' law: n words have about K n^b different ones. The exponent b is fitted to the real articles,
in the order of the dump. In every copy, as many of the rare words of their prose as the law asks for are renamed,
drawn anew: "osprey" reads "ospreyqb" in one copy and "ospreyqc" in another. All that a parser reads as markup keeps its
words: names in templates, links, tags and tables are never renamed, nor is any word that stands in one of them.

    python -m benchmarks.grown_dump --megabytes 50 --output big.xml.bz2 [--newer newer.xml.bz2]
"""

from __future__ import annotations

import argparse
import bz2
import json
import math
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.repeated_dump import FOOTER, PAGES_PER_STREAM, find_slice, read_export, renamed
from benchmarks.update import changed

_WORD = re.compile(rb"[A-Za-z]{4,}")
_ANY_WORD = re.compile(rb"[A-Za-z0-9]+")
_TEXT = re.compile(rb"<text[^>]*>(.*?)</text>", re.DOTALL)
_MARKUP = re.compile(
    rb"\{\{[^{}]*\}\}|\[\[[^\]|]*|\[https?:\S*|https?:\S*|&lt;[^&]*&gt;|&[a-z]+;|^[ \t]*[|!{=#].*$|__[A-Z]+__",
    re.MULTILINE,
)
_RAREST = 5
"""A word that occurs at most so often among the real articles can be renamed."""
CHANGED_EVERY = 100
"""In the newer dump, every hundredth page has changed: 1 %."""


@dataclass(frozen=True)
class Growth:
    """How the vocabulary grows.

    Args:
        exponent: b of Heaps' law, fitted to the real articles.
        words: of one copy, repetitions counted.
        different: words of one copy.
        expected: different words of all copies by the law.
        made: those that the copies have: of the first copy, and the renamed ones.
    """

    exponent: float
    words: int
    different: int
    expected: int
    made: int


@dataclass(frozen=True)
class Vocabulary:
    """The words of the real articles: those that can be renamed, rarest first, and how their number grows."""

    rare: tuple[bytes, ...]
    exponent: float
    words: int
    different: int

    def new_words(self, copies: int) -> list[int]:
        """Return how many words each copy renames: as many as the law lacks, or all that can be; later ones catch up.

        >>> Vocabulary((b"osprey", b"quartz"), 0.5, 100, 5).new_words(4)
        [0, 2, 2, 1]
        """
        found, made = [0], self.different
        for copy in range(1, copies):
            lacking = round(self.different * (copy + 1) ** self.exponent) - made
            found.append(max(0, min(len(self.rare), lacking)))
            made += found[-1]
        return found

    def expected(self, copies: int) -> int:
        """Return the different words of some copies by the law."""
        return round(self.different * copies**self.exponent)


def read_vocabulary(pages: Sequence[bytes]) -> Vocabulary:
    """Count the words of pages, and fit Heaps' law to their growth by least squares over logarithms."""
    counts: Counter[bytes] = Counter()
    in_markup: set[bytes] = set()
    points, total = [], 0
    for page in pages:
        text = b" ".join(_TEXT.findall(page))
        words = _ANY_WORD.findall(text.lower())
        counts.update(words)
        total += len(words)
        if words:
            points.append((math.log(total), math.log(len(counts))))
        outside = _TEXT.sub(b"", page)
        for part in (outside, *_MARKUP.findall(_unnested(text))):
            in_markup.update(_WORD.findall(part.lower()))
    late = points[len(points) // 4 :]  # the first pages say little
    mean_x, mean_y = (sum(column) / len(late) for column in zip(*late, strict=True))
    slope = sum((x - mean_x) * (y - mean_y) for x, y in late) / sum((x - mean_x) ** 2 for x, _ in late)
    rare = [word for word, count in counts.items() if count <= _RAREST and _WORD.fullmatch(word)]
    return Vocabulary(tuple(sorted(set(rare) - in_markup)), slope, total, len(counts))


def _unnested(text: bytes) -> bytes:
    """Return wikitext whose inner templates have lost their braces, so that the outermost are found with all in them.

    >>> _unnested(b"{{a|{{b}}}} c")
    b'{{a| b }} c'
    """
    for _ in range(6):
        inner = re.sub(rb"\{\{([^{}]*)\}\}(?=[^{}]*\}\})", rb" \1 ", text)
        if inner == text:
            break
        text = inner
    return text


class Template:
    """A page, cut at the words that can be renamed."""

    def __init__(self, page: bytes, rare: frozenset[bytes]) -> None:
        self.pieces: list[bytes] = []
        self.words: list[tuple[int, bytes]] = []
        at = 0
        for found in _WORD.finditer(page):
            if found[0].lower() in rare:
                self.pieces += [page[at : found.start()], found[0]]
                self.words.append((len(self.pieces) - 1, found[0].lower()))
                at = found.end()
        self.pieces.append(page[at:])

    def copy(self, number: int, words: frozenset[bytes], step: int) -> bytes:
        """Return the page of a copy."""
        pieces, ending = self.pieces, _ending(number)
        if words:
            pieces = list(pieces)
            for place, word in self.words:
                if word in words:
                    pieces[place] += ending
        return renamed(b"".join(pieces), number, step)


def _ending(number: int) -> bytes:
    """Return letters that no other copy has, behind a "q", after which English hardly goes on in this way.

    >>> _ending(1), _ending(26)
    (b'qb', b'qba')
    """
    letters = ""
    while True:
        letters = chr(97 + number % 26) + letters
        number //= 26
        if not number:
            return b"q" + letters.encode()


def grown(pages: Sequence[bytes], vocabulary: Vocabulary, copies: int) -> Iterator[bytes]:
    """Return the pages of all copies, ids ascending."""
    rare = frozenset(vocabulary.rare)
    templates = [Template(page, rare) for page in pages]
    step = 1 + max(int(number) for page in pages for number in re.findall(rb"<id>([0-9]+)</id>", page)[:1])
    for number, count in enumerate(vocabulary.new_words(copies)):
        words = frozenset(random.Random(number).sample(vocabulary.rare, count))
        for template in templates:
            yield template.copy(number, words, step)


def write_grown(output: Path, megabytes: float, dump: Path, *, is_newer: bool = False) -> tuple[int, int, Growth]:
    """Write a multistream dump; return its size as XML in bytes, its pages, and the growth of its vocabulary.

    Args:
        output: the file to write.
        megabytes: of XML, rounded up to whole copies.
        dump: of the real articles.
        is_newer: every hundredth page has another revision and one more sentence.
    """
    head, pages = read_export(dump)
    vocabulary = read_vocabulary(pages)
    copies = max(1, math.ceil(megabytes * 1e6 / sum(map(len, pages))))
    size, count, waiting = len(head) + len(FOOTER), 0, []
    with output.open("wb") as file:
        file.write(bz2.compress(head))
        for page in grown(pages, vocabulary, copies):
            waiting.append(changed(page) if is_newer and count % CHANGED_EVERY == 0 else page)
            size += len(waiting[-1])
            count += 1
            if len(waiting) == PAGES_PER_STREAM:
                file.write(bz2.compress(b"".join(waiting)))
                waiting = []
        file.write(bz2.compress(b"".join(waiting)) if waiting else b"")
        file.write(bz2.compress(FOOTER))
    made = vocabulary.different + sum(vocabulary.new_words(copies))
    growth = Growth(
        round(vocabulary.exponent, 3), vocabulary.words, vocabulary.different, vocabulary.expected(copies), made
    )
    return size, count, growth


def write_both(folder: Path, megabytes: float, dump: Path) -> dict[str, object]:
    """Write the dump and the newer one side by side; return what they are."""
    names = ("earlier.xml.bz2", "newer.xml.bz2")
    with ProcessPoolExecutor(2) as pool:
        jobs = [pool.submit(write_grown, folder / name, megabytes, dump, is_newer=name == names[1]) for name in names]
        (size, pages, growth), _ = (job.result() for job in jobs)
    packed = (folder / names[0]).stat().st_size
    return {"xml_bytes": size, "packed_bytes": packed, "pages": pages, "growth": asdict(growth)}


def main() -> int:
    """Write one dump, and print what it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=50.0, help="of XML")
    parser.add_argument("--dump", type=Path, help="a .xml.bz2 file; default: the slice that gensim carries")
    parser.add_argument("--output", type=Path, required=True, help="file to write, .xml.bz2")
    parser.add_argument("--newer", action="store_true", help="with one page in a hundred changed")
    given = parser.parse_args()
    size, pages, growth = write_grown(given.output, given.megabytes, given.dump or find_slice(), is_newer=given.newer)
    print(json.dumps({"xml_bytes": size, "pages": pages, "growth": asdict(growth)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
