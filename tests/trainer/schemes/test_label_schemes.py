"""Label schemes: what goes in comes out, and what is lost is listed."""

from __future__ import annotations

import json
from itertools import chain, combinations, pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dataset import read_dataset, read_samples
from schemas.entities import find_entities
from schemas.records import Entity, Relation, Span
from schemas.text_files import TextFile, find_split_files
from trainer.data import convert_files
from trainer.schemes.joint_grid import decode_joint, encode_joint
from trainer.schemes.record_grids import JointScheme, W2nerScheme
from trainer.schemes.span_ends import decode_flat, decode_nested
from trainer.schemes.w2ner import NEXT, Mention, decode_w2ner, encode_w2ner

TYPES = ("X", "Y")
AMBIGUOUS = {
    ((0, 2), (0, 1, 2, 3)), ((1, 3), (0, 1, 2, 3)), ((0, 1, 2), (0, 2, 3)), ((0, 1, 3), (1, 2, 3)),
}  # fmt: skip
"""Both make the same links, which can be walked in another way too."""
SPANS = [(start, end) for start in range(4) for end in range(start + 1, 5)]


def is_sayable(mentions: tuple[Mention, ...]) -> bool:
    """Whether no pair of last and first word has two types: the grid has one cell for them."""
    cells = {(words[-1], words[0]): kind for words, kind in mentions}
    return all(cells[words[-1], words[0]] == kind for words, kind in mentions)


def test_w2ner_keeps_all_sets_of_up_to_three_nested_spans_of_four_words() -> None:
    items: list[Mention] = [(tuple(range(*span)), kind) for span in SPANS for kind in TYPES]
    sets = [found for n in (1, 2, 3) for found in combinations(items, n) if is_sayable(found)]
    assert len(sets) == 1160
    assert all(decode_w2ner(encode_w2ner(found, 4, TYPES), TYPES) == set(found) for found in sets)


def test_of_the_pairs_of_discontinuous_mentions_of_four_words_sixteen_are_ambiguous() -> None:
    subsets = [words for n in (1, 2, 3, 4) for words in combinations(range(4), n)]
    items: list[Mention] = [(words, kind) for words in subsets for kind in TYPES]
    pairs = [pair for pair in combinations(items, 2) if is_sayable(pair)]
    lost = [pair for pair in pairs if decode_w2ner(encode_w2ner(pair, 4, TYPES), TYPES) != set(pair)]
    assert (len(pairs), len(lost)) == (404, 16)
    assert {tuple(words for words, _ in pair) for pair in lost} == AMBIGUOUS  # four pairs of words, with two types each
    # each of them says more than was written: never less
    assert all(decode_w2ner(encode_w2ner(pair, 4, TYPES), TYPES) > set(pair) for pair in lost)


@given(
    st.integers(1, 9).flatmap(
        lambda length: st.tuples(
            st.just(length),
            st.dictionaries(
                st.tuples(st.integers(0, length - 1), st.integers(1, length)).map(
                    lambda pair: (min(pair[0], pair[1] - 1), max(pair[0] + 1, pair[1]))
                ),
                st.sampled_from(TYPES),
                max_size=8,
            ),
        )
    )
)
def test_w2ner_keeps_any_nested_adjacent_and_overlapping_spans(case: tuple[int, dict[tuple[int, int], str]]) -> None:
    length, spans = case
    mentions = {(tuple(range(*span)), kind) for span, kind in spans.items()}
    assert decode_w2ner(encode_w2ner(mentions, length, TYPES), TYPES) == mentions


def brute_force_mentions(grid: np.ndarray) -> set[Mention]:
    """Try every set of words for every typed cell."""
    found = set()
    for last, first in product(range(len(grid)), repeat=2):
        if first <= last and grid[last, first] > NEXT:
            inner = range(first + 1, last)
            for middle in chain.from_iterable(combinations(inner, n) for n in range(len(inner) + 1)):
                words = tuple(dict.fromkeys((first, *middle, last)))
                if all(grid[a, b] == NEXT for a, b in pairwise(words)):
                    found.add((words, TYPES[grid[last, first] - 2]))
    return found


@given(st.integers(1, 6).flatmap(lambda n: st.lists(st.integers(0, 3), min_size=n * n, max_size=n * n)))
def test_w2ner_reads_any_grid_as_trying_all_sets_of_words_does(cells: list[int]) -> None:
    size = int(len(cells) ** 0.5)
    grid = np.array(cells).reshape(size, size)
    assert decode_w2ner(grid, TYPES) == brute_force_mentions(grid)


