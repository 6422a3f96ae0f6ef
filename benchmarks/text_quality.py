"""Text quality on a real Wikipedia slice: markup left in the text, and inline templates shown or lost, beside peers."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import mwparserfromhell
from mwparserfromhell.nodes import Template
from mwparserfromhell.wikicode import Wikicode

from pipelines.dump import Page, find_streams, read_pages
from pipelines.passages import split_article
from pipelines.wikitext import DEFAULT_CUT_SECTIONS, parse_article

SLICE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
WINDOW_TOKENS = 8
MIN_SNIPPET_CHARS = 25
_REF = re.compile(r"<ref\b[^>/]*>(.*?)</ref>", re.IGNORECASE | re.DOTALL)
_REF_ALONE = re.compile(r"<ref\b[^>]*/>", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FILE = re.compile(r"\[\[\s*(?:File|Image)\s*:((?:[^\[\]]|\[\[[^\[\]]*\]\])*)\]\]", re.IGNORECASE)
_TABLE = re.compile(r"^[ :]*\{\|.*?^\s*\|\}", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(={2,6})\s*(.*?)\s*\1\s*$", re.MULTILINE)
_LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]")
_TOKEN = re.compile(r"[^\W_]+(?:[.,][0-9]+)*")

LEFTOVERS: dict[str, re.Pattern[str]] = {
    "`{{`": re.compile(r"\{\{"),
    "`[[`": re.compile(r"\[\["),
    "`<ref`": re.compile(r"<ref", re.IGNORECASE),
    "`thumb\\|`": re.compile(r"\bthumb\s*\|"),
    "`''`": re.compile(r"''"),
    "category lines": re.compile(r"^\W*Category:", re.MULTILINE | re.IGNORECASE),
    "table bars (lines)": re.compile(r"^\s*(?:\{\||\|[-}]?|!)", re.MULTILINE),
    "`()`": re.compile(r"\(\s*[,;]?\s*\)"),
    "blank before a comma": re.compile(r"[^\S\n],(?=\s)"),
    "`$` without its number (inflation)": re.compile(r"(?:\(|of )[$£€]\s"),
}


@dataclass(frozen=True)
class Use:
    """An inline template in prose: the words before it on its line, and the words it should show."""

    kind: str
    before: tuple[str, ...]
    words: tuple[str, ...]


def tokens(text: str) -> tuple[str, ...]:
    """Give the words and numbers of a text, folded: superscripts as digits, no commas in numbers, no stress marks.

    >>> tokens("At 1,200 miles (''sic'')")
    ('at', '1200', 'miles', 'sic')
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return tuple(token.replace(",", "") for token in _TOKEN.findall(re.sub("[ˈˌ]", "", folded)))


def plain(wikitext: str) -> str:
    """Take links, quotes, tags and templates off a short wikitext."""
    while "{{" in wikitext:
        shorter = re.sub(r"\{\{[^{}]*\}\}", " ", wikitext)
        if shorter == wikitext:
            break
        wikitext = shorter
    text = re.sub(r"<[^<>]*>|'{2,}", "", _LINK.sub(r"\1", wikitext))
    return re.sub(r"&[a-z]+;", " ", text)


def prose_of(wikitext: str) -> str:
    """Give the wikitext without comments, references, tables, pictures and the sections that hold no prose."""
    text = _REF_ALONE.sub("", _REF.sub("", _COMMENT.sub("", wikitext)))
    text = _FILE.sub("", _TABLE.sub("", text))
    kept, cut_level, at = [], 7, 0
    for heading in [*_HEADING.finditer(text), None]:
        if cut_level == 7:
            kept.append(text[at : heading.start() if heading else len(text)])
        if heading and len(heading[1]) <= cut_level:
            cut_level = len(heading[1]) if heading[2].casefold() in DEFAULT_CUT_SECTIONS else 7
        at = heading.end() if heading else at
    return "\n".join(kept)


