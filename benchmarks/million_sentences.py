"""Writes tables of a million sentences for other benchmarks: halves of real sentences of Wikipedia, joined at random.

The real sentences are those of an index (--index; the demo's has 106 articles) and, if their package is installed, of
10,033 introductions of vital articles. The first half of one sentence and the second half of another keep length, words
and their frequencies. Four sentences make a paragraph, twenty a page; a paragraph has nine links.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.vital_dump import find_summaries
from pipelines.sentences import split_sentences
from pipelines.storage import ROW_GROUP_ROWS, open_writer
from schemas.manifest import Manifest, Shard
from schemas.tables import PARAGRAPHS, SENTENCES

SHARDS = 8
OF_PARAGRAPH, OF_PAGE, LINKS = 4, 20, 9


def read_real(index: Path) -> list[tuple[str, str]]:
    """Return (title, sentence) of the index and of the vital introductions."""
    table = pq.read_table(index / "sentences", columns=["title", "text"])
    rows = list(zip(table["title"].to_pylist(), table["text"].to_pylist(), strict=True))
    try:
        summaries = json.loads(find_summaries().read_text(encoding="utf-8"))
    except SystemExit as missing:
        print(f"{missing}; going on without", file=sys.stderr)
        return rows
    return rows + [(title, text) for title, row in summaries.items() for text in split_sentences(row["extract"])]


def make_texts(real: Sequence[tuple[str, str]], count: int) -> list[str]:
    """Join halves at random; equal arguments give equal texts."""
    halves = [(words[: len(words) // 2], words[len(words) // 2 :]) for words in (text.split() for _, text in real)]
    dice = random.Random(0)
    return [" ".join(dice.choice(halves)[0] + dice.choice(halves)[1]) for _ in range(count)]


def write_tables(folder: Path, real: Sequence[tuple[str, str]], count: int) -> Manifest:
    """Write sentences/ and paragraphs/ of an index folder; return a manifest that names their files."""
    texts, titles = make_texts(real, count), [title for title, _ in real]
    files = []
    per = -(-count // SHARDS // OF_PAGE) * OF_PAGE
    for number in range(SHARDS):
        rows = to_rows(texts[number * per : (number + 1) * per], number * per, titles)
        for table, schema in (("sentences", SENTENCES), ("paragraphs", PARAGRAPHS)):
            path = folder / table / f"part-{number:05d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            with open_writer(path, schema) as writer:
                writer.write_table(pa.Table.from_pylist(rows[table], schema=schema), row_group_size=ROW_GROUP_ROWS)
            files.append(Shard(table, f"{table}/{path.name}", len(rows[table]), path.stat().st_size, ""))
    return Manifest({}, "", (), 0, {}, {}, tuple(files), None, None, {}, "")


def to_rows(texts: Sequence[str], first: int, titles: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return texts as rows of sentences and paragraphs; `first` is the number of the first text."""
    sentences, paragraphs = [], []
    for start in range(0, len(texts), OF_PARAGRAPH):
        page, place = divmod(first + start, OF_PAGE)
        four = texts[start : start + OF_PARAGRAPH]
        of = {"paragraph_id": f"{page}#{place // OF_PARAGRAPH}", "page_id": page, "title": titles[page % len(titles)]}
        sentences += [of | {"sentence_id": f"{of['paragraph_id']}#{n}", "text": text} for n, text in enumerate(four)]
        text, dice = " ".join(four), random.Random(page)
        starts = sorted(dice.randrange(max(1, len(text) - 6)) for _ in range(LINKS))
        links = [{"start": at, "end": at + 6, "target": dice.choice(titles)} for at in starts]
        paragraphs.append(of | {"section": "", "text": text, "links": links})
    return {"sentences": sentences, "paragraphs": paragraphs}


def read_tweets(path: Path, count: int) -> list[str]:
    """Return tweets at random out of a CoNLL file, tokens joined by blanks."""
    tweets: list[str] = []
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        tokens = [line.split("\t")[0] for line in block.splitlines() if line and not line.startswith("IMGID:")]
        if tokens:
            tweets.append(" ".join(tokens))
    return random.Random(1).sample(tweets, min(count, len(tweets)))


def main() -> int:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", type=Path, default=Path("demo/index"), help="made by: make demo")
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    manifest = write_tables(arguments.output, read_real(arguments.index), arguments.sentences)
    print(f"{sum(file.rows or 0 for file in manifest.shards):,} rows in {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
