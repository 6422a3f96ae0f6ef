"""Builds that are killed at random points, job, worker or parser: the next run ends as if nothing had happened.

MIE_KILL_SEEDS=20 runs 20 of them; the default is 2.
"""

from __future__ import annotations

import functools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from indexer.index import WikiIndex
from indexer.report import find_faults
from indexer.search import SearchParams
from schemas.manifest import read_manifest, sha256_file
from tests.support.dumps import DumpPage, write_dump

SEEDS = int(os.environ.get("MIE_KILL_SEEDS", "2"))
QUERIES = ["tea with spices", "page 7", "link copper", "water 23 river"]
STAGES = ("parse", "finish", "embed", "bm25", "faiss", "publish")
WORDS = [
    "tea", "water", "stone", "river", "copper", "spice", "mountain", "letter", "music", "winter", "harbour", "engine",
]  # fmt: skip

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc"),
]


@dataclass(frozen=True)
class Build:
    """The command of a build, and what an uninterrupted run of it made."""

    words: tuple[str, ...]
    seconds: dict[str, float]
    files: dict[str, str]
    hits: list[Any]
    repeated: str
    shards: int

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(stage for stage in STAGES if stage in self.seconds)


def make_pages(rng: random.Random) -> list[DumpPage]:
    """Articles with links, pictures and redirects, a repeated page id, a page that cannot be read."""
    pages = []
    for number in range(1, 61):
        text = " ".join(f"{rng.choice(WORDS)} {number}" for _ in range(rng.randrange(2_000, 8_000)))
        text += f"\n[[File:Picture {number % 9}.png|thumb|A picture.]]\n[[Old {number}|an old name]] [[Page {number}]]"
        pages.append(DumpPage(f"Page {number}", f"'''Page {number}'''. {text}.", page_id=number))
        pages.append(DumpPage(f"Old {number}", f"#REDIRECT [[Page {number}]]", 1000 + number, redirect="Page 1"))
    pages.append(DumpPage("Page 7 again", "Repeated.", page_id=7))
    pages.append(DumpPage("Older 5", "#REDIRECT [[Old 5]]", page_id=8, redirect="Old 5"))
    pages.append(DumpPage("Bad", "A \x00 is not XML.", page_id=3000))
    return pages


def run(words: tuple[str, ...]) -> subprocess.Popen[str]:
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def to_end(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, talk = process.communicate(timeout=240)
    assert process.returncode == 0, talk
    summary: dict[str, Any] = json.loads(out)
    return summary


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Build]:
    """Return a function that runs the build, with or without pictures, at its first call, and returns it."""
    folder = tmp_path_factory.mktemp("kills")
    write_dump(folder, make_pages(random.Random(1)), pages_per_stream=8)
    (folder / "photos").mkdir()
    for number in range(7):
        Image.effect_noise((96, 64), 30 + number).convert("RGB").save(folder / "photos" / f"Picture {number}.png")
    return functools.cache(functools.partial(uninterrupted, folder))


def uninterrupted(folder: Path, has_images: bool) -> Build:
    whole = folder / f"whole-{has_images}"
    dump = next(folder.glob("*.xml.bz2"))
    words = (str(Path(sys.executable).with_name("beam")), "run", "build_wiki_index", "--dump", str(dump))
    words += ("--images", str(folder / "photos"), "--encoder", "efficientnet-lite0") if has_images else ()
    words += ("--workers", "2", "--json", "--output")
    summary = to_end(run((*words, str(whole))))
    assert summary["counters"]["rejects"].keys() >= {"broken_xml", "duplicate_page_id"}
    seconds = {**summary["seconds"], "publish": 0.02}
    repeated = next(
        path.name
        for path in (whole / "rejects").iterdir()
        if "duplicate_page_id" in pq.read_table(path).column("reason").to_pylist()
    )
    shards = len(list((whole / "pages").iterdir()))
    return Build(words, seconds, contents(whole), ask(whole, has_images), repeated, shards)


def contents(output: Path) -> dict[str, str]:
    """Return the hashes of all files but Lucene's, whose segment ids are random, and the manifest, which has a date."""
    return {
        path.relative_to(output).as_posix(): sha256_file(path)
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.parent.name != "bm25" and path.name != "manifest.json"
    }


