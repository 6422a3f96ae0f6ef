"""The job on small dumps of every kind, in this process: rows, fates, resume, refusals."""

from __future__ import annotations

import errno
import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from PIL import Image

from indexer.index import WikiIndex
from indexer.report import find_faults
from pipelines.build_wiki_index import BuildOutcome, build_wiki_index
from pipelines.dump import ReadLimits
from pipelines.job import Stages, driver, make_image_input
from pipelines.stages import BuildRequest, BuildSettings, RunOptions
from schemas.display import Progress
from schemas.errors import IndexCorrupt, InputError, StoreError, UsageError
from schemas.manifest import read_manifest, sha256_file
from schemas.tables import TABLES
from tests.support.dumps import KINDS, DumpPage, Kind, write_dump

pytestmark = pytest.mark.integration

TEA = (
    "'''Tea''' is a [[drink]] made of [[Leaf|leaves]]. It is hot.\n\n[[File:Tea cup.jpg|thumb|A cup.]]\n"
    "More on [[Chai]]."
)
PAGES = [
    DumpPage("Tea", TEA),
    DumpPage("Chai", "#REDIRECT [[Chay]]", redirect="Chay"),
    DumpPage("Chay", "#REDIRECT [[Masala chai]]", redirect="Masala chai"),
    DumpPage("Masala chai", "'''Masala chai''' is [[tea]] with spices. See [[Chai]] and [[Chay|it]]."),
    DumpPage("Cup", "A '''cup''' holds [[tea]].\n[[File:Tea cup.jpg|thumb|The same cup.]]"),
    DumpPage("Tea (disambiguation)", "'''Tea''' may be:\n* [[Tea]]\n{{disambiguation}}"),
    DumpPage("Template:Tea", "{{{1}}}", namespace=10),
    DumpPage("Nothing", "{{stub}}"),
]
COUNTS = {"kept": 3, "redirect": 2, "disambiguation": 1, "other_namespace": 1, "empty": 1, "rejected": 0}


def build(dump: Path, output: Path, *, images: Path | None = None, **options: Any) -> BuildOutcome:
    """Run the job in this process; options are fields of BuildSettings or RunOptions."""
    of_settings = {name: value for name, value in options.items() if name in BuildSettings.__dataclass_fields__}
    of_run = {name: value for name, value in options.items() if name not in of_settings}
    settings = BuildSettings(encoder="efficientnet-lite0" if images else None, **of_settings)
    source = make_image_input([str(images)]) if images else None
    request = BuildRequest((str(dump),), output, settings, RunOptions(**of_run), images=source)
    return build_wiki_index(request, Progress(io.StringIO(), is_quiet=True))


def rows(output: Path, table: str) -> list[dict[str, Any]]:
    """Every row of a table, in the order of the shards."""
    found: list[dict[str, Any]] = []
    for path in sorted((output / table).glob("part-*.parquet")):
        found += pq.read_table(path).to_pylist()
    return found


def table_bytes(output: Path) -> dict[str, str]:
    """Hashes of every Parquet file of the tables."""
    names = (*TABLES, "embeddings")
    return {
        path.relative_to(output).as_posix(): sha256_file(path)
        for name in names
        for path in (output / name).glob("*.parquet")
    }


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dump(tmp_path_factory.mktemp("dump"), PAGES, pages_per_stream=2)


