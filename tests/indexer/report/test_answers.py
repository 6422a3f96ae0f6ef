"""Answers on a terminal and as JSON: hostile text stays text."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from indexer.report import print_answers, print_info, printable, to_json, to_json_line
from indexer.search import Answer
from schemas.manifest import InputFile, Manifest

HOSTILE = "a\x1b[31mred\x1b]0;title\x07 \x9b2J \u202eevil\u2066 [bold]b[/bold] [/nothing] :smile: \u2028 \ud800"
STEERING = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u202e", "\u2066", "\u2028", "\ud800"}


def answer(**changes: object) -> Answer:
    values = {"view": "text", "rank": 1, "score": 7.25, "doc_id": "3#0", "title": "Snow", "matched": "Dogs love snow."}
    return Answer(**{**values, "text": "Dogs love snow. It is cold.", **changes})  # type: ignore[arg-type]


def printed(answers: Sequence[Answer], *, is_whole: bool = False, terminal: bool = False, words: str = "") -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=200, highlight=False, force_terminal=terminal, color_system="standard" if terminal else None
    )
    print_answers(
        console, answers, tokenize=lambda word: [w for w in words.split() if w == word.lower()], is_whole=is_whole
    )
    return out.getvalue()


def test_a_line_of_json_has_exactly_the_keys_of_its_view() -> None:
    assert json.loads(to_json_line(answer())) == {
        "view": "text",
        "rank": 1,
        "score": 7.25,
        "doc_id": "3#0",
        "title": "Snow",
        "description": "",
        "matched": "Dogs love snow.",
        "text": "Dogs love snow. It is cold.",
    }
    image = json.loads(to_json_line(answer(view="image", file="Snow.jpg", matched="Snow.jpg"), query_id="7"))
    assert list(image) == [
        "view",
        "rank",
        "score",
        "doc_id",
        "title",
        "description",
        "matched",
        "text",
        "file",
        "file_page",
        "query_id",
    ]


def test_a_table_shows_the_description_below_the_title() -> None:
    shown = printed([answer(description="Ice that falls from clouds")])
    assert "Snow" in shown and "Ice that falls" in shown
    assert json.loads(to_json_line(answer(description="Ice")))["description"] == "Ice"


@given(st.text(st.characters(), max_size=40))
def test_json_gives_every_text_back_and_cannot_steer_a_terminal(text: str) -> None:
    line = to_json({"a": text})
    assert json.loads(line) == {"a": text}
    assert not STEERING & set(line)
    line.encode("utf-8")


@given(st.text(st.characters(), max_size=40))
def test_plain_text_keeps_its_length_and_loses_what_steers(text: str) -> None:
    assert len(printable(text)) == len(text)
    assert not STEERING & set(printable(text))
    assert printable(printable(text)) == printable(text)


def test_hostile_text_reaches_the_table_as_text() -> None:
    shown = printed([answer(title=HOSTILE, matched=HOSTILE, text=HOSTILE, section=HOSTILE)], is_whole=True)
    assert not (STEERING - {"\n"}) & set(shown)
    assert "[bold]b[/bold]" in shown
    assert ":smile:" in shown


def test_words_of_the_query_are_marked_on_a_terminal_only() -> None:
    assert "\x1b[1;33mDogs\x1b[0m" in printed([answer()], terminal=True, words="dogs")
    assert "\x1b" not in printed([answer()], words="dogs")


def test_a_long_text_is_shortened_unless_the_whole_is_asked_for() -> None:
    long = answer(text="word " * 100 + "END")
    assert "END" not in printed([long])
    assert "…" in printed([long])
    assert "END" in printed([long], is_whole=True)
    assert "END" not in printed([answer(text="x" * 1000 + "END")])


def test_a_picture_shows_its_file_caption_and_introduction() -> None:
    shown = printed([answer(view="image", file="Snow.jpg", caption="white", section="Winter")])
    assert all(word in shown for word in ("Snow.jpg: white", "introduction", "Snow / Winter", "Dogs love snow."))


def test_no_hit_is_said() -> None:
    assert printed([]) == "no hit\n"


@pytest.mark.parametrize("path", ["/data/[bold]x", "/data/[/x]", "a\x1b[31mb"])
def test_info_prints_any_path(path: str) -> None:
    manifest = Manifest(
        config={},
        fingerprint="0",
        inputs=(InputFile(path, 1, "0"),),
        pages_read=0,
        counts={},
        counters={},
        shards=(),
        text_index=None,
        image_index=None,
        versions={},
        created="2026",
    )
    out = io.StringIO()
    print_info(Console(file=out, width=200), Path(path), manifest)
    assert printable(path) in out.getvalue()
    assert "\x1b" not in out.getvalue()
