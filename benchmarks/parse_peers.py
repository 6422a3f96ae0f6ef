"""Ways to clean a dump that are measured side by side: this package and its peers, each as its users run it."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.dump import Page, ReadLimits, find_streams, read_pages
from pipelines.sandbox import GuardedFunction
from pipelines.stages import parse_page, parse_shard
from pipelines.storage import WorkFolder
from pipelines.wikitext import CleaningRules, parse_article, split_article

__all__ = ["PEERS", "Peer", "articles"]

_MAGIC_WORD = re.compile("__[A-Z]*__")
_MEDIA = re.compile("^(?:File|Image|Media):", re.IGNORECASE)
_CATEGORY = re.compile("^(?:Category):", re.IGNORECASE)


@dataclass(frozen=True)
class Peer:
    """A way to clean a dump.

    Args:
        package: whose version is printed.
        module: is imported before the time starts.
        output: in words.
        run: reads the file once.
    """

    package: str
    module: str
    output: str
    run: Callable[[Path], object]


def articles(dump: Path) -> Iterator[Page]:
    """Read the articles of a dump without redirects: the reader of all peers that have none of their own."""
    for stream in find_streams(dump):
        for item in read_pages(stream):
            if isinstance(item, Page) and item.redirect is None and item.namespace == 0:
                yield item


def run_ours(dump: Path) -> int:
    """Make sentences, paragraphs with links, and images, and return how many."""
    rows = 0
    for page in articles(dump):
        passages = split_article(parse_article(page))
        rows += len(passages.sentences) + len(passages.paragraphs) + len(passages.images)
    return rows


def run_whole_stage(dump: Path) -> object:
    """Run the parse stage as the job does: it starts a guarded process for the cleaning, and writes Parquet files."""
    parse = partial(parse_page, rules=CleaningRules())
    with tempfile.TemporaryDirectory() as folder, GuardedFunction(parse, "parser") as guard:
        return parse_shard(0, find_streams(dump), WorkFolder(Path(folder)), guard, ReadLimits())


def run_reader(dump: Path) -> int:
    return sum(len(page.wikitext) for page in articles(dump))


def run_mwparserfromhell(dump: Path) -> int:
    import mwparserfromhell

    return sum(len(mwparserfromhell.parse(page.wikitext).strip_code()) for page in articles(dump))


def run_data_set_cleaning(dump: Path) -> int:
    return sum(len(data_set_text(page.wikitext)) for page in articles(dump))


def data_set_text(wikitext: str) -> str:
    """Clean an article as the Wikipedia data sets of HF datasets and TFDS do: a tree, pruned and stripped by section.

    Written after the published function: files, references and tables are removed from every section, categories lose
    their prefix, magic words are removed.
    """
    import mwparserfromhell

    texts = []
    for section in mwparserfromhell.parse(wikitext).get_sections(flat=True, include_lead=True, include_headings=True):
        for link in section.ifilter_wikilinks(matches=lambda link: bool(_MEDIA.match(str(link.title)))):
            _remove(section, link)
        for link in section.ifilter_wikilinks(matches=lambda link: bool(_CATEGORY.match(str(link.title)))):
            link.text = _CATEGORY.sub("", str(link.__strip__()))
        for tag in section.ifilter_tags(matches=lambda tag: str(tag.tag) in {"ref", "table"}):
            _remove(section, tag)
        texts.append(_MAGIC_WORD.sub("", section.strip_code().strip()))
    return "\n\n".join(texts)


def _remove(section: Any, node: Any) -> None:
    try:
        section.remove(node)
    except ValueError:
        return  # it was removed together with the node around it


def run_wikitextparser(dump: Path) -> int:
    import wikitextparser

    return sum(len(wikitextparser.parse(page.wikitext).plain_text()) for page in articles(dump))


def run_gensim(dump: Path) -> int:
    from gensim.corpora.wikicorpus import filter_wiki

    return sum(len(filter_wiki(page.wikitext)) for page in articles(dump))


def run_wikiextractor(dump: Path) -> int:
    """Run the whole command: it starts an interpreter, reads with one worker, and writes files."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "wikiextractor.WikiExtractor", "--no-templates", "--processes", "1"]
        found = subprocess.run([*command, "--output", folder, str(dump)], capture_output=True, text=True, check=False)
        texts = [file.stat().st_size for file in Path(folder).rglob("wiki_*")]
        if found.returncode or not sum(texts):
            raise RuntimeError(f"exit code {found.returncode}: {found.stderr.strip().splitlines()[-1:]}")
        return sum(texts)


PEERS = {
    "this package": Peer("mie-context", "pipelines", "sentences, paragraphs with links, images", run_ours),
    "its whole stage": Peer("mie-context", "pipelines", "the same as Parquet, from a guarded process", run_whole_stage),
    "its reader alone": Peer("mie-context", "pipelines", "wikitext", run_reader),
    "wikiextractor --no-templates": Peer("wikiextractor", "wikiextractor", "text files", run_wikiextractor),
    "gensim filter_wiki": Peer("gensim", "gensim.corpora.wikicorpus", "text", run_gensim),
    "wikitextparser plain_text": Peer("wikitextparser", "wikitextparser", "text", run_wikitextparser),
    "mwparserfromhell strip_code": Peer("mwparserfromhell", "mwparserfromhell", "text", run_mwparserfromhell),
    "HF datasets, TFDS cleaning": Peer("mwparserfromhell", "mwparserfromhell", "text", run_data_set_cleaning),
}
