"""The output folder: files of others are safe, one build writes at a time, and the manifest comes last."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.storage.output_folder import OutputFolder
from schemas.errors import UsageError
from schemas.manifest import Manifest, Shard, read_manifest, sha256_file, write_manifest

EMPTY = Manifest(
    config={}, fingerprint="f", inputs=(), pages_read=0, counts={}, counters={}, shards=(), text_index=None,
    image_index=None, versions={}, created="2026-01-01T00:00:00+00:00",
)  # fmt: skip


def write_index(folder: Path, text: str = "rows", table: str = "pages") -> Manifest:
    """Write an index folder of one file."""
    path = folder / table / "part-00000.parquet"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    shard = Shard(table, f"{table}/part-00000.parquet", 1, path.stat().st_size, sha256_file(path))
    manifest = replace(EMPTY, shards=(shard,))
    write_manifest(folder, manifest)
    return manifest


def make_ready(output: OutputFolder, text: str = "new", table: str = "pages") -> Manifest:
    """Write what a finished build would publish, and return its manifest."""
    manifest = write_index(output.work.ready, text, table)
    (output.work.ready / "manifest.json").unlink()
    return manifest


def test_a_folder_that_is_not_there_or_empty_may_be_written(tmp_path: Path) -> None:
    OutputFolder(tmp_path / "new").check(overwrite=False)
    OutputFolder(tmp_path).check(overwrite=False)
    assert OutputFolder(tmp_path).state() == "new"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_foreign_folder_is_never_written(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not empty") as caught:
        OutputFolder(tmp_path).check(overwrite=overwrite)
    assert caught.value.exit_code == 2
    assert caught.value.path == str(tmp_path)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_foreign_manifest_makes_no_index(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / "manifest.json").write_text('{"kind": "web-extension"}')
    with pytest.raises(UsageError, match="not empty"):
        OutputFolder(tmp_path).check(overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_foreign_work_folder_is_no_build_of_ours(tmp_path: Path, overwrite: bool) -> None:
    (tmp_path / ".work").mkdir()
    (tmp_path / ".work" / "mine.txt").write_text("x")
    with pytest.raises(UsageError, match="not empty"):
        OutputFolder(tmp_path).check(overwrite=overwrite)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(UsageError, match="a file"):
        OutputFolder(tmp_path / "out").check(overwrite=True)


def test_an_index_is_replaced_only_with_overwrite(tmp_path: Path) -> None:
    write_index(tmp_path)
    with pytest.raises(UsageError, match="--overwrite"):
        OutputFolder(tmp_path).check(overwrite=False)
    OutputFolder(tmp_path).check(overwrite=True)


def test_an_index_of_another_schema_version_can_be_replaced(tmp_path: Path) -> None:
    write_index(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 99'))
    OutputFolder(tmp_path).check(overwrite=True)


def test_a_persons_file_inside_an_index_is_not_lost(tmp_path: Path) -> None:
    write_index(tmp_path)
    (tmp_path / "pages" / "notes.txt").write_text("x")
    with pytest.raises(UsageError, match="would be lost") as caught:
        OutputFolder(tmp_path).check(overwrite=True)
    assert caught.value.place == "pages/notes.txt"


def test_publishing_replaces_the_old_index_and_keeps_what_is_not_ours(tmp_path: Path) -> None:
    write_index(tmp_path, "old", "faiss")
    (tmp_path / "readme.txt").write_text("mine")
    output = OutputFolder(tmp_path)
    manifest = make_ready(output)
    output.publish(manifest)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "pages", "readme.txt"]
    assert read_manifest(tmp_path) == manifest
    assert (tmp_path / "pages" / "part-00000.parquet").read_text() == "new"


@pytest.mark.parametrize("step", range(12))
def test_a_publishing_that_is_interrupted_at_any_step_goes_on(
    step: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_index(tmp_path, "old", "pages")
    write_index(tmp_path, "old", "faiss")
    output = OutputFolder(tmp_path)
    with output.locked():
        output.take_over("a", "plan")
        manifest = make_ready(output)
        (output.work.ready / "pages" / ".part-00000.parquet.77.tmp").write_text("of a killed process")
    with monkeypatch.context() as patch:
        steps = interrupt_at(step, patch)
        with pytest.raises(KeyboardInterrupt), output.locked():
            output.publish(manifest)
    assert len(steps) == step + 1
    if read_manifest_or_none(tmp_path) == manifest:
        output.tidy(manifest)
    else:
        assert output.unpublished() == manifest or step <= 1
        with output.locked():
            output.publish(manifest)
    assert read_manifest(tmp_path) == manifest
    assert [path.name for path in tmp_path.iterdir() if path.name != "manifest.json"] == ["pages"]
    assert [path.name for path in (tmp_path / "pages").iterdir()] == ["part-00000.parquet"]
    assert (tmp_path / "pages" / "part-00000.parquet").read_text() == "new"


def interrupt_at(step: int, patch: pytest.MonkeyPatch) -> list[str]:
    """Interrupt the test at its step-th change of a file.

    Returns:
        A list that fills with the names of the changes that were begun.
    """
    steps: list[str] = []

    def watched(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def run(*arguments: Any, **options: Any) -> Any:
            steps.append(name)
            if len(steps) == step + 1:
                raise KeyboardInterrupt
            return original(*arguments, **options)

        patch.setattr(owner, name, run)

    watched(Path, "replace")
    watched(Path, "unlink")
    watched(Path, "rmdir")
    watched(shutil, "rmtree")
    return steps


def read_manifest_or_none(folder: Path) -> Manifest | None:
    return read_manifest(folder) if (folder / "manifest.json").exists() else None


def test_work_of_the_same_build_is_taken_over_and_other_work_is_not(tmp_path: Path) -> None:
    output = OutputFolder(tmp_path)
    with output.locked():
        assert not output.take_over("a", "plan")
        output.work.write_result("parse", 0, {"pages": 1})
        assert output.take_over("a", "plan")
        assert output.work.results("parse") == {0: {"pages": 1}}
        assert not output.take_over("a", "another plan")
        assert output.work.results("parse") == {}
    output.check(overwrite=False)
    assert output.state() == "unfinished build"


def test_a_second_build_is_refused_while_one_holds_the_folder(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pipelines.storage.output_folder import OutputFolder\n"
        "with OutputFolder(Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin and holder.stdout
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UsageError, match="another build"), OutputFolder(tmp_path).locked():
        pass
    holder.kill()
    holder.communicate()
    with OutputFolder(tmp_path).locked():
        pass