@pytest.fixture(scope="module")
def built(dump: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("built") / "index"
    assert build(dump, output).is_new
    return output


def test_fates_sum_to_the_pages_read(built: Path) -> None:
    manifest = read_manifest(built)
    assert manifest.counts == COUNTS
    assert manifest.pages_read == len(PAGES) == len(rows(built, "pages"))
    assert manifest.text_index is not None
    assert manifest.text_index["documents"] == len(rows(built, "sentences"))
    assert manifest.image_index is None
    assert not manifest.is_partial


def test_the_manifest_lists_every_file_with_rows_and_hash(built: Path) -> None:
    manifest = read_manifest(built)
    files = {path.relative_to(built).as_posix() for path in built.rglob("*") if path.is_file()}
    assert files == {shard.path for shard in manifest.shards} | {"manifest.json"}
    for shard in manifest.shards:
        assert sha256_file(built / shard.path) == shard.sha256
        if shard.path.endswith(".parquet"):
            assert pq.read_metadata(built / shard.path).num_rows == shard.rows


def test_link_targets_lead_through_chains_of_redirects(built: Path) -> None:
    links = {
        (row["title"], row["text"][link["start"] : link["end"]]): link["target"]
        for row in rows(built, "paragraphs")
        for link in row["links"]
    }
    assert links["Tea", "Chai"] == "Masala chai"
    assert links["Masala chai", "it"] == "Masala chai"
    assert links["Tea", "leaves"] == "Leaf"
    assert read_manifest(built).counters["links_through_redirects"] == 3


def test_ids_count_from_zero_and_join(built: Path) -> None:
    paragraphs, sentences = rows(built, "paragraphs"), rows(built, "sentences")
    assert [row["paragraph_id"] for row in paragraphs if row["title"] == "Tea"] == ["1#0", "1#1"]
    assert [row["sentence_id"] for row in sentences if row["title"] == "Tea"] == ["1#0#0", "1#0#1", "1#1#0"]
    assert {row["paragraph_id"] for row in sentences} == {row["paragraph_id"] for row in paragraphs}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_dump_gives_the_same_rows(kind: Kind, built: Path, tmp_path: Path) -> None:
    build(write_dump(tmp_path, PAGES, kind), tmp_path / "index")
    for table in TABLES:
        assert rows(tmp_path / "index", table) == rows(built, table)


def test_several_dumps_are_read_as_one(built: Path, tmp_path: Path) -> None:
    numbered = [replace(page, page_id=number) for number, page in enumerate(PAGES, 1)]
    for name, part in (("a2", numbered[:3]), ("a10", numbered[3:])):
        (tmp_path / name).mkdir()
        write_dump(tmp_path / name, part, "bz2")
    build(tmp_path / "a*" / "*.bz2", tmp_path / "index")
    for table in TABLES:
        assert rows(tmp_path / "index", table) == rows(built, table)
    assert [Path(file.path).parent.name for file in read_manifest(tmp_path / "index").inputs] == ["a2", "a10"]
    assert read_manifest(tmp_path / "index").inputs[0].dump_date == "2025-11-01"


def test_two_workers_give_the_same_bytes(
    dump: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.job.driver._BYTES_PER_FINISHER", 1)
    build(dump, tmp_path / "index", workers=2)
    assert table_bytes(tmp_path / "index") == table_bytes(built)


def test_a_second_run_does_nothing(dump: Path, built: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*")}
    assert not build(dump, built).is_new
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*")} == before


def test_other_settings_need_overwrite_and_then_replace_the_index(dump: Path, tmp_path: Path) -> None:
    build(dump, tmp_path)
    with pytest.raises(UsageError, match="--overwrite"):
        build(dump, tmp_path, keep_disambiguation=True)

    def check_old_index_is_there(_: Stages) -> None:
        assert read_manifest(tmp_path).counts == COUNTS
        assert (tmp_path / "bm25").is_dir()

    run = partial(build, dump, tmp_path, keep_disambiguation=True, overwrite=True)
    assert _with_hook(check_old_index_is_there, run).is_new
    assert read_manifest(tmp_path).counts == {**COUNTS, "disambiguation": 0, "kept": 4}
    assert not (tmp_path / ".work").exists()


def test_a_damaged_index_is_not_up_to_date(dump: Path, tmp_path: Path) -> None:
    build(dump, tmp_path)
    next((tmp_path / "sentences").iterdir()).unlink()
    with pytest.raises(IndexCorrupt, match="gone"):
        build(dump, tmp_path)
    assert build(dump, tmp_path, overwrite=True).is_new


def test_a_foreign_folder_is_left_alone(dump: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        build(dump, tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("count", [1, 5])
def test_limit_pages_reads_the_first_pages(count: int, dump: Path, built: Path, tmp_path: Path) -> None:
    build(dump, tmp_path / "index", limit_pages=count, workers=2)
    assert rows(tmp_path / "index", "pages") == rows(built, "pages")[:count]


def test_a_truncated_dump_is_refused_unless_the_loss_is_allowed(tmp_path: Path) -> None:
    whole = write_dump(tmp_path, PAGES, "multistream", pages_per_stream=2, with_index=False)
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) - len(data) // 4])
    output = tmp_path / "index"
    with pytest.raises(InputError, match="lost") as caught:
        build(whole, output)
    assert caught.value.exit_code == 3
    assert caught.value.path == str(whole)
    assert "stream at byte" in str(caught.value) and "--allow-partial" in str(caught.value)
    assert not (output / "manifest.json").exists()
    parsed = sorted((output / ".work" / "results" / "parse").iterdir())
    times = [path.stat().st_mtime_ns for path in parsed]
    page_names = [row["title"] for row in rows(output / ".work" / "parsed", "pages")]
    assert page_names[:4] == [page.title for page in PAGES[:4]]

    def check_not_parsed_again(stages: Stages) -> None:
        assert [path.stat().st_mtime_ns for path in parsed] == times

    outcome = _with_hook(check_not_parsed_again, lambda: build(whole, output, allow_partial=True))
    assert outcome.manifest.is_partial
    assert outcome.manifest.counters["losses"] == 1
    assert sum(outcome.manifest.counts.values()) == outcome.manifest.pages_read == len(page_names)
    losses = [row for row in rows(output, "rejects") if row["stage"] == "dump"]
    assert [row["reason"] for row in losses] == ["truncated_stream"]
    with pytest.raises(InputError, match="lacks what was lost"):
        build(whole, output)


def _with_hook(check: Callable[[Stages], None], run: Callable[[], BuildOutcome]) -> BuildOutcome:
    """Run a build and look at it after its parse stage."""
    with pytest.MonkeyPatch.context() as patch:
        finish = Stages._finish

        def checked(stages: Stages) -> None:
            check(stages)
            finish(stages)

        patch.setattr(Stages, "_finish", checked)
        return run()


@pytest.mark.parametrize("stage", ["_finish", "_index_text"])
def test_an_interrupted_build_goes_on_and_ends_the_same(
    stage: str, dump: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(stages: Stages) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Stages, stage, interrupt)
        with pytest.raises(KeyboardInterrupt):
            build(dump, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".work"}
    (tmp_path / ".work" / "results" / "parse" / "00002.json").unlink()
    build(dump, tmp_path)
    assert table_bytes(tmp_path) == table_bytes(built)
    assert not (tmp_path / ".work").exists()


def test_unfinished_work_of_other_settings_is_cleared_away(
    dump: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(stages: Stages) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Stages, "_index_text", interrupt)
        with pytest.raises(KeyboardInterrupt):
            build(dump, tmp_path, keep_disambiguation=True)
    build(dump, tmp_path)
    assert table_bytes(tmp_path) == table_bytes(built)


def test_a_full_disk_is_told_and_nothing_looks_finished(
    dump: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path))

    for place in ("pipelines.storage.shards.open_writer", "pipelines.stages.redirects.open_writer"):
        with monkeypatch.context() as patch:
            patch.setattr(place, full)
            with pytest.raises(StoreError, match="no space left") as caught:
                build(dump, tmp_path)
        assert caught.value.remedy and "free space" in caught.value.remedy
        assert not (tmp_path / "manifest.json").exists()
    assert build(dump, tmp_path).is_new


def test_rejected_pages_are_told_while_the_dump_is_parsed(tmp_path: Path) -> None:
    bad = DumpPage("Bad", "A \x00 is not XML.")
    stream, dump = io.StringIO(), write_dump(tmp_path, [*PAGES, bad], pages_per_stream=50)
    build_wiki_index(BuildRequest((str(dump),), tmp_path / "index"), Progress(stream))
    assert "shards  1 rejected  9 pages" in stream.getvalue()


def test_repeated_page_ids_are_rejected_within_and_across_shards(tmp_path: Path) -> None:
    pages = [
        DumpPage("First", "First text.", page_id=5),
        DumpPage("Within", "Second text.", page_id=5),
        DumpPage("Other", "Third text. [[File:A.jpg|thumb|x]]", page_id=7),
        DumpPage("Across", "Fourth text. [[File:B.jpg|thumb|x]]", page_id=5),
        DumpPage("Redirect", "#REDIRECT [[First]]", page_id=7, redirect="First"),
        DumpPage("First", "A page of the same title.", page_id=9),
        DumpPage("Later", "Fifth text.", page_id=7),
        DumpPage("Again", "Sixth text.", page_id=7),
    ]
    build(write_dump(tmp_path, pages, pages_per_stream=2), tmp_path / "index")
    output = tmp_path / "index"
    manifest = read_manifest(output)
    assert [(row["title"], row["fate"]) for row in rows(output, "pages")] == [
        ("First", "kept"), ("Within", "rejected"), ("Other", "kept"),
        ("Across", "rejected"), ("Redirect", "rejected"), ("First", "kept"),
        ("Later", "rejected"), ("Again", "rejected"),
    ]  # fmt: skip
    assert [row["id"] for row in rows(output, "rejects")] == [
        "5 Within", "5 Across", "7 Redirect", "7 Again", "7 Later",
    ]  # fmt: skip
    assert manifest.counters["rejects"] == {"duplicate_page_id": 5}
    assert manifest.counters["duplicate_titles"] == 1
    assert [row["text"] for row in rows(output, "paragraphs")] == [
        "First text.", "Third text.", "A page of the same title.",
    ]  # fmt: skip
    assert [row["file"] for row in rows(output, "images")] == ["A.jpg"]


def test_many_workers_index_the_shards_of_a_large_dump_and_the_hits_are_those_of_one_pass(
    dump: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "_MANY_SENTENCES", 1)
    made: list[str] = []
    index_parts = Stages._index_parts
    monkeypatch.setattr(Stages, "_index_parts", lambda self, *given: (made.append(given[0]), index_parts(self, *given)))
    build(dump, tmp_path / "index", workers=4)
    assert made == ["bm25"]
    queries = ["tea with spices", "a cup of tea", "drink made of leaves"]
    found = WikiIndex(tmp_path / "index").search_text(queries)
    assert all(found) and found == WikiIndex(built).search_text(queries)
    assert list(find_faults(tmp_path / "index")) == []


def test_pages_that_are_too_large_or_too_slow_are_rejected_and_the_rest_is_kept(tmp_path: Path) -> None:
    slow = DumpPage("Slow", "[[a]] " * 1_500_000)
    pages = [DumpPage("Tea", "Tea is hot."), DumpPage("Huge", "x" * 20_000_000), slow, DumpPage("Cup", "A cup.")]
    limits = ReadLimits(max_page_bytes=15_000_000)
    build(write_dump(tmp_path, pages, "bz2"), tmp_path / "index", limits=limits, page_timeout_s=1.0)
    manifest = read_manifest(tmp_path / "index")
    assert manifest.counters["rejects"] == {"page_too_large": 1, "parser_timeout": 1}
    assert (manifest.pages_read, manifest.counts["kept"], manifest.counts["rejected"]) == (4, 2, 2)
    assert not manifest.is_partial


def picture(colour: str, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(buffer, kind)
    return buffer.getvalue()


def test_images_sum_and_a_broken_one_shifts_nothing(tmp_path: Path) -> None:
    files = ["A.jpg", "B.jpg", "C.png", "D.jpg", "E.jpg", "F.jpg"]
    text = "Text.\n" + "\n".join(f"[[File:{file}|thumb|x]]" for file in files)
    pages = [DumpPage("Tea", text), DumpPage("Cup", "A cup.\n[[File:A.jpg|thumb|again]]")]
    photos = tmp_path / "photos"
    photos.mkdir()
    contents = {
        "A.jpg": picture("red"),
        "B.jpg": b"no picture",
        "C.png": picture("blue", "PNG"),
        "F.jpg": picture("red"),
    }
    for name, data in contents.items():
        (photos / name).write_bytes(data)
    dump = write_dump(tmp_path, pages)
    output = tmp_path / "index"
    assert build(dump, output, images=photos).is_new
    manifest = read_manifest(output)
    images = manifest.counters["images"]
    assert images == {"uses": 7, "files": 6, "embedded": 3, "encoded": 2, "missing": 2, "broken": 1}
    embeddings = {row["file"]: row for row in rows(output, "embeddings")}
    assert sorted(embeddings) == ["A.jpg", "C.png", "F.jpg"]
    assert embeddings["A.jpg"]["vector"] == embeddings["F.jpg"]["vector"] != embeddings["C.png"]["vector"]
    assert all(row["width"] == 64 and row["height"] == 48 for row in embeddings.values())
    found = {(row["id"], row["reason"]) for row in rows(output, "rejects")}
    assert found == {("B.jpg", "unsupported_format"), ("D.jpg", "missing"), ("E.jpg", "missing")}
    assert manifest.image_index is not None
    assert manifest.image_index["vectors"] == 3
    assert not build(dump, output, images=photos).is_new
    (photos / "D.jpg").write_bytes(picture("green"))
    with pytest.raises(UsageError, match="--overwrite"):
        build(dump, output, images=photos)


def test_without_any_picture_found_there_is_no_image_index(dump: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    outcome = build(dump, tmp_path / "index", images=tmp_path / "photos")
    assert outcome.manifest.image_index is None
    assert outcome.manifest.counters["images"]["missing"] == 1


def test_unknown_beam_options_are_refused(dump: Path, tmp_path: Path) -> None:
    request = BuildRequest((str(dump),), tmp_path / "index", options=RunOptions(beam=("--flink_mastr=x",)))
    with pytest.raises(UsageError, match="flink_mastr"):
        build_wiki_index(request, Progress(io.StringIO(), is_quiet=True))
    direct = replace(request, options=RunOptions(beam=("--runner=DirectRunner",)))
    with pytest.raises(UsageError, match="DirectRunner"):
        build_wiki_index(direct, Progress(io.StringIO(), is_quiet=True))
    assert not (tmp_path / "index").exists()
