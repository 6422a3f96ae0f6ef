"""Searching until k answers differ: against a list that is read to its end."""

from __future__ import annotations

import random
from collections.abc import Sequence

from indexer.search import search_distinct


def distinct(hits: str, k: int) -> list[tuple[str, str]]:
    """The k first different letters of all hits; blanks are no key."""
    return [(letter, letter) for letter in dict.fromkeys(hits.replace(" ", ""))][:k]


def keys_of(hit: str) -> list[str]:
    return [hit] if hit != " " else []


def test_the_k_best_keys_are_those_of_the_whole_list() -> None:
    dice = random.Random(0)
    queries = ["".join(dice.choices("aaaaaabbbcd ", k=dice.randrange(120))) for _ in range(200)]
    for k in (1, 3, 9):
        found = search_distinct(queries, lambda texts, n: [list(text[:n]) for text in texts], keys_of, k, first=2 * k)
        assert found == [distinct(text, k) for text in queries]


def test_only_queries_that_lack_keys_are_searched_again_and_for_four_times_as_many() -> None:
    calls: list[tuple[list[str], int]] = []

    def search(texts: Sequence[str], n: int) -> list[list[str]]:
        calls.append((list(texts), n))
        return [list(text[:n]) for text in texts]

    queries = ["abc", "a" * 30 + "b", "a", "aab"]
    found = search_distinct(queries, search, keys_of, 2, first=2)
    assert calls == [(queries, 2), (["a" * 30 + "b", "aab"], 8), (["a" * 30 + "b"], 32)]
    assert [[key for key, _ in pairs] for pairs in found] == [["a", "b"], ["a", "b"], ["a"], ["a", "b"]]
    assert search_distinct([], search, keys_of, 2, first=2) == []


def test_a_bound_ends_the_search_with_what_was_found() -> None:
    calls: list[int] = []

    def search(texts: Sequence[str], n: int) -> list[list[str]]:
        calls.append(n)
        return [list(text[:n]) for text in texts]

    assert search_distinct(["a" * 50 + "b"], search, keys_of, 2, first=2, most=10) == [[("a", "a")]]
    assert calls == [2, 8]


def test_a_hit_with_several_keys_gives_each_of_them() -> None:
    found = search_distinct(["x"], lambda _texts, _n: [["ab", "bc"]], list, 3, first=6)
    assert found == [[("a", "ab"), ("b", "ab"), ("c", "bc")]]
