"""Sentence splitters on hand-checked text of Wikipedia: precision, recall, wrong and missed cuts, and speed."""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Iterable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

GOLD = Path(__file__).resolve().parents[1] / "tests" / "data" / "sentences.txt"
CUTS = GOLD.with_name("sentence_cuts.jsonl")
MIN_TIMED_BYTES = 2_000_000
Splitter = Callable[[str], Iterable[str]]


def read_gold(path: Path) -> list[list[str]]:
    """Read paragraphs, each a list of sentences."""
    blocks = path.read_text("utf-8").split("\n\n")
    paragraphs = [[line for line in block.splitlines() if line and not line.startswith("#")] for block in blocks]
    return [paragraph for paragraph in paragraphs if paragraph]


class JudgedPlace(NamedTuple):
    """A place in a text of a real dump, and whether a sentence ends there; a person read it and judged.

    Args:
        drawn: "cut" from the cuts of the splitter before its rules, "no cut" from the marks at which it did not cut,
            "changed" where its rules changed it (all such places).
        text: the sentences beside the place.
        at: characters before it.
        is_boundary: whether a sentence ends there.
    """

    drawn: str
    text: str
    at: int
    is_boundary: bool


def read_places(path: Path) -> list[JudgedPlace]:
    """Read the judged places; the first line says where they come from."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()[1:]]
    return [
        JudgedPlace(row["drawn"], row["left"] + row["right"], len(row["left"].rstrip()), row["is_boundary"])
        for row in rows
    ]


def judge(split: Splitter, places: Iterable[JudgedPlace]) -> dict[str, tuple[int, int]]:
    """Count the wrong cuts and the missed cuts of a splitter, by how the places were drawn."""
    counts: dict[str, tuple[int, int]] = {}
    for place in places:
        solid = len(re.sub(r"\s", "", place.text[: place.at]))
        is_cut = solid in boundaries(sentence for sentence in split(place.text) if sentence.strip())
        wrong, missed = counts.get(place.drawn, (0, 0))
        is_wrong, is_missed = is_cut and not place.is_boundary, place.is_boundary and not is_cut
        counts[place.drawn] = (wrong + is_wrong, missed + is_missed)
    return counts


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
    """Return each candidate that is installed: name -> its package and its function from a text to sentences."""
    import sentencex

    from pipelines.sentences import split_sentences

    found: dict[str, tuple[str, Splitter]] = {
        "**split_sentences (ours)**": ("mie-context", split_sentences),
        "sentencex": ("sentencex", lambda text: sentencex.segment("en", text)),
    }
    if find_spec("blingfire"):
        import blingfire

        found["blingfire"] = ("blingfire", lambda text: blingfire.text_to_sentences(text).split("\n"))
    if find_spec("nupunkt"):
        import nupunkt

        found["nupunkt"] = ("nupunkt", nupunkt.sent_tokenize)
        found["nupunkt, adaptive"] = ("nupunkt", nupunkt.sent_tokenize_adaptive)
    if find_spec("pysbd"):
        import pysbd

        found["pysbd"] = ("pysbd", pysbd.Segmenter(language="en", clean=False).segment)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show-errors", metavar="NAME", help="print the boundaries that one splitter gets wrong")
    args = parser.parse_args()
    gold, places = read_gold(GOLD), read_places(CUTS)
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
    print_places(places)


def print_places(places: list[JudgedPlace]) -> None:
    """Print the wrong and missed cuts of each splitter at the judged places of real dumps."""
    groups = list(dict.fromkeys(place.drawn for place in places))
    for drawn in groups:
        ends = [place.is_boundary for place in places if place.drawn == drawn]
        print(f"\ndrawn: {drawn}; {len(ends)} places, {sum(ends)} of them boundaries", end="")
    print("\n\n| splitter | " + " | ".join(f"{drawn}: wrong | {drawn}: missed" for drawn in groups) + " |")
    print("|---|" + "---:|---:|" * len(groups))
    for name, (_, split) in splitters().items():
        counts = judge(split, places)
        print(f"| {name} | " + " | ".join(f"{counts[drawn][0]} | {counts[drawn][1]}" for drawn in groups) + " |")


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
