"""The file of a report: an earlier report is replaced in one step, and no other file is overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from schemas.display import render_template, write_page
from schemas.errors import StoreError, UsageError


def page(title: str) -> str:
    return render_template("schemas.display", "page.html", title=title)


def test_a_page_replaces_an_earlier_page_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_page(path, page("first"))
    write_page(path, page("second"))
    assert "<title>second</title>" in path.read_text(encoding="utf-8")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_no_other_file_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "thesis.html"
    path.write_text("<h1>years of work</h1>")
    with pytest.raises(UsageError, match="no report of ours"):
        write_page(path, page("a"))
    assert path.read_text() == "<h1>years of work</h1>"


@pytest.mark.parametrize("name", ["", "nowhere/report.html"])
def test_a_folder_and_a_file_in_a_missing_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="folder"):
        write_page(tmp_path / name, page("a"))


def test_a_page_that_cannot_be_written_is_an_error_and_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    write_page(path, page("first"))

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"No space left.*Remedy"):
        write_page(path, page("second"))
    assert "<title>first</title>" in path.read_text(encoding="utf-8")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_half_a_surrogate_pair_in_a_text_does_not_keep_a_page_from_being_written(tmp_path: Path) -> None:
    write_page(tmp_path / "report.html", page("a") + "\ud800")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").endswith("</html>?")
