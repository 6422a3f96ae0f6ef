"""Unknown templates in a sentence: how often the first argument is right, all rules hidden, judged by reading."""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.repeated_dump import find_slice
from benchmarks.template_uses import COMMENT, REF, plain
from benchmarks.text_quality import read_articles
from pipelines.dump import Page
from pipelines.templates import render
from pipelines.wikitext import parse_article, word_of_template

JUDGED = Path(__file__).resolve().parents[1] / "tests" / "data" / "unknown_templates.tsv"
VERDICTS = ("right", "part", "wrong")
HIDDEN = "zz"
"""Stands before the name of each template, with a number: no rule knows such a name, and each use has its own."""
SAMPLE, PER_NAME, SEED = 100, 3, 1

_TEMPLATE = re.compile(r"\{\{\s*(?=[^#{}|\n:<>]{1,80}(?:\||\}\}|\n))")
_EXAMPLE = re.compile(rf"^(.*?)\{{\{{{HIDDEN} \d+ (.*?)\}}\}}(.*)$", re.DOTALL)
_BAR = re.compile(r"\|(?![^\[\]]*\]\])")
"""A bar that is not inside a link."""


class Use(NamedTuple):
    """A template of the prose that was taken for unknown: what it shows, '' if nothing; and what its rule shows.

    rule: "text", "nothing", or "none" where we have no rule either.
    """

    title: str
    name: str
    before: str
    shown: str
    after: str
    rule: str

    @property
    def key(self) -> tuple[str, ...]:
        """What a judged row is found by."""
        return self.title, self.name, self.before[-20:], self.shown


def hide_rules(wikitext: str) -> str:
    """Replace the name of each template in a text by a numbered name that no rule knows.

    >>> hide_rules("A {{convert|1|mi}} or {{ lang|fr|{{small|x}}}}")
    'A {{zz 0 convert|1|mi}} or {{zz 1 lang|fr|{{zz 2 small|x}}}}'
    """
    pieces = _TEMPLATE.split(wikitext)
    return pieces[0] + "".join(f"{{{{{HIDDEN} {number} {piece}" for number, piece in enumerate(pieces[1:]))


def uses(page: Page) -> Iterator[Use]:
    """Yield the templates of a page's prose, all taken for unknown; in an article of over 1,000 not all."""
    article = parse_article(page._replace(wikitext=hide_rules(REF.sub("", COMMENT.sub("", page.wikitext)))))
    for name, example in article.examples.items():
        match = _EXAMPLE.match(example.removeprefix(f"{page.title}: "))
        if match is None or not name.startswith(HIDDEN):
            continue
        before, written, after = match.groups()
        real, *parts = _BAR.split(written)
        real = " ".join(real.lower().replace("_", " ").split())
        args = {str(place): part.strip() for place, part in enumerate(parts, 1) if "=" not in part}
        rendered = render(real, args)
        shown = word_of_template(f"{HIDDEN} {real}", args) if name in article.shown_by_argument else ""
        rule = "none" if rendered is None else "text" if rendered else "nothing"
        yield Use(page.title, real, before, plain(shown).replace("\t", " ").strip(), after, rule)


def read_judged() -> dict[tuple[str, ...], tuple[str, str]]:
    """Return the verdict and the shown words of each judged use, by its key."""
    found = {}
    for line in JUDGED.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            title, name, before, shown, _, verdict = line.split("\t")
            if verdict not in VERDICTS:
                raise SystemExit(f"{JUDGED}: {verdict!r} is none of {', '.join(VERDICTS)}")
            found[title, name, before[-20:], shown] = verdict, shown
    return found


def print_sample(found: Iterable[Use]) -> None:
    """Print uses that show an argument, at most PER_NAME of a name, as rows that wait for a verdict."""
    draw, keys = random.Random(SEED), set[tuple[str, ...]]()
    by_name: dict[str, list[Use]] = {}
    for use in found:
        if use.shown and use.key not in keys:
            keys.add(use.key)
            by_name.setdefault(use.name, []).append(use)
    picked = [use for name in sorted(by_name) for use in draw.sample(by_name[name], min(PER_NAME, len(by_name[name])))]
    for use in sorted(draw.sample(picked, min(SAMPLE, len(picked))), key=lambda use: (use.name, use.title)):
        print("\t".join((use.title, use.name, use.before, use.shown, use.after, "?")))


def report(found: list[Use]) -> None:
    """Print how many uses show an argument, and how many of the judged ones are right."""
    print("| templates of the prose, all taken for unknown | uses | show an argument | stay out |")
    print("|---|---:|---:|---:|")
    for rule, label in (("text", "our rules show text"), ("nothing", "our rules show nothing"), ("none", "no rule")):
        those = [use for use in found if use.rule == rule]
        shown = sum(bool(use.shown) for use in those)
        print(f"| {label} | {len(those)} | {shown} | {len(those) - shown} |")
    judged, again = read_judged(), {use.key for use in found if use.shown}
    seen = {key: value for key, value in judged.items() if key in again}
    numbers, words = Counter[str](), Counter[str]()
    for verdict, shown_words in seen.values():
        numbers[verdict] += 1
        words["wrong" if verdict == "wrong" else "right"] += len(shown_words.split())
    print(f"\n{len(judged)} uses judged by reading, of which {len(seen)} are shown now:")
    for verdict, meaning in zip(VERDICTS, ("what Wikipedia shows", "a part of it", "not what it shows"), strict=True):
        print(f"  {numbers[verdict]} {verdict}: {meaning}")
    print(f"words gained: {words['right']} right, {words['wrong']} wrong")


def main() -> None:
    """Read the dumps, and print the counts or a sample."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dump", type=Path, action="append", help="a dump; repeatable (default: the slice of gensim)")
    parser.add_argument("--sample", action="store_true", help="print a sample to be judged, as rows of the data file")
    args = parser.parse_args()
    found = [use for dump in args.dump or [find_slice()] for page in read_articles(dump) for use in uses(page)]
    if args.sample:
        print_sample(found)
    else:
        report(found)


if __name__ == "__main__":
    main()
