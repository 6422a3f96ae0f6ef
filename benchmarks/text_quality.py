"""Text quality on a real dump beside peers: markup left in the text, inline templates shown or lost."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import mwparserfromhell

from benchmarks.repeated_dump import find_slice
from benchmarks.template_uses import COMMENT, FILE, REF, SHOWN, is_shown, places_of, plain, tokens, uses
from pipelines.dump import Page, find_streams, read_pages
from pipelines.wikitext import parse_article, split_article

MIN_SNIPPET_CHARS = 25
WTF_WIKIPEDIA = "wtf_wikipedia@10.4.2"
_WTF_SCRIPT = """\
import { createInterface } from 'node:readline'
import wtf from 'wtf_wikipedia'
for await (const line of createInterface({ input: process.stdin })) {
  const { id, wikitext } = JSON.parse(line)
  console.log(JSON.stringify({ id, text: wtf(wikitext).text() }))
}
"""
"""Reads a page of JSON on each line, and writes its text."""

LEFTOVERS: dict[str, re.Pattern[str]] = {
    "`{{`": re.compile(r"\{\{"),
    "`[[`": re.compile(r"\[\["),
    "`<ref`": re.compile(r"<ref", re.IGNORECASE),
    "`thumb\\|`": re.compile(r"\bthumb\s*\|"),
    "`''`": re.compile(r"''"),
    "category lines": re.compile(r"^\W*Category:", re.MULTILINE | re.IGNORECASE),
    "table bars (lines)": re.compile(r"^\s*(?:\{\||\|[-}]?|!)", re.MULTILINE),
    "`()`": re.compile(r"\(\s*[,;]?\s*\)"),
    "blank before a comma": re.compile(r"[^\S\n],(?=\s)(?! \(comma\))"),
    "`$` without its number (inflation)": re.compile(r"(?:\(|of )[$£€]\s"),
}


def snippets(contents: Iterator[str], elsewhere: str) -> list[str]:
    """Return the longest stretch without markup of each text, if it is long enough and does not occur elsewhere."""
    found = []
    elsewhere = " ".join(elsewhere.split())
    for content in contents:
        stretch = max(re.split(r"[\[\]{}<>|=\n']|https?:\S*", content), key=len, default="").strip()
        if len(stretch) >= MIN_SNIPPET_CHARS and stretch not in elsewhere:
            found.append(stretch)
    return found


def ours(page: Page) -> str:
    return "\n".join(paragraph.text for paragraph in split_article(parse_article(page)).paragraphs)


def cleaners() -> dict[str, tuple[str, Callable[[Page], str]]]:
    """Return the tools that clean one page: name -> its package and its function."""
    import gensim.corpora.wikicorpus as wikicorpus
    import wikitextparser

    return {
        "ours": ("mie-context", ours),
        "mwparserfromhell strip_code": ("mwparserfromhell", lambda p: mwparserfromhell.parse(p.wikitext).strip_code()),
        "wikitextparser plain_text": ("wikitextparser", lambda p: wikitextparser.parse(p.wikitext).plain_text()),
        "gensim filter_wiki": ("gensim", lambda p: wikicorpus.filter_wiki(p.wikitext)),
    }


def run_wikiextractor(dump: Path) -> dict[int, str]:
    """Run wikiextractor's command on the whole file, without template definitions, and return the texts by page id."""
    command = [sys.executable, "-m", "wikiextractor.WikiExtractor", "--json", "--no-templates", "--processes", "1"]
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([*command, "-o", "-", str(dump)], cwd=folder, capture_output=True, text=True, check=True)
    rows = (json.loads(line) for line in run.stdout.splitlines() if line.startswith("{"))
    return {int(row["id"]): row["text"] for row in rows}


