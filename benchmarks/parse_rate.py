"""Parse rate: MB of XML a second on one core, from compressed bytes to records, beside peers in the same run."""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path

from pipelines.dump import Page, find_streams, read_pages
from pipelines.passages import split_article
from pipelines.wikitext import parse_article

SLICE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Peer:
    """A way to read a dump. run reads the file once; what says in words what it gives."""

    package: str
    module: str
    what: str
    run: Callable[[Path], object]


def articles(dump: Path) -> Iterator[Page]:
    """Read the articles of a dump, no redirects: the same reader for all that bring none."""
    for stream in find_streams(dump):
        for item in read_pages(stream):
            if isinstance(item, Page) and item.redirect is None and item.namespace == 0:
                yield item


def run_ours(dump: Path) -> int:
    """Give sentences, paragraphs with links, and images."""
    rows = 0
    for page in articles(dump):
        passages = split_article(parse_article(page))
        rows += len(passages.sentences) + len(passages.paragraphs) + len(passages.images)
    return rows


def run_reader(dump: Path) -> int:
    return sum(len(page.wikitext) for page in articles(dump))


def run_mwparserfromhell(dump: Path) -> int:
    import mwparserfromhell

    return sum(len(mwparserfromhell.parse(page.wikitext).strip_code()) for page in articles(dump))


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
    "its reader alone": Peer("mie-context", "pipelines", "wikitext", run_reader),
    "mwparserfromhell strip_code": Peer("mwparserfromhell", "mwparserfromhell", "text", run_mwparserfromhell),
    "gensim filter_wiki": Peer("gensim", "gensim.corpora.wikicorpus", "text", run_gensim),
    "wikitextparser plain_text": Peer("wikitextparser", "wikitextparser", "text", run_wikitextparser),
    "wikiextractor --no-templates": Peer("wikiextractor", "wikiextractor", "text files", run_wikiextractor),
}


def measure(peer: Peer, dump: Path, repeats: int) -> float | str:
    """Give the median of seconds of a run, or why there is none."""
    try:
        import_module(peer.module)
    except ImportError as error:
        return f"not installed ({error.name or peer.package})"
    try:
        seconds = []
        for _ in range(repeats):
            started = time.perf_counter()
            peer.run(dump)
            seconds.append(time.perf_counter() - started)
    except Exception as error:
        return f"failed ({type(error).__name__}: {error})"
    return statistics.median(seconds)


def xml_bytes(dump: Path) -> int:
    import bz2

    with bz2.open(dump) as file:
        return sum(len(chunk) for chunk in iter(lambda: file.read(CHUNK_BYTES), b""))


def find_slice() -> Path:
    try:
        files = metadata.files("gensim") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == SLICE:
            return Path(str(file.locate()))
    raise SystemExit("no dump: give one with --dump, or pip install '.[demo]' (gensim carries a slice of Wikipedia)")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dump", type=Path, help="a .xml.bz2 file; default: the slice that gensim carries")
    options.add_argument("--repeats", type=int, default=5, help="runs of which the median counts (default: 5)")
    options.add_argument("--only", nargs="*", choices=list(PEERS), help="leave the others out")
    given = options.parse_args()
    dump = given.dump or find_slice()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    size = xml_bytes(dump)
    print(
        f"{dump.name}: {size / 1e6:.2f} MB of XML; one core, Python {platform.python_version()}, {platform.machine()}"
    )
    print(f"median of {given.repeats} runs each, from the compressed file\n")
    print(f"{'':<30} {'version':<9} {'seconds':>8} {'MB/s':>6} {'of ours':>8}  gives")
    ours: float | None = None
    for name, peer in PEERS.items():
        if given.only and name not in given.only:
            continue
        seconds = measure(peer, dump, given.repeats)
        if isinstance(seconds, str):
            print(f"{name:<30} skipped: {seconds}")
            continue
        ours = ours or seconds
        version = metadata.version(peer.package)
        rate = size / seconds / 1e6
        print(f"{name:<30} {version:<9} {seconds:>8.2f} {rate:>6.2f} {ours / seconds:>8.2f}  {peer.what}", flush=True)


if __name__ == "__main__":
    main()
