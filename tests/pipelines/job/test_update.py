"""An index made from that of an earlier dump is the index that a full build of the newer dump makes."""

from __future__ import annotations

import bz2
import importlib
import io
import json
import re
import shutil
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from indexer.index import WikiIndex
from indexer.report import find_faults
from pipelines.build_wiki_index import BuildOutcome, build_wiki_index
from pipelines.job import Stages, make_image_input
from pipelines.stages import BuildRequest, BuildSettings, RunOptions
from schemas.display import Progress
from schemas.errors import IndexCorrupt, IndexMismatch, IndexNotFound, UsageError
from schemas.manifest import read_manifest, sha256_file, write_manifest
from schemas.tables import TABLES
from tests.support.dumps import FOOTER, write_multistream

pytestmark = [pytest.mark.integration, pytest.mark.slow]

QUERIES = ["which animal eats termites", "the first animated feature film", "a sentence that is new", "capital of"]
CHANGED, ADDED = ("Anarchism", "Animation", "Astronaut"), "A page that was added"
REMOVED, RENAMED = ("Aardvark", "Albedo"), ("Autism", "Autism (renamed)")


@dataclass(frozen=True)
class Dumps:
    """The two dumps, and the titles that the newer one has under the same revision."""

    earlier: Path
    newer: Path
    unchanged: set[str]


def title_of(page: str) -> str:
    match = re.search("<title>([^<]*)", page)
    assert match
    return match.group(1)


def revised(page: str, text: Callable[[str], str], title: str | None = None) -> str:
    """Return a page with another text (and title), under another revision."""
    page = re.sub("(<revision>\\s*<id>)([0-9]+)", lambda match: f"{match.group(1)}9{match.group(2)}", page)
    page = re.sub("(<text[^>]*>)(.*?)(</text>)", lambda m: m.group(1) + text(m.group(2)) + m.group(3), page, flags=re.S)
    return page if title is None else page.replace(f"<title>{title_of(page)}<", f"<title>{title}<")


def redirect(page_id: int, title: str, target: str) -> str:
    """A redirect page; its revision follows from all it says."""
    revision = zlib.crc32(f"{page_id} {title} {target}".encode())
    text = f'<text xml:space="preserve">#REDIRECT [[{target}]]</text>'
    return (
        f'<page><title>{title}</title><ns>0</ns><id>{page_id}</id><redirect title="{target}" />'
        f"<revision><id>{revision}</id>{text}</revision></page>\n"
    )


EARLIER_REDIRECTS = [redirect(90001, "United States", "Alabama"), redirect(90002, "Germany", "Albania")]
NEWER_REDIRECTS = [
    redirect(90001, "United States", "USA"), redirect(90003, "USA", "Aristotle"), redirect(90004, "France", "Albania"),
]  # fmt: skip
"""Titles that many articles link to: one is retargeted, by a chain; one is no redirect any more; one becomes one."""


def newer_pages(pages: list[str]) -> list[str]:
    """What happens between two dumps: edits, a move, deletions, a new page, redirects that lead elsewhere."""
    found = []
    for page in pages:
        title = title_of(page)
        if title in REMOVED:
            continue
        if title in CHANGED:
            page = revised(page, lambda text: "A sentence that is new.\n{{unknown thing|1}}\n\n" + text)
        elif title == RENAMED[0]:
            page = revised(page, lambda text: text, RENAMED[1])
        found.append(page)
    last = re.sub("<id>[0-9]+", "<id>99999", found[-1], count=1)
    return [
        *found,
        *NEWER_REDIRECTS,
        revised(last, lambda _: "A page with [[AmericanSamoa|a link]]. It is new.", ADDED),
    ]


@pytest.fixture(scope="module")
def dumps(gensim_slice: Path, tmp_path_factory: pytest.TempPathFactory) -> Dumps:
    xml = bz2.decompress(gensim_slice.read_bytes()).decode()
    header, pages = xml[: xml.index("<page>")], re.findall("<page>.*?</page>\n?", xml, re.S)
    newer = newer_pages(pages)
    pages += EARLIER_REDIRECTS
    folder = tmp_path_factory.mktemp("dumps")
    paths = folder / "enwiki-20251101-pages.xml.bz2", folder / "enwiki-20251201-pages.xml.bz2"
    for path, pages_of_dump in zip(paths, (pages, newer), strict=True):
        write_multistream(path, header, pages_of_dump, FOOTER, 14)
    return Dumps(*paths, {title_of(page) for page in set(pages) & set(newer)})


