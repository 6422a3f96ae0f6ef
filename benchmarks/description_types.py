"""How often an article's short description alone names the type of a Twitter-2015 entity whose title is found.

    python -m benchmarks.description_types [--dump DUMP ...] [--shared FOLDER] [--wrong]

An entity counts once for each time a tweet names it; its words are compared with the titles of the dumps, and redirects
are followed. A description names the type of its last known word before a preposition ("Capital and largest city of
France": LOC), by the table of words in benchmarks/data.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from benchmarks.repeated_dump import find_slice
from pipelines.dump import Page, find_streams, read_pages
from pipelines.templates.words import read_table
from pipelines.wikitext import parse_article
from schemas.dataset import read_samples
from schemas.entities import find_entities
from schemas.text_files import find_split_files
from schemas.titles import canonical_title
from trainer.data import convert_files

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
TYPE_WORDS = read_table(Path(__file__).with_name("data") / "type_words.tsv", 2, str)
_BEFORE_PREPOSITION = re.compile(r"^(.*?)(?:\s(?:of|in|from|by|for|on|at|to|with|that|who|which|and its)\b|[,;(]|$)")
_WORD = re.compile(r"[a-z]+")


def type_of(description: str) -> str | None:
    """Return the type that a description names; None if no word of it is known.

    >>> type_of("American rapper and actor"), type_of("Capital of France"), type_of("U.S. state"), type_of("Thing")
    ('PER', 'LOC', 'LOC', None)
    """
    match = _BEFORE_PREPOSITION.match(description.lower())
    known = [TYPE_WORDS[word] for word in _WORD.findall(match[1] if match else "") if word in TYPE_WORDS]
    everywhere = [TYPE_WORDS[word] for word in _WORD.findall(description.lower()) if word in TYPE_WORDS]
    return known[-1] if known else everywhere[0] if everywhere else None


def read_titles(dumps: Iterable[Path]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the descriptions of articles by title, and the targets of redirects by title."""
    descriptions: dict[str, str] = {}
    redirects: dict[str, str] = {}
    for dump in dumps:
        for page in (item for stream in find_streams(dump) for item in read_pages(stream) if isinstance(item, Page)):
            if page.redirect is not None:
                redirects[page.title] = canonical_title(page.redirect)
            elif page.namespace == 0:
                descriptions[page.title] = parse_article(page).description or descriptions.get(page.title, "")
    return descriptions, redirects


def read_mentions(shared: Path, work: Path) -> list[tuple[str, str]]:
    """Return each mention of an entity in Twitter-2015, all splits: (its words as a title, its type)."""
    convert_files(find_split_files(shared / "twitter2015"), work, name="twitter2015")
    samples = [sample for split in ("train", "dev", "test") for sample in read_samples(work, split)]
    return [
        (canonical_title(" ".join(sample.tokens[entity.start : entity.end])), entity.type)
        for sample in samples
        for entity in find_entities(sample.tags or ())
    ]


def report(mentions: list[tuple[str, str]], descriptions: dict[str, str], redirects: dict[str, str]) -> list[str]:
    """Print the table, and return the mentions whose description names another type or none."""
    counts: Counter[tuple[str, str]] = Counter()
    wrong = []
    for title, kind in mentions:
        title = redirects.get(title, title)
        counts["mentions", kind] += 1
        counts["title found", kind] += title in descriptions
        description = descriptions.get(title, "")
        if description:
            named = type_of(description)
            counts["described", kind] += 1
            counts["type named", kind] += named == kind
            counts["another type", kind] += named not in (None, kind)
            if named != kind:
                wrong.append(f"{title}\t{kind}\t{description}\t{named}")
    columns = ("mentions", "title found", "described", "type named", "another type")
    print(f"{len(descriptions)} articles, {sum(map(bool, descriptions.values()))} with a description\n")
    print("| type | " + " | ".join(columns) + " |\n|---|" + "---:|" * len(columns))
    for kind in (*sorted({kind for _, kind in mentions}), "all"):
        numbers = [
            sum(number for (name, of_kind), number in counts.items() if name == column and kind in ("all", of_kind))
            for column in columns
        ]
        print(f"| {kind} | " + " | ".join(map(str, numbers)) + " |")
    return wrong


def main() -> None:
    """Read the dumps and the tweets, and print the table."""
    import tempfile

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dump", type=Path, action="append", help="a dump; repeatable (default: the three at hand)")
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--wrong", action="store_true", help="print the mentions whose type is not named")
    args = parser.parse_args()
    at_hand = [args.shared / "dumps" / name for name in ("zulko_tiny.xml.bz2", "wikibrain_en.xml")]
    descriptions, redirects = read_titles(args.dump or [find_slice(), *at_hand])
    with tempfile.TemporaryDirectory() as work:
        mentions = read_mentions(args.shared, Path(work) / "samples")
    wrong = report(mentions, descriptions, redirects)
    if args.wrong:
        print("\n".join(sorted(set(wrong))))


if __name__ == "__main__":
    main()
