"""An update: a newer dump with changed pages, built from the earlier index and in full; the tables must be equal."""

from __future__ import annotations

import argparse
import bz2
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.repeated_dump import FOOTER, PAGES_PER_STREAM, find_slice, read_export, repeated
from schemas.manifest import sha256_file

_REVISION = re.compile(rb"(<revision>\s*<id>)([0-9]+)")
_TEXT_END = re.compile(rb"</text>")
STAGES = ("parse", "finish", "bm25")


def changed(page: bytes) -> bytes:
    """Return a page under another revision, with one more sentence.

    >>> changed(b"<page><revision><id>7</id><text>Tea.</text></revision></page>")
    b'<page><revision><id>97</id><text>Tea. A sentence that is new.</text></revision></page>'
    """
    return _TEXT_END.sub(rb" A sentence that is new.</text>", _REVISION.sub(rb"\g<1>9\2", page, count=1), count=1)


def write_dump(path: Path, head: bytes, pages: Sequence[bytes]) -> None:
    """Write a multistream dump."""
    with open(path, "wb") as file:
        file.write(bz2.compress(head))
        for at in range(0, len(pages), PAGES_PER_STREAM):
            file.write(bz2.compress(b"".join(pages[at : at + PAGES_PER_STREAM])))
        file.write(bz2.compress(FOOTER))


def build(dump: Path, output: Path, *more: str) -> dict[str, Any]:
    """Run the installed command on one worker; return its summary with wall and processor seconds."""
    beam = Path(sys.executable).with_name("beam")
    command = [str(beam), "run", "build_wiki_index", "--dump", str(dump), "--output", str(output), "--json", *more]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    summary = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**json.loads(summary), "wall_s": wall, "processor_s": processor}


def table_hashes(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in sorted(folder.rglob("*.parquet"))}


def row(name: str, built: dict[str, Any], full: dict[str, Any]) -> str:
    """Format a line of the table."""
    taken = built["counters"]["taken_over"]["pages"]
    seconds = [built["seconds"].get(stage, 0.0) for stage in STAGES]
    parts = " ".join(f"{value:>8.1f}" for value in seconds)
    total, ratio = built["processor_s"], full["processor_s"] / built["processor_s"]
    return f"{name:<28} {taken:>8,} {parts} {built['wall_s']:>8.1f} {total:>12.1f} {ratio:>7.2f}"


def main() -> int:
    """Print a row for the full build and one for the update, for each share of pages that changed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dump", type=Path, help="a .xml.bz2 file; default: the slice that gensim carries")
    options.add_argument("--copies", type=int, default=8, help="of the dump, with ids of their own (default: 8)")
    options.add_argument("--percent", type=float, nargs="+", default=[1.0, 10.0], help="pages that change")
    given = options.parse_args()
    head, pages = read_export(given.dump or find_slice())
    pages = list(repeated(pages, given.copies))
    print(f"{sum(map(len, pages)) / 1e6:.1f} MB of XML, {len(pages):,} pages; one worker, {os.cpu_count()} cores")
    print("seconds of the stages, of the whole command, and of its processor time; ratio: full build to this one\n")
    print(f"{'':<28} {'unread':>8} {'parse':>8} {'finish':>8} {'bm25':>8} {'wall':>8} {'processor':>12} {'ratio':>7}")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_dump(folder / "earlier.xml.bz2", head, pages)
        build(folder / "earlier.xml.bz2", folder / "earlier")
        for percent in given.percent:
            every = max(1, round(100 / percent))
            newer = [changed(page) if at % every == 0 else page for at, page in enumerate(pages)]
            dump = folder / f"newer{percent:g}.xml.bz2"
            write_dump(dump, head, newer)
            full = build(dump, folder / f"full{percent:g}")
            update = build(dump, folder / f"update{percent:g}", "--update-from", str(folder / "earlier"))
            if table_hashes(folder / f"full{percent:g}") != table_hashes(folder / f"update{percent:g}"):
                raise SystemExit("the update differs from the full build")
            print(row(f"{percent:g} % changed: full build", full, full), flush=True)
            print(row(f"{percent:g} % changed: update", update, full), flush=True)
    print("\nEvery Parquet file of each update is byte for byte that of the full build.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