def test_w2ner_ends_on_a_grid_that_links_every_word_to_every_other() -> None:
    grid = np.triu(np.ones((60, 60), dtype=np.int64), 1)
    grid[59, 0] = 2
    assert len(decode_w2ner(grid, TYPES)) == 10_000


@pytest.mark.parametrize("starts", [*product([False, True], repeat=3)])
@pytest.mark.parametrize("ends", [*product([False, True], repeat=3)])
def test_ends_decode_as_their_definition_says(starts: tuple[bool, ...], ends: tuple[bool, ...]) -> None:
    cells = [(i, j) for i in range(3) for j in range(i, 3)]
    for bits in product([False, True], repeat=len(cells)):
        matches = [[False] * 3 for _ in range(3)]
        for (i, j), bit in zip(cells, bits, strict=True):
            matches[i][j] = bit
        nested = [Span(i, j + 1) for i, j in cells if starts[i] and ends[j] and matches[i][j]]
        assert decode_nested(starts, ends, matches) == nested
        nearest = {i: min((j for j in range(i, 3) if ends[j]), default=None) for i in range(3) if starts[i]}
        flat = [Span(i, j + 1) for i, j in nearest.items() if j is not None and matches[i][j]]
        assert decode_flat(starts, ends, matches) == flat


def test_the_joint_grid_keeps_direction_and_parts_neighbours() -> None:
    entities = (Entity(0, 2, "X"), Entity(2, 4, "X"), Entity(5, 6, "Y"))
    relations = (Relation(Span(5, 6), Span(0, 2), "of"), Relation(Span(0, 2), Span(2, 4), "by"))
    grid = encode_joint(entities, relations, 7, TYPES, ("by", "of"))
    found, read = decode_joint(grid, TYPES, ("by", "of"))
    assert found == entities and set(read) == set(relations)


def test_the_joint_grid_keeps_every_flat_set_of_records_of_three_words() -> None:
    flat = [cut for n in range(4) for cut in combinations(SPANS, n) if cut == tuple(sorted(cut))]
    flat = [cut for cut in flat if all(end <= 3 for _, end in cut) and len({w for c in cut for w in range(*c)}) == sum(
        end - start for start, end in cut
    )]  # fmt: skip
    assert len(flat) == 13
    for cut in flat:
        for kinds in product(TYPES, repeat=len(cut)):
            entities = tuple(Entity(*span, kind) for span, kind in zip(cut, kinds, strict=True))
            pairs = [(Span(*a), Span(*b)) for a in cut for b in cut if a != b]
            for names in product((None, "by", "of"), repeat=len(pairs)):
                relations = {Relation(*pair, name) for pair, name in zip(pairs, names, strict=True) if name}
                read = decode_joint(
                    encode_joint(entities, tuple(relations), 3, TYPES, ("by", "of")), TYPES, ("by", "of")
                )
                assert read[0] == entities and set(read[1]) == relations


@pytest.mark.parametrize(
    ("name", "posts", "found"),
    [
        ("gmner", (7000, 1500, 1500), {"train": (19_805, 11_779)}),
        ("twitter2015", (4000, 1000, 3257), {"train": (None, 6352)}),
    ],
)
def test_w2ner_keeps_all_posts_and_nearest_ends_find_all_entities(
    shared_data: Path, tmp_path: Path, name: str, posts: tuple[int, ...], found: dict[str, tuple[int | None, int]]
) -> None:
    dev = "dev" if name == "gmner" else "valid"
    files = {
        split: shared_data / name / f"{dev if split == 'dev' else split}.txt" for split in ("train", "dev", "test")
    }
    dataset = convert_files({split: TextFile(path) for split, path in files.items()}, tmp_path / "set", name=name)
    assert tuple(row.rows for row in dataset.splits.values()) == posts
    for split in dataset.splits:
        cells, entities = 0, 0
        for sample in read_samples(tmp_path / "set", split):
            rows, length = find_entities(sample.tags or ()), len(sample.tokens)
            scheme = W2nerScheme(dataset.labels)
            grid = scheme.encode(rows, (), length)
            assert scheme.decode(grid) == (tuple(rows), ())
            cells += int((grid > 0).sum())
            for kind in {row.type for row in rows}:
                spans = [Span(row.start, row.end) for row in rows if row.type == kind]
                starts = [any(i == span.start for span in spans) for i in range(length)]
                ends = [any(i + 1 == span.end for span in spans) for i in range(length)]
                assert decode_flat(starts, ends) == spans
                entities += len(spans)
        counted = found.get(split)
        assert counted is None or (counted[0] in (None, cells) and counted[1] == entities)


