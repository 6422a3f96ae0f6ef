"""What web addresses in posts do to retrieval: how often their words decide, and how many entities the contexts name.

Two caches of one data set are compared: one made with `mie-index retrieve --keep-addresses`, one without.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from schemas.context_cache import read_context_rows
from schemas.dataset import read_dataset, read_samples
from schemas.records import Context, Sample

OF_THE_WEB = frozenset({"HTTP", "World Wide Web", "Tim Berners-Lee"})
"""Articles that "http" and "www" find."""


def entities(sample: Sample) -> list[str]:
    """Return the gold entities of a sample in lower case, without the sign before a hashtag or the name of a user."""
    found: list[list[str]] = []
    before = "O"
    for token, tag in zip(sample.tokens, sample.tags or (), strict=True):
        if tag.startswith("B-") or (tag != "O" and before == "O"):
            found.append([token])
        elif tag != "O":
            found[-1].append(token)
        before = tag
    return [" ".join(words).lower().lstrip("#@") for words in found]


def contexts_by_sample(cache: Path) -> dict[str, list[Context]]:
    """Return the contexts of the text view, by sample and rank."""
    found: dict[str, list[Context]] = {}
    for row in read_context_rows(cache):
        if row.source == "text":
            found.setdefault(row.sample_id, []).append(row)
    return {sample_id: sorted(rows, key=lambda row: row.rank) for sample_id, rows in found.items()}


def measure(samples: list[Sample], cache: Path) -> dict[str, int]:
    """Count samples with contexts about the web, and entities that the contexts name."""
    found, counts = contexts_by_sample(cache), Counter[str]()
    for sample in samples:
        rows = found.get(sample.sample_id, [])
        counts["samples with a context"] += bool(rows)
        counts["  an article of the web comes first"] += bool(rows) and rows[0].title in OF_THE_WEB
        counts["  an article of the web is among them"] += any(row.title in OF_THE_WEB for row in rows)
        for entity in entities(sample):
            counts["gold entities"] += 1
            counts["  a context is the article of that title"] += any(entity == row.title.lower() for row in rows)
            counts["  a context names it"] += any(entity in f"{row.title} {row.text}".lower() for row in rows)
    return counts


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--samples", type=Path, required=True, help="made by: mie-train data convert")
    options.add_argument("--all-tokens", type=Path, required=True, help="cache made with --keep-addresses")
    options.add_argument("--without-addresses", type=Path, required=True, help="cache made without")
    given = options.parse_args()
    samples = [row for split in read_dataset(given.samples).splits for row in read_samples(given.samples, split)]
    every, words = (measure(samples, cache) for cache in (given.all_tokens, given.without_addresses))
    print(f"{len(samples):,} samples\n\n| | all tokens | without addresses |\n|---|---:|---:|")
    for name in words:
        print(f"| {name.strip()} | {every[name]:,} | {words[name]:,} |")


if __name__ == "__main__":
    main()
