"""Queries from a file or the command line: what is read, what is refused and with which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from indexer.index import WikiIndex
from indexer.report import UserQuery, answer_query, read_batch
from indexer.search import SearchParams
from schemas.errors import InputError, UsageError


def batch(folder: Path, content: str | bytes, name: str = "queries.jsonl") -> list[UserQuery]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_batch(path))


def test_a_text_file_holds_a_query_a_line_named_by_its_number(tmp_path: Path) -> None:
    queries = batch(tmp_path, "first words\r\n\n   \nبغداد 😀", "queries.txt")
    assert queries == [UserQuery("1", "first words", None), UserQuery("4", "بغداد 😀", None)]


def test_a_byte_order_mark_is_no_part_of_the_first_query(tmp_path: Path) -> None:
    assert batch(tmp_path, b"\xef\xbb\xbfAlabama\n", "queries.txt") == [UserQuery("1", "Alabama", None)]


def test_json_lines_name_their_queries_and_may_hold_pictures(tmp_path: Path) -> None:
    lines = '{"id": "a", "text": "x"}\n{"text": "y", "image": "p/q.jpg"}\n{"id": 7, "image": "r.png", "text": null}\n'
    assert batch(tmp_path, lines) == [
        UserQuery("a", "x", None),
        UserQuery("2", "y", Path("p/q.jpg")),
        UserQuery("7", None, Path("r.png")),
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("words", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('["x"]', "not an object"),
        ('{"id": "a"}', "not an object with text or image"),
        ('{"text": null}', "not an object with text or image"),
        ('{"text": "x", "k": 3}', "not an object with text or image"),
        ('{"text": 5}', "must be strings"),
        ('{"image": ["a"]}', "must be strings"),
    ],
)
def test_a_line_that_is_no_query_is_named_with_its_number_and_a_remedy(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(InputError) as raised:
        batch(tmp_path, '{"text": "good"}\n' + line + "\n")
    assert problem in raised.value.message
    assert raised.value.place == "line 2"
    assert raised.value.path == str(tmp_path / "queries.jsonl")
    assert "write lines like" in str(raised.value)


def test_good_queries_before_a_bad_line_are_read_first(tmp_path: Path) -> None:
    path = tmp_path / "queries.jsonl"
    path.write_text('{"text": "good"}\nbad\n')
    reading = read_batch(path)
    assert next(reading) == UserQuery("1", "good", None)
    with pytest.raises(InputError):
        next(reading)


def test_a_line_without_end_is_refused_and_never_cut_in_two(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="longer than 1,000,000 characters"):
        batch(tmp_path, "word " * 250_000, "queries.txt")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"good\n\xc3\x28\n"])
def test_a_file_that_is_not_text_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"cannot be read.*UTF-8 text file"):
        batch(tmp_path, content, "queries.txt")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.txt.*No such file"):
        list(read_batch(tmp_path / "nothing.txt"))
    with pytest.raises(InputError, match="Is a directory"):
        list(read_batch(tmp_path))


class Index:
    """An index that has a text view and an image view and was asked for nothing yet."""

    image_searcher = None

    def search_text(self, queries: list[str], k: int, title_boost: float) -> list[list[Any]]:
        return [[query, k] for query in queries]

    def search_image(self, images: list[Any], k: int) -> list[list[Any]]:
        raise AssertionError("no picture was read")


def answers(query: UserQuery) -> list[Any]:
    return list(answer_query(cast(WikiIndex, Index()), query, SearchParams(3)))


def test_a_text_is_asked_as_it_stands() -> None:
    assert answers(UserQuery(None, " ?! ", None)) == [("text", [" ?! ", 3])]


@pytest.mark.parametrize("text", ["", " \t\n"])
def test_an_empty_text_is_a_usage_error_alone_and_has_no_answer_in_a_batch(text: str) -> None:
    with pytest.raises(UsageError, match="the text of the query is empty"):
        answers(UserQuery(None, text, None))
    assert answers(UserQuery("12", text, None)) == [("text", [])]


def test_a_batch_goes_on_after_a_text_that_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"id": "a", "text": ""}\n{"id": "b", "text": " "}\n{"id": "c", "text": "tea"}\n')
    found = [(query.query_id, answers(query)) for query in read_batch(path)]
    assert found == [("a", [("text", [])]), ("b", [("text", [])]), ("c", [("text", ["tea", 3])])]


@pytest.mark.parametrize("name", ["nothing.jpg", ".", "a\0b.jpg", "\ud800.jpg"])
def test_a_picture_that_cannot_be_read_is_an_input_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="the picture cannot be read"):
        answers(UserQuery(None, None, tmp_path / name))


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"no picture"])
def test_a_file_that_is_no_picture_is_an_input_error_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        answers(UserQuery(None, None, path))
    assert raised.value.path == str(path)
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("query", "params", "problem"),
    [
        (UserQuery("7", "snow", Path("a.jpg")), SearchParams(), "both the words and the picture"),
        (UserQuery("7", "snow", None), SearchParams(title_boost=2), "title boost"),
        (UserQuery(None, " ", None), SearchParams(), "empty"),
    ],
)
def test_words_that_look_for_pictures_are_refused_before_anything_is_loaded(
    query: UserQuery, params: SearchParams, problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        list(answer_query(cast(WikiIndex, None), query, params, "image"))