@pytest.fixture(scope="module")
def photos(slice_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The pictures of the two builds: of the later one has other bytes, and one more is there."""
    folder = tmp_path_factory.mktemp("photos")
    shutil.copytree(slice_photos, folder / "newer")
    first, second, *_ = sorted((folder / "newer").iterdir())
    shutil.copytree(folder / "newer", folder / "earlier")
    (folder / "earlier" / first.name).unlink()
    Image.effect_noise((90, 60), 40).convert("RGB").save(second, "JPEG")
    return [folder / "earlier", folder / "newer"]


def build(dump: Path, output: Path, photos: Path | None, earlier: Path | None = None, **settings: Any) -> BuildOutcome:
    chosen = BuildSettings(encoder="efficientnet-lite0" if photos else None, **settings)
    source = make_image_input([str(photos)]) if photos else None
    request = BuildRequest((str(dump),), output, chosen, RunOptions(), images=source, update_from=earlier)
    return build_wiki_index(request, Progress(io.StringIO(), is_quiet=True))


@dataclass(frozen=True)
class Indexes:
    earlier: Path
    full: Path


@pytest.fixture(scope="module")
def indexes(dumps: Dumps, photos: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Indexes:
    folder = tmp_path_factory.mktemp("indexes")
    build(dumps.earlier, folder / "earlier", photos[0])
    build(dumps.newer, folder / "full", photos[1])
    return Indexes(folder / "earlier", folder / "full")


def hashes(folder: Path, *tables: str) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (not tables or path.parent.name in tables)
    }


def vectors(folder: Path) -> dict[str, list[float]]:
    rows = [row for path in (folder / "embeddings").iterdir() for row in pq.read_table(path).to_pylist()]
    return {row["file"]: row["vector"] for row in rows}


@pytest.fixture(scope="module")
def updated(dumps: Dumps, photos: list[Path], indexes: Indexes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The update; it parses only what has changed, and does not touch the earlier index."""
    output, parsed, before = tmp_path_factory.mktemp("updated") / "index", [], hashes(indexes.earlier)
    with pytest.MonkeyPatch.context() as patch:
        to_ledger = importlib.import_module("pipelines.stages.parse")._to_ledger

        def remember(page_id: int, article: Any) -> Any:
            parsed.append(page_id)
            return to_ledger(page_id, article)

        patch.setattr("pipelines.stages.parse._to_ledger", remember)
        outcome = build(dumps.newer, output, photos[1], indexes.earlier)
    assert outcome.is_new
    assert hashes(indexes.earlier) == before
    assert len(parsed) == len(CHANGED) + 2  # one moved, one new
    taken = outcome.manifest.counters["taken_over"]
    assert taken["pages"] == len(outcome_articles(output)) - len(parsed)
    assert taken["vectors"] == len(vectors(indexes.earlier)) - 1
    return output


def outcome_articles(folder: Path) -> list[str]:
    rows = [row for path in (folder / "pages").iterdir() for row in pq.read_table(path).to_pylist()]
    return [row["title"] for row in rows if row["fate"] in ("kept", "disambiguation", "empty")]


def test_every_table_is_byte_for_byte_that_of_a_full_build(indexes: Indexes, updated: Path) -> None:
    assert hashes(updated, *TABLES) == hashes(indexes.full, *TABLES)
    titles = set(outcome_articles(updated))
    assert titles & {ADDED, RENAMED[1]} == {ADDED, RENAMED[1]}
    assert not titles & {*REMOVED, RENAMED[0]}


def test_links_follow_the_redirects_of_the_newer_dump(indexes: Indexes, updated: Path, dumps: Dumps) -> None:
    def links(folder: Path) -> dict[tuple[str, int], tuple[str, str]]:
        rows = [row for path in (folder / "paragraphs").iterdir() for row in pq.read_table(path).to_pylist()]
        return {
            (row["paragraph_id"], place): (row["title"], link["target"])
            for row in rows
            for place, link in enumerate(row["links"])
            if row["title"] in dumps.unchanged
        }

    before, after = links(indexes.earlier), links(updated)
    changed = {(before[key][1], after[key][1]) for key in after if after[key] != before[key]}
    assert changed == {("Alabama", "Aristotle"), ("Albania", "Germany"), ("France", "Albania")}


def test_counts_and_counters_are_those_of_a_full_build(indexes: Indexes, updated: Path) -> None:
    full, update = read_manifest(indexes.full), read_manifest(updated)
    counters = {**full.counters, "taken_over": update.counters["taken_over"]}
    assert full.counters["taken_over"] == {"pages": 0, "vectors": 0}
    assert (update.counts, update.counters, update.pages_read) == (full.counts, counters, full.pages_read)
    assert update.fingerprint == full.fingerprint


def test_both_indexes_give_the_same_hits(indexes: Indexes, updated: Path) -> None:
    full, update = WikiIndex(indexes.full), WikiIndex(updated)
    assert update.search_text(QUERIES, 10) == full.search_text(QUERIES, 10)
    assert update.search_text([QUERIES[2]], 1)[0][0].matched == "A sentence that is new."
    ours, theirs = vectors(updated), vectors(indexes.full)
    assert ours.keys() == theirs.keys()
    np.testing.assert_allclose([ours[file] for file in theirs], list(theirs.values()), atol=2e-6)
    assert hashes(updated, "faiss").keys() == hashes(indexes.full, "faiss").keys()
    assert list(find_faults(updated)) == []


def test_an_update_that_is_interrupted_goes_on_also_as_a_full_build(
    dumps: Dumps, indexes: Indexes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: Stages) -> None:
        raise KeyboardInterrupt

    for output, again in ((tmp_path / "a", indexes.earlier), (tmp_path / "b", None)):
        with monkeypatch.context() as patch:
            patch.setattr(Stages, "_index_text", interrupt)
            with pytest.raises(KeyboardInterrupt):
                build(dumps.newer, output, None, indexes.earlier)
        (output / ".work" / "results" / "parse" / "00003.json").unlink()
        for path in (output / ".work" / "results" / "finish").iterdir():
            path.unlink()
        outcome = build(dumps.newer, output, None, again)
        assert outcome.manifest.counters["taken_over"]["pages"] > 50
        assert hashes(output, *set(TABLES) - {"rejects"}) == hashes(indexes.full, *set(TABLES) - {"rejects"})


def test_an_update_back_to_the_earlier_dump_is_the_earlier_index(
    dumps: Dumps, indexes: Indexes, updated: Path, tmp_path: Path
) -> None:
    build(dumps.earlier, tmp_path / "back", None, updated)
    names = set(TABLES) - {"rejects"}
    assert hashes(tmp_path / "back", *names) == hashes(indexes.earlier, *names)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"keep_disambiguation": True}, "another keep_disambiguation"), ({"limit_pages": 3}, "another limit_pages")],
)
def test_other_settings_are_refused(
    settings: dict[str, Any], message: str, dumps: Dumps, indexes: Indexes, tmp_path: Path
) -> None:
    with pytest.raises(IndexMismatch, match=message):
        build(dumps.newer, tmp_path / "index", None, indexes.earlier, **settings)
    assert not (tmp_path / "index").exists()


