"""Expansions of entities: found in the tokens of their post, keyed by the span, and without the label."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.contexts.expansions import find_spans, import_expansions
from schemas.context_cache import read_context_rows
from schemas.dataset import write_dataset
from schemas.errors import InputError
from schemas.records import Sample

ROWS = (
    Sample("test-1", ("Chris", "Brown", "and", "NBA", "and", "NBA"), "1.jpg"),
    Sample("test-2", ("The", "@nba", "star"), "2.jpg"),
    Sample("test-3", ("NBA",), None),
)


def data_set(folder: Path) -> Path:
    write_dataset(folder / "set", {"test": ROWS}, name="set", task="ner", labels=(), inputs=(), counters={})
    return folder / "set"


def expand(folder: Path, text: str, *, allow_unmatched: bool = False) -> list[tuple[str, str, str, str]]:
    folder.mkdir(exist_ok=True)
    (folder / "e.txt").write_text(text)
    samples = data_set(folder)
    import_expansions(folder / "e.txt", samples, folder / "out", "expansion", allow_unmatched=allow_unmatched)
    return [(row.sample_id, row.matched, row.title, row.text) for row in read_context_rows(folder / "out")]


def test_the_two_files_of_riveg_become_contexts_of_spans_without_their_labels(tmp_path: Path) -> None:
    text = (
        "1.jpg###NBA(ORG)###a league###0###&[0, 0, 0, 0]\r\n"
        "Imageid:1.jpg#7060###Chris Brown(PER)###Chris Brown(PER)-A singer.###2\n"
        "1.jpg###NBA(ORG)###once more###0###&[0, 0, 0, 0]\n"
    )
    assert expand(tmp_path, text) == [
        ("test-1", "3-4", "NBA", "NBA: a league"),
        ("test-1", "0-2", "Chris Brown", "Chris Brown: A singer."),
        ("test-1", "5-6", "NBA", "NBA: once more"),
    ]


def test_lines_of_json_name_the_span_themselves(tmp_path: Path) -> None:
    text = '{"sample_id": "test-3", "start": 0, "end": 1, "text": "a  league"}\n'
    assert expand(tmp_path, text) == [("test-3", "0-1", "NBA", "NBA: a league")]


@pytest.mark.parametrize(
    "line",
    [
        "1.jpg###NBA###a league###0",
        "1.jpg###NBA(ORG)",
        "###NBA(ORG)###x",
        "1.jpg###(ORG)###x",
        "plain",
        '{"sample_id": "test-3", "start": 0, "text": "x"}',
        r'{"sample_id": "test-3", "start": 0, "end": 1, "text": "\ud800"}',
        '{"sample_id": "test-3", "start": true, "end": 1, "text": "x"}',
        "{" * 100_000,
        "9.jpg###NBA(ORG)###a league###0",
        "2.jpg###Chris Brown(PER)###a singer###0",
        '{"sample_id": "test-3", "start": 0, "end": 2, "text": "behind the last token"}',
        '{"sample_id": "test-9", "start": 0, "end": 1, "text": "x"}',
    ],
)
def test_a_line_of_no_form_or_about_nothing_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError) as caught:
        expand(tmp_path, "1.jpg###NBA(ORG)###a league###0\n" + line + "\n")
    assert caught.value.place == "line 2" and caught.value.remedy


def test_lines_about_other_posts_can_be_left_out_but_not_all_of_them(tmp_path: Path) -> None:
    text = "9.jpg###NBA(ORG)###x###0\n1.jpg###NBA(ORG)###a league###0\n"
    assert len(expand(tmp_path, text, allow_unmatched=True)) == 1
    with pytest.raises(InputError, match="no expansion is of an entity"):
        expand(tmp_path / "other", "9.jpg###NBA(ORG)###x###0\n", allow_unmatched=True)


def test_a_name_is_found_over_token_bounds_and_in_other_case() -> None:
    assert find_spans(("New", "York", "new", "york"), "New York") == [(0, 2)]
    assert find_spans(("new", "york"), "New York") == [(0, 2)]
    assert find_spans(("U", ".", "S", "."), "U.S.") == [(0, 4)]
    assert find_spans(("Newark",), "New") == find_spans((), "x") == find_spans(("a",), "") == []


@pytest.mark.integration
def test_every_gold_entity_of_gmner_is_found_in_its_post(shared_data: Path, tmp_path: Path) -> None:
    from schemas.text_files import TextFile
    from trainer.data import convert_files

    convert_files({"test": TextFile(shared_data / "gmner" / "test.txt")}, tmp_path / "set", name="gmner")
    file = shared_data / "riveg" / "GMNER_finall_label.txt"
    info = import_expansions(file, tmp_path / "set", tmp_path / "out", "expansion")
    assert info.sources["expansion"].contexts == 2542 and info.parameters["unmatched_lines"] == 0
    rows = read_context_rows(tmp_path / "out")
    assert not any("(PER)" in row.text or "(OTHER)" in row.text for row in rows)