RECORDS = st.integers(1, 7).flatmap(
    lambda length: st.tuples(
        st.just(length),
        st.dictionaries(
            st.tuples(st.integers(0, length - 1), st.integers(1, length)).map(
                lambda pair: (min(pair[0], pair[1] - 1), max(pair[0] + 1, pair[1]))
            ),
            st.sampled_from(TYPES),
            max_size=6,
        ),
        st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from(("by", "of"))), max_size=4),
    )
)
"""Length, spans with their types (nested, adjacent, overlapping), relations between the spans of two numbers."""


def make_records(
    spans: dict[tuple[int, int], str], pairs: list[tuple[int, int, str]]
) -> tuple[tuple[Entity, ...], tuple[Relation, ...]]:
    """Make the entities, and one relation at most from a span to another."""
    ends = [Span(*span) for span in spans]
    named = {(ends[a % len(ends)], ends[b % len(ends)]): name for a, b, name in pairs if ends}
    relations = tuple(Relation(*ends, name) for ends, name in named.items() if ends[0] != ends[1])
    return tuple(sorted(Entity(*span, kind) for span, kind in spans.items())), relations


@given(RECORDS)
def test_any_set_of_records_goes_through_each_scheme(
    case: tuple[int, dict[tuple[int, int], str], list[tuple[int, int, str]]],
) -> None:
    length, spans, pairs = case
    entities, relations = make_records(spans, pairs)
    assert W2nerScheme(TYPES).decode(W2nerScheme(TYPES).encode(entities, (), length)) == (entities, ())
    scheme = JointScheme(TYPES, ("by", "of"))
    read, found = scheme.decode(scheme.encode(entities, relations, length))
    if all(a.end <= b.start for a, b in pairwise(entities)):
        assert read == entities and set(found) == set(relations)
    # of spans that share words the later ones stay, whole or in part: never a word in two entities, never one outside
    assert all(a.end <= b.start for a, b in pairwise(read)) and all(0 <= a.start < a.end <= length for a in read)
    assert {end for row in found for end in (row.head, row.tail)} <= {Span(row.start, row.end) for row in read}


@given(RECORDS)
def test_any_set_of_spans_goes_through_its_ends(
    case: tuple[int, dict[tuple[int, int], str], list[tuple[int, int, str]]],
) -> None:
    length, spans, _ = case
    starts = [any(i == span[0] for span in spans) for i in range(length)]
    ends = [any(i + 1 == span[1] for span in spans) for i in range(length)]
    matches = [[(i, j + 1) in spans for j in range(length)] for i in range(length)]
    assert decode_nested(starts, ends, matches) == sorted(Span(*span) for span in spans)
    flat = decode_flat(starts, ends, matches)
    assert set(flat) <= {Span(*span) for span in spans}
    if all(a[1] <= b[0] for a, b in pairwise(sorted(spans))):
        assert flat == sorted(Span(*span) for span in spans)


def test_w2ner_keeps_the_sentences_of_its_authors(shared_data: Path) -> None:
    mentions = 0
    for split in ("train", "dev", "test"):
        for row in json.loads((shared_data / "w2ner" / f"{split}.json").read_text(encoding="utf-8")):
            found = {(tuple(part["index"]), part["type"]) for part in row["ner"]}
            assert decode_w2ner(encode_w2ner(found, len(row["sentence"]), ("ADR",)), ("ADR",)) == found
            mentions += len(found)
    assert mentions == 9


def test_a_mention_with_gaps_is_no_entity() -> None:
    grid = encode_w2ner([((0, 2), "X"), ((1,), "Y")], 3, TYPES)
    assert W2nerScheme(TYPES).decode(grid) == ((Entity(1, 2, "Y"),), ())


def test_the_joint_grid_loses_what_overlaps_in_jmere_and_nothing_else(shared_data: Path, tmp_path: Path) -> None:
    files = {"dev": find_split_files(shared_data / "mnre")["dev"]}
    convert_files(files, tmp_path / "set", name="jmere")
    labels = read_dataset(tmp_path / "set").labels
    types, names = labels[:4], labels[4:]
    lost = []
    for row in read_samples(tmp_path / "set", "dev"):
        grid = encode_joint(row.entities or (), row.relations or (), len(row.tokens), types, names)
        entities, relations = decode_joint(grid, types, names)
        if set(entities) != set(row.entities or ()) or set(relations) != set(row.relations or ()):
            lost.append(row.sample_id)
    assert "dev-22" in lost, "the sample with entities that overlap"
    assert len(lost) <= 3, lost