def run_wtf_wikipedia(pages: list[Page]) -> tuple[str, dict[int, str]] | None:
    """Run wtf_wikipedia of npm on the pages, in a temporary folder: its version, and the texts by page id.

    None, with a word on stderr, where there is no node, or npm cannot install it.
    """
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        print("without wtf_wikipedia: node and npm are not installed", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        install = [npm, "install", "--prefix", folder, "--no-audit", "--no-fund", "--ignore-scripts", WTF_WIKIPEDIA]
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            problem = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            print(f"without wtf_wikipedia: npm cannot install it ({problem})", file=sys.stderr)
            return None
        about = json.loads(Path(folder, "node_modules", "wtf_wikipedia", "package.json").read_text(encoding="utf-8"))
        script = Path(folder, "clean.mjs")
        script.write_text(_WTF_SCRIPT, encoding="utf-8")
        lines = "".join(json.dumps({"id": page.page_id, "wikitext": page.wikitext}) + "\n" for page in pages)
        run = subprocess.run([node, str(script)], cwd=folder, input=lines, capture_output=True, text=True, check=True)
    rows = (json.loads(line) for line in run.stdout.splitlines())
    return str(about["version"]), {int(row["id"]): row["text"] for row in rows}


@dataclass
class ToolCounts:
    """The markup that one tool left in the text, and the inline templates that it showed, by kind."""

    leftovers: dict[str, int]
    uses: dict[str, int]
    shown: dict[str, int]
    seconds: float = 0.0


def measure(pages: list[Page], text_of: Callable[[Page], str]) -> ToolCounts:
    counts = ToolCounts(dict.fromkeys([*LEFTOVERS, "reference text", "picture captions"], 0), {}, {})
    for page in pages:
        start = time.perf_counter()
        text = text_of(page)
        counts.seconds += time.perf_counter() - start
        for name, pattern in LEFTOVERS.items():
            counts.leftovers[name] += len(pattern.findall(text))
        source = COMMENT.sub("", page.wikitext)
        body = FILE.sub("", REF.sub("", source))
        body += plain(body)
        refs = snippets((match[1] for match in REF.finditer(source)), body)
        captions = snippets((match[1].rpartition("|")[2] for match in FILE.finditer(REF.sub("", source))), body)
        counts.leftovers["reference text"] += sum(snippet in text for snippet in refs)
        counts.leftovers["picture captions"] += sum(snippet in text for snippet in captions)
        words = tokens(text)
        places = places_of(words)
        for use in uses(page.wikitext):
            counts.uses[use.kind] = counts.uses.get(use.kind, 0) + 1
            counts.shown[use.kind] = counts.shown.get(use.kind, 0) + is_shown(use, words, places)
    return counts


def read_articles(dump: Path) -> list[Page]:
    """Read the pages of a dump that are articles."""
    items = (item for stream in find_streams(dump) for item in read_pages(stream))
    return [item for item in items if isinstance(item, Page) and item.redirect is None and item.namespace == 0]


def table(header: list[str], rows: list[list[str]]) -> None:
    print("| " + " | ".join(header) + " |")
    print("|---|" + "---:|" * (len(header) - 1))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lost", metavar="KIND", help="print the templates of one kind that our text does not show")
    parser.add_argument("--dump", type=Path, help="a dump, .xml or .bz2 (default: the slice that gensim carries)")
    args = parser.parse_args()
    dump = args.dump or find_slice()
    pages = read_articles(dump)
    if args.lost:
        show_lost(pages, args.lost)
        return
    by_tool = {}
    for name, (package, text_of) in cleaners().items():
        by_tool[f"{name} {metadata.version(package)}"] = measure(pages, text_of)
    extracted = run_wikiextractor(dump)
    by_tool[f"wikiextractor {metadata.version('wikiextractor')}"] = measure(
        pages, lambda p: extracted.get(p.page_id, "")
    )
    wtf = run_wtf_wikipedia(pages)
    if wtf is not None:
        version, texts = wtf
        by_tool[f"wtf_wikipedia {version}"] = measure(pages, lambda p: texts.get(p.page_id, ""))
    report(len(pages), by_tool)


def report(pages: int, by_tool: dict[str, ToolCounts]) -> None:
    print(f"{pages} articles; occurrences left in the text (0 is right)\n")
    names = list(by_tool)
    total = by_tool[names[0]].uses
    left = [[kind, *(str(by_tool[name].leftovers[kind]) for name in names)] for kind in by_tool[names[0]].leftovers]
    table(["left in the text", *names], left)
    print("Inline templates of the prose whose words stand at their place in the text\n")
    kinds = [kind for kind in SHOWN if total.get(kind)]
    shares = [
        [f"{kind} ({total[kind]})", *(f"{100 * by_tool[name].shown[kind] / total[kind]:.0f} %" for name in names)]
        for kind in kinds
    ]
    table(["template (uses)", *names], shares)


def show_lost(pages: list[Page], kind: str) -> None:
    for page in pages:
        words = tokens(ours(page))
        places = places_of(words)
        for use in uses(page.wikitext):
            if use.kind == kind and not is_shown(use, words, places):
                print(page.title, "|", " ".join(use.before), "¦", " ".join(use.words))


if __name__ == "__main__":
    main()
