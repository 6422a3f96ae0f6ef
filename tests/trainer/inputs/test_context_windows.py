"""Windows: whole contexts in rank order, every token's first piece, nothing beyond the length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.inputs import Specials
from trainer.inputs.window import count_windows, fill_window

MARKS = Specials(begin=(0,), between=(2, 2), end=(2,), unknown=3)
PIECES = st.lists(st.integers(10, 99), max_size=4)
TOKENS = st.lists(PIECES, min_size=1, max_size=12)
CONTEXTS = st.lists(st.lists(st.integers(100, 199), max_size=9), max_size=6)
LENGTHS = st.integers(3, 40)


def whole(tokens: list[list[int]]) -> list[list[int]]:
    return [pieces or [MARKS.unknown] for pieces in tokens]


@given(TOKENS, CONTEXTS, LENGTHS)
def test_a_window_never_exceeds_its_length_and_has_its_marks(
    tokens: list[list[int]], contexts: list[list[int]], length: int
) -> None:
    window = fill_window(tokens, contexts, length, MARKS)
    assert len(window.ids) <= length
    assert window.ids[:1] == MARKS.begin and window.ids[-1:] == MARKS.end
    assert len(window.used) + window.skipped == len(contexts)


@given(TOKENS, CONTEXTS, LENGTHS)
def test_the_sentence_stands_first_with_the_first_piece_of_each_token(
    tokens: list[list[int]], contexts: list[list[int]], length: int
) -> None:
    window = fill_window(tokens, contexts, length, MARKS)
    inside = whole(tokens)[: len(window.first_piece)]
    assert len(tokens) == len(window.first_piece) + window.cut_tokens
    flat = [piece for pieces in inside for piece in pieces]
    assert list(window.ids[1 : 1 + len(flat)]) == flat
    assert [window.ids[position] for position in window.first_piece] == [pieces[0] for pieces in inside]
    assert list(window.first_piece) == sorted(set(window.first_piece))
    assert all(position < window.context_start for position in window.first_piece)


@given(TOKENS, CONTEXTS, LENGTHS)
def test_contexts_are_in_whole_and_in_rank_order(
    tokens: list[list[int]], contexts: list[list[int]], length: int
) -> None:
    window = fill_window(tokens, contexts, length, MARKS)
    expected = [piece for position in window.used for piece in contexts[position]]
    end = len(window.ids) - len(MARKS.end)
    assert list(window.ids[window.context_start : end]) == expected
    assert list(window.used) == sorted(set(window.used))
    if window.used:
        assert window.ids[window.context_start - 2 : window.context_start] == MARKS.between


@given(TOKENS, CONTEXTS, LENGTHS)
def test_a_context_is_left_out_only_where_it_did_not_fit_at_its_turn(
    tokens: list[list[int]], contexts: list[list[int]], length: int
) -> None:
    window = fill_window(tokens, contexts, length, MARKS)
    sentence = sum(map(len, whole(tokens)))
    filled = len(MARKS.begin) + sentence + len(MARKS.between) + len(MARKS.end)
    for position, pieces in enumerate(contexts):
        fits = filled + len(pieces) <= length
        assert (position in window.used) == fits
        filled += len(pieces) if fits else 0


@given(TOKENS, LENGTHS)
def test_a_sentence_is_cut_only_where_the_next_token_does_not_fit(tokens: list[list[int]], length: int) -> None:
    window = fill_window(tokens, [], length, MARKS)
    kept = len(window.first_piece)
    size = sum(len(pieces) for pieces in whole(tokens)[: kept + 1]) + len(MARKS.begin) + len(MARKS.end)
    assert (window.cut_tokens > 0) == (kept < len(tokens))
    if window.cut_tokens:
        assert size > length


@given(TOKENS, CONTEXTS, LENGTHS)
def test_without_contexts_the_window_is_that_of_the_bare_sentence(
    tokens: list[list[int]], contexts: list[list[int]], length: int
) -> None:
    bare = fill_window(tokens, [], length, MARKS)
    window = fill_window(tokens, contexts, length, MARKS)
    assert window.first_piece == bare.first_piece and window.cut_tokens == bare.cut_tokens
    if not window.used:
        assert window.ids == bare.ids


def test_one_that_does_not_fit_is_skipped_and_the_next_is_tried() -> None:
    window = fill_window([[10]], [[100] * 3, [101] * 9, [102] * 2], 10, MARKS)
    assert window.ids == (0, 10, 2, 2, 100, 100, 100, 102, 102, 2)
    assert window.used == (0, 2) and window.skipped == 1 and window.context_start == 4


def test_a_token_without_pieces_keeps_a_state() -> None:
    window = fill_window([[10], [], [11]], [], 8, MARKS)
    assert window.ids == (0, 10, 3, 11, 2) and window.first_piece == (1, 2, 3)


def test_a_window_without_room_is_an_error_and_the_counts_add_up() -> None:
    with pytest.raises(ValueError, match="no room"):
        fill_window([[10]], [], 2, MARKS)
    windows = [fill_window([[10]] * 9, [[100]], 6, MARKS), fill_window([[10]], [[100], [101] * 9], 8, MARKS)]
    counts = count_windows(windows)
    assert (counts.contexts, counts.skipped, counts.windows_with_skipped) == (3, 2, 2)
    assert (counts.cut_sentences, counts.cut_tokens, counts.mean_pieces) == (1, 5, 6.0)
    assert counts.truncation_rate == pytest.approx(2 / 3)
    assert count_windows([]).truncation_rate == 0.0
