"""Contexts longer than the room that is left: skipped, or cut at the end of a sentence; and what the report counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Context, Sample
from trainer.inputs.examples import make_examples
from trainer.inputs.sentence_ends import sentence_ends
from trainer.inputs.tasks import TASKS
from trainer.inputs.window import Specials, fill_window

MARKS = Specials(begin=(0,), between=(2,), end=(3,), unknown=1)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        (
            "Dr. J. R. Smith met Mrs. Poe at St. Paul. He left.",
            ["Dr. J. R. Smith met Mrs. Poe at St. Paul.", "He left."],
        ),
        ("It is 3.5 m long, e.g. here. Next.", ["It is 3.5 m long, e.g. here.", "Next."]),
        ("He lived in the U.S. Army base. End", ["He lived in the U.S. Army base.", "End"]),
        ('She said "Go." Then (maybe.) He went', ['She said "Go."', "Then (maybe.)", "He went"]),
        ("first line\nsecond line", ["first line", "second line"]),
        ("犬は動物。猫も。", ["犬は動物。", "猫も。"]),
        ("no end at all", ["no end at all"]),
        ("Wait... what? Yes.", ["Wait... what?", "Yes."]),
        ("   ", []),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_say(text: str, ends: list[str]) -> None:
    found = sentence_ends(text)
    starts = [0, *found]
    assert [text[start:end].strip() for start, end in zip(starts, found, strict=False)] == ends


@given(st.text(max_size=80))
def test_ends_of_sentences_ascend_within_the_text(text: str) -> None:
    found = sentence_ends(text)
    assert found == sorted(set(found))
    assert all(0 < end <= len(text) for end in found)
    assert bool(found) == bool(text.strip())


def test_a_context_is_cut_after_the_last_sentence_that_fits() -> None:
    contexts, ends = [[20, 21, 22, 23, 24], [30, 31]], [(2, 3, 5), (2,)]
    window = fill_window([[10]], contexts, 8, MARKS, ends)
    assert window.ids == (0, 10, 2, 20, 21, 22, 3)
    assert (window.used, window.cut, window.skipped) == ((0,), (0,), 1)


def test_a_context_whose_first_sentence_is_too_long_is_skipped_and_the_next_is_tried() -> None:
    window = fill_window([[10]], [[20] * 9, [30]], 8, MARKS, [(7, 9), (1,)])
    assert window.ids == (0, 10, 2, 30, 3)
    assert (window.used, window.cut, window.skipped) == ((1,), (), 1)


@given(st.lists(st.lists(st.integers(1, 4), max_size=4), max_size=4), st.integers(4, 16), st.booleans())
def test_windows_with_cut_contexts_keep_their_size_and_whole_sentences(
    lengths: list[list[int]], size: int, is_cutting: bool
) -> None:
    contexts = [list(range(100 * number, 100 * number + sum(row))) for number, row in enumerate(lengths, start=1)]
    ends = [tuple(sum(row[: n + 1]) for n in range(len(row))) if is_cutting else () for row in lengths]
    window = fill_window([[10]], contexts, size, MARKS, ends)
    assert len(window.ids) <= size
    assert set(window.cut) <= set(window.used)
    assert window.skipped == len(contexts) - len(window.used)
    inside = window.ids[window.context_start : -1] if window.used else ()
    for position in window.used:
        own = [piece for piece in inside if piece // 100 == position + 1]
        assert own == contexts[position][: len(own)]
        assert len(own) == len(contexts[position]) or (position in window.cut and len(own) in ends[position])


class Words:
    """A tokenizer whose pieces are the words, as a fast one tells their places."""

    unk_token_id = 1

    def __call__(self, texts: list[str], pairs: list[str] | None = None, **settings: object) -> object:
        if pairs is not None:
            return Encoded({"input_ids": [[0, 5, 2, 6, 3]]}, [[None, 0, None, 1, None]])
        rows = [text if isinstance(text, list) else text.split() for text in texts]
        offsets = [[(0, 0)] * len(row) for row in rows]
        for number, text in enumerate(texts):
            if isinstance(text, str):
                place = 0
                for word, piece in enumerate(text.split()):
                    place = text.index(piece, place) + len(piece)
                    offsets[number][word] = (place - len(piece), place)
        ids = [[10 + len(piece) for piece in row] for row in rows]
        return Encoded({"input_ids": ids, "offset_mapping": offsets}, [list(range(len(row))) for row in rows])


class Encoded(dict[str, object]):
    """What a tokenizer returns."""

    def __init__(self, values: dict[str, object], parts: list[list[int | None]]) -> None:
        super().__init__(values)
        self._parts = parts

    def sequence_ids(self, row: int) -> list[int | None]:
        return self._parts[row]

    def word_ids(self, row: int) -> list[int | None]:
        return self._parts[row]


@pytest.mark.parametrize(
    ("is_cutting", "ranks"), [(False, [(1, 0, 0), (0, 0, 1), (1, 0, 0)]), (True, [(1, 0, 0), (0, 1, 0), (1, 0, 0)])]
)
def test_the_ranks_that_are_read_cut_and_lost_are_counted(is_cutting: bool, ranks: list[tuple[int, int, int]]) -> None:
    texts = ["One two.", "It is so. And this end is too long for it.", "Last."]
    contexts = [Context("a", "text", rank, None, "", "", text, "") for rank, text in enumerate(texts, start=1)]
    sample = Sample("a", ("x", "y"), tags=("O", "O"))
    found = make_examples(
        [sample], {"a": contexts}, Words(), TASKS["ner"], lambda *_: (0, 0), 11, is_cutting=is_cutting
    )
    assert found.counts.ranks == {"text": ranks}
    assert found.counts.cut_contexts == int(is_cutting)
    assert found.rows[0].used == ((0, 1, 2) if is_cutting else (0, 2))
