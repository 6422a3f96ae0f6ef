"""Bad input through the whole job: what can be read is built, and what cannot is rejected, counted and reported."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from test_job import build, rows

from pipelines import build_wiki_index as job
from pipelines.job.plan import ShardPlan
from pipelines.wikitext import CleaningRules
from schemas.errors import InputError
from schemas.manifest import read_manifest
from tests.support.dumps import DumpPage, write_dump

pytestmark = pytest.mark.integration


def write_parts(folder: Path) -> list[Path]:
    """Three dumps of four pages each."""
    paths = []
    for part in range(3):
        pages = [
            DumpPage(f"Page {part} {n}", f"Text {part} {n}. [[Page {n}]]", page_id=10 * part + n) for n in range(1, 5)
        ]
        (folder / f"part{part}").mkdir()
        paths.append(write_dump(folder / f"part{part}", pages, with_index=False))
    return paths


def forbid(path: Path) -> None:
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "an error page": lambda path: path.write_text("<html><body>404</body></html>"),
    "empty": lambda path: path.write_bytes(b""),
    "forbidden": forbid,
    "gone while it is read": lambda path: path,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_cannot_be_read_is_a_loss_and_the_others_are_built(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = write_parts(tmp_path)[1]
    DAMAGES[damage](bad)
    dumps, output = tmp_path / "part*" / "*.bz2", tmp_path / "index"
    if "while" in damage:
        vanish_after_the_plan(bad, monkeypatch)
    with pytest.raises(InputError) as caught:
        build(dumps, output)
    assert caught.value.path == str(bad)
    assert not (output / "manifest.json").exists()
    if "while" in damage:
        bad.with_suffix(".away").rename(bad)
    manifest = build(dumps, output, allow_partial=True).manifest
    assert manifest.is_partial
    assert manifest.counters["losses"] >= 1
    assert manifest.counters["rejects"] == {"unreadable_file": manifest.counters["losses"]}
    assert manifest.counts["kept"] == manifest.pages_read == 8
    rejects = rows(output, "rejects")
    assert {row["reason"] for row in rejects} == {"unreadable_file"}
    assert all(row["detail"] for row in rejects)
    assert [row["title"][:6] for row in rows(output, "pages")] == ["Page 0"] * 4 + ["Page 2"] * 4


def vanish_after_the_plan(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a file be there until the streams are found, and not afterwards."""
    plan_shards, away = job.plan_shards, path.with_suffix(".away")

    def plan(*given: object, **named: object) -> ShardPlan:
        found: ShardPlan = plan_shards(*given, **named)  # type: ignore[arg-type]
        path.rename(away)
        return found

    monkeypatch.setattr(job, "plan_shards", plan)


def test_a_file_that_is_back_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, dumps, output = write_parts(tmp_path)[1], tmp_path / "part*" / "*.bz2", tmp_path / "index"
    with monkeypatch.context() as patch:
        vanish_after_the_plan(bad, patch)
        with pytest.raises(InputError, match="lost"):
            build(dumps, output)
    bad.with_suffix(".away").rename(bad)
    assert build(dumps, output).manifest.counts["kept"] == 12
    assert not read_manifest(output).is_partial


def test_without_any_file_that_can_be_read_there_is_nothing_to_build(tmp_path: Path) -> None:
    for path in write_parts(tmp_path):
        path.write_bytes(b"")
    with pytest.raises(InputError, match="none of the dump files"):
        build(tmp_path / "part*" / "*.bz2", tmp_path / "index", allow_partial=True)


@pytest.mark.slow
def test_a_parser_that_hangs_or_wants_too_much_memory_costs_its_page_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [DumpPage(f"Page {n}", f"Text {n}.") for n in range(1, 5)]
    pages[1:1] = [DumpPage("Slow", "[[a]] " * 1_500_000), DumpPage("Wide", "'''x''' {{a|[[b]]}} " * 400_000)]
    rules = CleaningRules()
    dump = write_dump(tmp_path, pages, pages_per_stream=3)
    build(dump, tmp_path / "slow", rules=rules, page_timeout_s=0.5)
    build(dump, tmp_path / "narrow", rules=rules, page_timeout_s=120.0, page_memory_bytes=60 * 2**20)
    slow, narrow = read_manifest(tmp_path / "slow"), read_manifest(tmp_path / "narrow")
    assert slow.counters["rejects"]["parser_timeout"] >= 1
    assert narrow.counters["rejects"]["parser_memory"] >= 1
    for output, manifest in ((tmp_path / "slow", slow), (tmp_path / "narrow", narrow)):
        assert manifest.pages_read == 6
        assert {row["title"] for row in rows(output, "pages") if row["fate"] == "rejected"} <= {"Slow", "Wide"}
        assert manifest.counts["kept"] + manifest.counts["rejected"] == 6
        assert not manifest.is_partial