def test_another_version_encoder_or_no_ledger_is_refused(
    dumps: Dumps, indexes: Indexes, photos: list[Path], tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier"
    shutil.copytree(indexes.earlier, earlier)
    manifest = read_manifest(earlier)
    for changes, message in (
        ({"versions": {**manifest.versions, "sentencex": "0.1"}}, "another version of sentencex"),
        ({"config": {**manifest.config, "encoder_fingerprint": "x"}}, "another encoder_fingerprint"),
        ({"shards": tuple(shard for shard in manifest.shards if shard.table != "ledger")}, "no ledger"),
    ):
        write_manifest(earlier, replace(manifest, **changes))
        with pytest.raises(IndexMismatch, match=message) as caught:
            build(dumps.newer, tmp_path / "index", photos[1], earlier)
        assert caught.value.exit_code == 4
        assert caught.value.remedy and "without --update-from" in caught.value.remedy


def test_an_index_of_the_schema_before_is_refused_with_the_remedy(
    indexes: Indexes, dumps: Dumps, tmp_path: Path
) -> None:
    shutil.copytree(indexes.earlier, tmp_path / "old")
    path = tmp_path / "old" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 1}))
    with pytest.raises(IndexMismatch, match=r"cannot be taken over: schema version 1.*without --update-from"):
        build(dumps.newer, tmp_path / "new", None, tmp_path / "old")
    assert not (tmp_path / "new" / "manifest.json").exists()


def test_facts_of_unchanged_articles_are_taken_over(dumps: Dumps, tmp_path: Path) -> None:
    build(dumps.earlier, tmp_path / "earlier", None, facts=True)
    build(dumps.newer, tmp_path / "full", None, facts=True)
    build(dumps.newer, tmp_path / "updated", None, tmp_path / "earlier", facts=True)
    assert hashes(tmp_path / "updated", *TABLES, "facts") == hashes(tmp_path / "full", *TABLES, "facts")
    counters = [read_manifest(tmp_path / name).counters for name in ("full", "updated")]
    assert counters[0]["template_examples"] == counters[1]["template_examples"] != {}


def test_a_damaged_or_absent_index_or_the_output_itself_is_refused(
    dumps: Dumps, indexes: Indexes, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier"
    shutil.copytree(indexes.earlier, earlier)
    path = earlier / "paragraphs" / "part-00002.parquet"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(IndexCorrupt, match="differs from its manifest") as caught:
        build(dumps.newer, tmp_path / "index", None, earlier)
    assert caught.value.place == "paragraphs/part-00002.parquet"
    with pytest.raises(IndexNotFound):
        build(dumps.newer, tmp_path / "index", None, tmp_path / "absent")
    with pytest.raises(UsageError, match="output itself"):
        build_wiki_index(
            BuildRequest((str(dumps.newer),), earlier, options=RunOptions(overwrite=True), update_from=earlier),
            Progress(io.StringIO(), is_quiet=True),
        )