def _argument(template: Template, *names: str | int) -> str:
    for name in names:
        if template.has(name) and str(template.get(name).value).strip():
            return str(template.get(name).value)
    return ""


def _phonemes(template: Template) -> str:
    """Give the sounds of IPAc-en as it shows them; its first arguments can be labels. Source: Template:IPAc-en."""
    sounds = [str(p.value).strip() for p in template.params if not p.showkey]
    while sounds and sounds[0].casefold() in ("us", "uk", "pron", "ipa", "lang"):
        sounds.pop(0)
    return "".join({"_": " ", "I": "ɪ"}.get(sound, sound) for sound in sounds)


SHOWN: dict[str, Callable[[Template], str]] = {
    "convert": lambda t: "" if "output" in _argument(t, "disp") else _argument(t, 1),
    "lang": lambda t: _argument(t, 2),
    "lang-": lambda t: _argument(t, 1),
    "ipa": lambda t: _argument(t, 1),
    "ipac-en": _phonemes,
    "small": lambda t: _argument(t, 1),
    "transl": lambda t: _argument(t, 3, 2),
    "nowrap": lambda t: _argument(t, 1),
    "nihongo": lambda t: _argument(t, 2),
    "chem": lambda t: "".join(str(p.value).strip() for p in t.params if not p.showkey),
    "quote": lambda t: _argument(t, 1, "text", "quote"),
    "as of": lambda t: _argument(t, 1),
    "angbr": lambda t: _argument(t, 1),
    "val": lambda t: _argument(t, 1),
    "frac": lambda t: _argument(t, 1),
}
"""What Wikipedia shows of each kind, as wikitext."""
ALIASES = {"cvt": "convert", "blockquote": "quote", "bquote": "quote", "cquote": "quote", "smaller": "small",
           "transliteration": "transl", "chem2": "chem"}  # fmt: skip
NESTING = {"nowrap", "small", "quote", "nobold", "resize"}


def kind_of(template: Template) -> str:
    name = " ".join(str(template.name).casefold().split())
    name = ALIASES.get(name, name)
    return "lang-" if name.startswith("lang-") else name


def uses(wikitext: str) -> Iterator[Use]:
    """Give the inline templates of an article's prose; those inside boxes and tables are not prose."""
    yield from _uses_in(mwparserfromhell.parse(prose_of(wikitext)))


def _uses_in(code: Wikicode) -> Iterator[Use]:
    line: list[str] = []
    for node in code.nodes:
        if not isinstance(node, Template):
            line = [*line, str(node)]
            continue
        kind = kind_of(node)
        if kind in SHOWN:
            before = tokens(plain("".join(line).rpartition("\n")[2]))[-3:]
            words = tokens(plain(SHOWN[kind](node)))[:4]
            if words:
                yield Use(kind, before, words)
        if kind in NESTING and node.has(1):
            yield from _uses_in(node.get(1).value)
        line = []