def ask(output: Path, has_images: bool) -> list[Any]:
    """Return the hits of the queries, and of every embedded picture."""
    index = WikiIndex(output)
    texts = [[(answer.doc_id, answer.score) for answer in answers] for answers in index.search_text(QUERIES, 10)]
    if not has_images:
        return texts
    rows = [row for path in sorted((output / "embeddings").iterdir()) for row in pq.read_table(path).to_pylist()]
    vectors = np.array([row["vector"] for row in rows], np.float32)
    return [*texts, *index.image_searcher.search(vectors, SearchParams(k=5))]


def has_begun(output: Path, stage: str, build: Build) -> bool:
    """Return whether a stage has begun, which is when the stage before has left all its results."""
    if stage == "parse":
        return (output / ".work" / "state.json").exists()
    before = build.stages[build.stages.index(stage) - 1]
    last, number = {
        "parse": ("parse", build.shards),
        "finish": ("finish", build.shards),
        "embed": ("embed-all", 1),
    }.get(before, (before, 1))
    return len(list((output / ".work" / "results" / last).glob("*.json"))) == number


def wait(process: subprocess.Popen[str], is_true: Callable[[], bool]) -> bool:
    """Wait until a condition holds or the process ends; return whether it holds."""
    while process.poll() is None:
        if is_true():
            return True
        time.sleep(0.003)
    return is_true()


def descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents.setdefault(int(path.read_text().rpartition(")")[2].split()[1]), []).append(int(path.parent.name))
        except OSError:
            continue
    found, waiting = [], [pid]
    while waiting:
        below = parents.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def finished(output: Path, repeated: str) -> dict[str, tuple[int, int]]:
    """Return inode and time of every file that is finished and must not be made again, by its path in the output."""
    work = output / ".work"
    found = {}
    for result in (work / "results").glob("*/*.json"):
        for file in json.loads(result.read_text()).get("files", ()):
            found[file["path"]] = [output / file["path"], work / "ready" / file["path"]]
    for result in (work / "results" / "parse").glob("*.json"):
        name = f"part-{result.stem}.parquet"
        if name != repeated:
            places = [folder / "pages" / name for folder in (output, work / "ready", work / "parsed")]
            found.setdefault(f"pages/{name}", places)
    status = {path: place.stat() for path, places in found.items() for place in places if place.exists()}
    assert status.keys() == found.keys()
    return {path: (value.st_ino, value.st_mtime_ns) for path, value in status.items()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_build_that_is_killed_anywhere_ends_as_if_it_had_not_been(
    seed: int, builds: Callable[[bool], Build], tmp_path: Path
) -> None:
    has_images = seed % 3 == 2
    build, rng = builds(has_images), random.Random(seed)
    output, kept = tmp_path / "index", dict[str, tuple[int, int]]()
    for stage in (build.stages[seed % len(build.stages)], rng.choice(build.stages)):
        kill_in(stage, run((*build.words, str(output))), output, build, rng)
        if (output / "manifest.json").exists():
            break
        kept = finished(output, build.repeated)
    summary = to_end(run((*build.words, str(output))))
    assert {path: ((output / path).stat().st_ino, (output / path).stat().st_mtime_ns) for path in kept} == kept
    assert contents(output) == build.files
    assert ask(output, has_images) == build.hits
    assert list(find_faults(output)) == []
    assert not (output / ".work").exists()
    assert sum(summary["counts"].values()) == summary["pages_read"] == read_manifest(output).pages_read == 123


def kill_in(stage: str, process: subprocess.Popen[str], output: Path, build: Build, rng: random.Random) -> None:
    """Kill the job, or a process that it has started, at a random point of a stage."""
    wait(process, lambda: has_begun(output, stage, build))
    time.sleep(rng.uniform(0, build.seconds[stage]))
    below = descendants(process.pid)
    victim = rng.choice([process.pid, *below])
    print(f"{stage}: kill {below.index(victim) if victim in below else 'the job'} of {len(below)} below it")
    if process.poll() is None:
        os.kill(victim if is_running(victim) else process.pid, signal.SIGKILL)
    _, talk = process.communicate(timeout=240)
    assert process.returncode in (0, 1, -signal.SIGKILL), talk
    assert "Traceback" not in talk
    deadline = time.monotonic() + 20
    while any(map(is_running, below)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, below))
