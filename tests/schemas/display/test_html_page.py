"""The page shell of reports: all text escaped, nothing loaded, nobody's file overwritten."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path

import pytest

from schemas.display import Html, facts, link, part, section, table, to_page, write_page
from schemas.errors import StoreError, UsageError

HOSTILE = '"><script>alert(1)</script>&\u202e\x1b'


def test_every_text_is_escaped_wherever_it_stands() -> None:
    page = to_page(
        HOSTILE,
        part("p", HOSTILE, title=HOSTILE),
        facts({HOSTILE: HOSTILE}),
        table(HOSTILE, [HOSTILE, HOSTILE], [[HOSTILE, HOSTILE]]),
        section(HOSTILE, HOSTILE),
        link("https://example.org/" + HOSTILE, HOSTILE),
    )
    assert page.count("&lt;script&gt;alert(1)") == 15
    assert not re.search(r"<script|\x1b|\u202e", page)


def test_a_link_leads_to_the_web_and_nowhere_else() -> None:
    assert (
        link("https://example.org/a?b=1&c", "a") == '<a href="https://example.org/a?b=1&amp;c" rel="noreferrer">a</a>'
    )
    for url in ("javascript:alert(1)", "data:text/html,x", "http://example.org", "//example.org", "file:///etc", ""):
        assert link(url, "a<b") == "a&lt;b"


def test_the_policy_of_a_page_allows_its_own_style_and_nothing_else() -> None:
    page = to_page("a")
    style = re.search(r"<style>(.*)</style>", page, re.S)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert style is not None
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert policy.group(1).split("; ")[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]
    assert "</style" not in style.group(1)


def test_a_table_names_its_rows_and_columns_for_readers_of_the_screen() -> None:
    assert table("Pages", ["fate", "pages"], [["kept", 98]]) == (
        '<div class="scroll"><table class="table"><caption>Pages</caption>'
        '<thead><tr><th scope="col">fate</th><th scope="col" class="num">pages</th></tr></thead>'
        '<tbody><tr><th scope="row">kept</th><td class="num">98</td></tr></tbody></table></div>'
    )


def test_parts_without_content_are_left_out() -> None:
    assert table("Pages", ["fate"], []) == facts({"a": "", "b": None}) == section("Pages", "", Html("")) == ""


def test_a_page_replaces_an_earlier_page_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_page(path, to_page("first"))
    write_page(path, to_page("second"))
    assert "<title>second</title>" in path.read_text(encoding="utf-8")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_no_other_file_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "thesis.html"
    path.write_text("<h1>years of work</h1>")
    with pytest.raises(UsageError, match="no report of ours"):
        write_page(path, to_page("a"))
    assert path.read_text() == "<h1>years of work</h1>"


@pytest.mark.parametrize("name", ["", "nowhere/report.html"])
def test_a_folder_or_no_folder_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="folder"):
        write_page(tmp_path / name, to_page("a"))


def test_a_page_that_cannot_be_written_is_told_and_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    write_page(path, to_page("first"))

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"No space left.*Remedy"):
        write_page(path, to_page("second"))
    assert "<title>first</title>" in path.read_text(encoding="utf-8")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_templates_of_the_inspector_take_parts_as_they_are() -> None:
    from jinja2 import Environment

    template = Environment(autoescape=True).from_string("{{ given }}")
    assert template.render(given=part("b", "<")) == "<b>&lt;</b>"
    assert template.render(given="<b>") == "&lt;b&gt;"