def places_of(words: tuple[str, ...]) -> dict[str, list[int]]:
    """Give the places of each word."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(words):
        places.setdefault(word, []).append(place)
    return places


def is_shown(use: Use, text: tuple[str, ...], places: dict[str, list[int]]) -> bool:
    """Say whether the words of a template stand within `WINDOW_TOKENS` after the words that came before it.

    Where nothing stands before it on its line, its words may stand anywhere in the article.
    """
    starts = places.get((use.before or use.words)[0], [])
    for at in starts:
        if text[at : at + len(use.before)] != use.before:
            continue
        after = at + len(use.before)
        last = after + (WINDOW_TOKENS if use.before else 0)
        if any(text[place : place + len(use.words)] == use.words for place in range(after, last + 1)):
            return True
    return False


def snippets(contents: Iterator[str], elsewhere: str) -> list[str]:
    """Give of each text its longest stretch without markup, where it is long enough and stands nowhere else."""
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
    """Give the tools that clean one page: name -> package, function."""
    import gensim.corpora.wikicorpus as wikicorpus
    import wikitextparser

    return {
        "ours": ("mie-context", ours),
        "mwparserfromhell strip_code": ("mwparserfromhell", lambda p: mwparserfromhell.parse(p.wikitext).strip_code()),
        "wikitextparser plain_text": ("wikitextparser", lambda p: wikitextparser.parse(p.wikitext).plain_text()),
        "gensim filter_wiki": ("gensim", lambda p: wikicorpus.filter_wiki(p.wikitext)),
    }


def run_wikiextractor(dump: Path) -> dict[int, str]:
    """Run the command of wikiextractor on the whole file, without template definitions: page id -> text."""
    command = [sys.executable, "-m", "wikiextractor.WikiExtractor", "--json", "--no-templates", "--processes", "1"]
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([*command, "-o", "-", str(dump)], cwd=folder, capture_output=True, text=True, check=True)
    rows = (json.loads(line) for line in run.stdout.splitlines() if line.startswith("{"))
    return {int(row["id"]): row["text"] for row in rows}


@dataclass
class Tally:
    """What one tool left in the text, and the inline templates that it showed, by kind."""

    leftovers: dict[str, int]
    uses: dict[str, int]
    shown: dict[str, int]
    seconds: float = 0.0


def measure(pages: list[Page], text_of: Callable[[Page], str]) -> Tally:
    tally = Tally(dict.fromkeys([*LEFTOVERS, "reference text", "picture captions"], 0), {}, {})
    for page in pages:
        start = time.perf_counter()
        text = text_of(page)
        tally.seconds += time.perf_counter() - start
        for name, pattern in LEFTOVERS.items():
            tally.leftovers[name] += len(pattern.findall(text))
        source = _COMMENT.sub("", page.wikitext)
        body = _FILE.sub("", _REF.sub("", source))
        body += plain(body)
        refs = snippets((match[1] for match in _REF.finditer(source)), body)
        captions = snippets((match[1].rpartition("|")[2] for match in _FILE.finditer(_REF.sub("", source))), body)
        tally.leftovers["reference text"] += sum(snippet in text for snippet in refs)
        tally.leftovers["picture captions"] += sum(snippet in text for snippet in captions)
        words = tokens(text)
        places = places_of(words)
        for use in uses(page.wikitext):
            tally.uses[use.kind] = tally.uses.get(use.kind, 0) + 1
            tally.shown[use.kind] = tally.shown.get(use.kind, 0) + is_shown(use, words, places)
    return tally


def find_slice() -> Path:
    for file in metadata.files("gensim") or []:
        if file.name == SLICE:
            return Path(str(file.locate()))
    raise SystemExit("this gensim carries no Wikipedia slice")


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
    parser.add_argument("--lost", metavar="KIND", help="print the uses of one kind of template that our text lacks")
    args = parser.parse_args()
    dump = find_slice()
    pages = read_articles(dump)
    if args.lost:
        show_lost(pages, args.lost)
        return
    tallies = {}
    for name, (package, text_of) in cleaners().items():
        tallies[f"{name} {metadata.version(package)}"] = measure(pages, text_of)
    extracted = run_wikiextractor(dump)
    tallies[f"wikiextractor {metadata.version('wikiextractor')}"] = measure(
        pages, lambda p: extracted.get(p.page_id, "")
    )
    report(len(pages), tallies)


def report(pages: int, tallies: dict[str, Tally]) -> None:
    print(f"{pages} articles; occurrences left in the text (0 is right)\n")
    names = list(tallies)
    total = tallies[names[0]].uses
    left = [[kind, *(str(tallies[name].leftovers[kind]) for name in names)] for kind in tallies[names[0]].leftovers]
    table(["left in the text", *names], left)
    print("Inline templates of the prose whose words stand in the text where they belong\n")
    kinds = [kind for kind in SHOWN if total.get(kind)]
    shares = [[f"{kind} ({total[kind]})", *(f"{100 * tallies[name].shown[kind] / total[kind]:.0f} %" for name in names)]
              for kind in kinds]  # fmt: skip
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
