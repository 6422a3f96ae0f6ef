"""Sentence splitters on hand-checked sentences of Wikipedia: precision, recall and F1 of boundaries, and speed."""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

GOLD = Path(__file__).resolve().parents[1] / "tests" / "data" / "sentences.txt"
MIN_TIMED_BYTES = 2_000_000
Splitter = Callable[[str], Iterable[str]]


def read_gold(path: Path) -> list[list[str]]:
    """Read paragraphs, each a list of sentences."""
    blocks = path.read_text("utf-8").split("\n\n")
    paragraphs = [[line for line in block.splitlines() if line and not line.startswith("#")] for block in blocks]
    return [paragraph for paragraph in paragraphs if paragraph]


def boundaries(sentences: Iterable[str]) -> set[int]:
    """Return the boundaries inside a paragraph as numbers of characters before them, blanks not counted.

    >>> boundaries(["A b.", " C."])
    {3}
    """
    ends, count = [], 0
    for sentence in sentences:
        count += len(re.sub(r"\s", "", sentence))
        ends.append(count)
    return set(ends[:-1])


def score(split: Splitter, gold: list[list[str]]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of the boundaries inside paragraphs; their ends are found by any splitter."""
    right = predicted = actual = 0
    for paragraph in gold:
        found = boundaries(sentence for sentence in split(" ".join(paragraph)) if sentence.strip())
        marked = boundaries(paragraph)
        right, predicted, actual = right + len(found & marked), predicted + len(found), actual + len(marked)
    return right / max(predicted, 1), right / actual, 2 * right / (predicted + actual)


def speed(split: Splitter, gold: list[list[str]]) -> float:
    """Return megabytes (UTF-8) a second on one core, paragraph by paragraph, after a warm-up."""
    texts = [" ".join(paragraph) for paragraph in gold]
    size = sum(len(text.encode()) for text in texts)
    for text in texts[:20]:
        list(split(text))
    done, start = 0, time.perf_counter()
    while done < MIN_TIMED_BYTES and time.perf_counter() - start < 10:
        for text in texts:
            list(split(text))
        done += size
    return done / 1e6 / (time.perf_counter() - start)


def splitters() -> dict[str, tuple[str, Splitter]]:
    """Return each candidate: name -> its package and its function from a text to sentences."""
    import blingfire
    import nupunkt
    import pysbd
    import sentencex

    from pipelines.wikitext import split_sentences

    segmenter = pysbd.Segmenter(language="en", clean=False)
    return {
        "sentencex": ("sentencex", lambda text: sentencex.segment("en", text)),
        "blingfire": ("blingfire", lambda text: blingfire.text_to_sentences(text).split("\n")),
        "nupunkt": ("nupunkt", nupunkt.sent_tokenize),
        "nupunkt, adaptive": ("nupunkt", nupunkt.sent_tokenize_adaptive),
        "pysbd": ("pysbd", segmenter.segment),
        "**split_sentences (ours)**": ("mie-context", split_sentences),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show-errors", metavar="NAME", help="print the boundaries that one splitter gets wrong")
    args = parser.parse_args()
    gold = read_gold(GOLD)
    if args.show_errors:
        show_errors(splitters()[args.show_errors][1], gold)
        return
    inside = sum(len(paragraph) - 1 for paragraph in gold)
    print(f"{sum(map(len, gold))} sentences, {len(gold)} paragraphs, {inside} boundaries inside paragraphs\n")
    print("| splitter | version | precision | recall | F1 | MB/s |")
    print("|---|---|---:|---:|---:|---:|")
    for name, (package, split) in splitters().items():
        precision, recall, f1 = score(split, gold)
        row = f"{precision:.3f} | {recall:.3f} | {f1:.3f} | {speed(split, gold):.1f}"
        print(f"| {name} | {metadata.version(package)} | {row} |")


def show_errors(split: Splitter, gold: list[list[str]]) -> None:
    for paragraph in gold:
        text = " ".join(paragraph)
        places = [place for place, character in enumerate(text) if not character.isspace()]
        found, marked = boundaries(s for s in split(text) if s.strip()), boundaries(paragraph)
        for kind, wrong in (("false", found - marked), ("missed", marked - found)):
            for count in sorted(wrong):
                place = places[count - 1] + 1
                print(f"{kind:7}{text[max(0, place - 40) : place]} ¦ {text[place : place + 30]}")


if __name__ == "__main__":
    main()
