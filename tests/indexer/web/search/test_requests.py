"""The parameters of a search: their presets are those of BM25, and a blank text is none."""

from __future__ import annotations

from typing import get_args

import pytest

from indexer.text import PRESETS
from indexer.web.search.requests import Constants, SearchRequest
from schemas.errors import UsageError


def test_the_presets_whose_constants_can_be_chosen_are_all_presets() -> None:
    assert set(get_args(Constants)) == set(PRESETS)


@pytest.mark.parametrize("text", [None, "", "  "])
def test_a_blank_text_asks_nothing(text: str | None) -> None:
    request = SearchRequest(text=text)
    assert request.text is None
    with pytest.raises(UsageError, match="nothing is asked"):
        request.views()


def test_the_text_view_needs_words() -> None:
    with pytest.raises(UsageError, match="needs words"):
        SearchRequest(image=64 * "0", view="text").views()
