"""The work of a build, in a folder and in a store: both do for the stages what the Protocol says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from pipelines.storage import Output, RemoteFile, Store, Work, WorkFolder, open_output, part_name
from pipelines.storage.remote_work import RemoteWork
from schemas.errors import UsageError

URL = "memory://bucket/index"


@pytest.fixture(params=["folder", "store"])
def open_work(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], Work]]:
    """Return a function that opens the same build for a process of a name, each with scratch of its own."""
    files = fsspec.filesystem("memory")
    files.store.clear()

    def open_for(process: str) -> Work:
        return WorkFolder(tmp_path) if request.param == "folder" else RemoteWork(tmp_path / process, Store(URL))

    yield open_for
    files.store.clear()


@pytest.fixture(params=["folder", "store"])
def output(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Output]:
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield open_output(tmp_path / "index" if request.param == "folder" else RemoteFile(URL))
    files.store.clear()


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_driver_reads_what_a_worker_wrote(open_work: Callable[[str], Work]) -> None:
    with open_work("worker").at_worker("parse", 3) as here:
        write(here.parsed / "pages" / part_name(3), "rows")
        here.write_result("parse", 3, {"pages": 7})
    driver = open_work("driver")
    assert driver.count_results("parse") == 1
    assert {shard: result["pages"] for shard, result in driver.results("parse").items()} == {3: 7}
    assert driver.size_of("pages", 3) == 4
    assert driver.find("pages", 3).read_text() == "rows"


def test_a_shard_without_a_result_is_not_done(open_work: Callable[[str], Work]) -> None:
    with open_work("worker").at_worker("parse", 0) as here:
        write(here.parsed / "pages" / part_name(0), "half of the rows")
    assert open_work("driver").results("parse") == {}
    assert open_work("driver").count_results("parse") == 0


def test_tables_that_are_ready_come_in_order_of_the_shards(open_work: Callable[[str], Work]) -> None:
    for stage, shard in (("embed", 2), ("finish", 1), ("finish", 0)):
        with open_work("worker").at_worker("names", shard) as here:
            path = write(here.ready / "rejects" / part_name(shard), f"rows of {shard}")
            file = {"table": "rejects", "path": path.relative_to(here.ready).as_posix(), "rows": shard}
            here.write_result(stage, shard, {"files": [file]})
    driver = open_work("driver")
    assert [path.read_text() for path in driver.ready_files("rejects")] == ["rows of 0", "rows of 1", "rows of 2"]
    assert driver.ready_file("rejects", 1).read_text() == "rows of 1"
    assert driver.ready_rows("rejects") == 3
    assert driver.ready_files("pages") == []


def test_workers_see_a_folder_that_the_driver_shares(open_work: Callable[[str], Work]) -> None:
    driver = open_work("driver")
    write(driver.redirects / "00000.parquet", "bucket")
    driver.share("redirects")
    assert (open_work("worker").shared("redirects") / "00000.parquet").read_text() == "bucket"


def test_the_driver_finds_the_part_of_an_index_that_a_worker_made(open_work: Callable[[str], Work]) -> None:
    with open_work("worker").at_worker("bm25-part", 5) as here:
        write(here.part("bm25", 5) / "segment", "postings")
        here.write_result("bm25-part", 5, {})
    assert (open_work("driver").built_part("bm25", 5) / "segment").read_text() == "postings"


def test_only_a_shared_disk_shows_how_far_a_shard_is(open_work: Callable[[str], Work]) -> None:
    open_work("worker").write_beat("parse", 1, pages=9)
    driver = open_work("driver")
    assert driver.beats("parse") == ({1: {"pages": 9}} if driver.has_shared_disk else {})


def test_an_output_is_new_then_an_unfinished_build_that_one_process_holds(output: Output) -> None:
    output.check(overwrite=False)
    assert output.state() == "new"
    with output.locked():
        assert not output.take_over("settings", "plan")
        assert output.take_over("settings", "plan")
        assert not output.take_over("settings", "another plan")
        output.work.write_result("parse", 0, {})
        assert output.state() == "unfinished build"
    output.check(overwrite=False)
    assert output.unpublished() is None


def test_a_file_of_somebody_else_is_never_lost(output: Output, tmp_path: Path) -> None:
    write(tmp_path / "index" / "thesis.txt", "mine")
    Store(URL).write("thesis.txt", b"mine")
    assert output.state() == "something else"
    with pytest.raises(UsageError, match="no index of ours"):
        output.check(overwrite=True)
