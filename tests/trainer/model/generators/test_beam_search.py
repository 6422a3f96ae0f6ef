"""The search: beside all texts of a small grammar; and what its likeliest texts say of tags and relations."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
import torch

from schemas.records import Box, Entity, Relation, Sample, Span
from trainer.inputs import Features, LabelSet
from trainer.model.formats import END, FormatLabels, Grammar, PatternFormat, Symbol, make_format
from trainer.model.generators.beams import search
from trainer.model.generators.nbest import answer_weights, chain_marginals, class_marginals, tags_of
from trainer.model.generators.regions import boxes_of, keep_covered, pointer_loss

SAMPLE = Sample("1", ("Paris", "Hilton"))
LABELS = LabelSet("ner", ("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))


def grammar_and_numbers() -> tuple[PatternFormat, Grammar, dict[str, int]]:
    format_ = make_format("index", FormatLabels(("LOC", "PER")))
    assert isinstance(format_, PatternFormat)
    words = (END, *format_.pattern.words())
    return format_, Grammar(format_.pattern, SAMPLE, has_regions=False), {word: i for i, word in enumerate(words)}


def scorer(numbers: dict[str, int], columns: int):
    def score(rows: Sequence[tuple[int, Sequence[Symbol]]]) -> torch.Tensor:
        seeds = [sum((i + 1) * (hash_of(symbol, numbers) + 1) for i, symbol in enumerate(row)) for _, row in rows]
        draws = [torch.Generator().manual_seed(seed) for seed in seeds]
        return torch.stack([torch.randn(columns, generator=draw) for draw in draws])

    return score


def hash_of(symbol: Symbol, numbers: dict[str, int]) -> int:
    return numbers[symbol] if isinstance(symbol, str) else len(numbers) + symbol


def all_texts(grammar: Grammar, numbers: dict[str, int], score: object) -> dict[tuple[Symbol, ...], float]:
    """Every text of a grammar with its log probability, by walking every step."""
    found: dict[tuple[Symbol, ...], float] = {}
    open_ones = [(grammar.start(), (), 0.0)]
    while open_ones:
        state, text, value = open_ones.pop()
        allowed = grammar.allowed(state)
        symbols = [*allowed.words, *allowed.copies]
        log_probs = score([(0, text)])[0][[hash_of(symbol, numbers) for symbol in symbols]].log_softmax(0)  # type: ignore[operator]
        for symbol, each in zip(symbols, log_probs.tolist(), strict=True):
            if symbol == END:
                found[text] = value + each
            else:
                open_ones.append((grammar.step(state, symbol), (*text, symbol), value + each))
    return found


def test_a_wide_beam_finds_every_text_with_its_probability() -> None:
    _, grammar, numbers = grammar_and_numbers()
    score = scorer(numbers, len(numbers) + 2)
    every = all_texts(grammar, numbers, score)
    assert len(every) == 27  # of 2 tokens: 1 empty, 2 * 3 of one entity, 4 * 3 of two, 8 of three
    assert sum(map(math.exp, every.values())) == pytest.approx(1.0)
    found = search([grammar], numbers, score, beams=40, longest=60)[0]
    assert {row.symbols: row.log_prob for row in found} == pytest.approx(every)
    assert [row.log_prob for row in found] == sorted((row.log_prob for row in found), reverse=True)
    narrow = search([grammar], numbers, score, beams=3, longest=60)[0]
    assert len(narrow) == 3 and all(every[row.symbols] == pytest.approx(row.log_prob) for row in narrow)


def test_samples_of_a_batch_do_not_meet() -> None:
    _, grammar, numbers = grammar_and_numbers()
    score = scorer(numbers, len(numbers) + 2)
    alone = search([grammar], numbers, score, beams=2, longest=60)[0]
    assert search([grammar, grammar, grammar], numbers, score, beams=2, longest=60) == [alone] * 3


def test_a_long_text_is_cut_and_read_with_a_fault() -> None:
    format_, grammar, numbers = grammar_and_numbers()

    def stubborn(rows: Sequence[tuple[int, Sequence[Symbol]]]) -> torch.Tensor:
        scores = torch.zeros(len(rows), len(numbers) + 2)
        scores[:, numbers[END]] = -100.0
        return scores

    found = search([grammar], numbers, stubborn, beams=1, longest=2)[0][0]
    assert not found.is_whole and len(found.symbols) <= 3
    assert format_.read_symbols(found.symbols[:2], SAMPLE).faults in ((), ("unfinished",))


def test_weights_are_probabilities_and_one_answer_has_all() -> None:
    assert answer_weights([-1.0, -2.0, -3.0]).sum() == pytest.approx(1.0)
    single, pairs = chain_marginals([(-7.0, [Entity(0, 2, "PER")])], LABELS, 3)
    assert single.exp().sum(1).tolist() == pytest.approx([1.0] * 3)
    assert single.argmax(1).tolist() == [3, 4, 0] and single.exp().max(1).values.min() > 0.999
    assert torch.allclose(pairs.exp().sum((1, 2)), torch.ones(3), atol=1e-5)


def test_marginals_add_the_answers_by_their_weights() -> None:
    answers = [(math.log(0.6), [Entity(0, 1, "LOC")]), (math.log(0.2), [Entity(0, 2, "PER")])]
    single, pairs = chain_marginals(answers, LABELS, 2)
    assert single.exp()[0, [1, 3]].tolist() == pytest.approx([0.75, 0.25], abs=1e-3)
    assert single.exp()[1, [0, 4]].tolist() == pytest.approx([0.75, 0.25], abs=1e-3)
    assert pairs.exp()[1, 1, 0].item() == pytest.approx(0.75, abs=1e-3)
    assert torch.allclose(pairs.exp().sum(1), single.exp(), atol=1e-5)


def test_classes_of_a_pair_are_exact_where_all_options_are_there() -> None:
    labels = LabelSet("re", ("None", "peer", "couple"))
    pair = Span(0, 1), Span(1, 2)
    answers = [
        (math.log(0.5), [Relation(*pair, "peer")]),
        (math.log(0.3), []),
        (math.log(0.2), [Relation(*pair, "couple")]),
    ]
    assert class_marginals(answers, labels).exp().tolist() == pytest.approx([0.3, 0.5, 0.2], abs=1e-3)


def test_of_two_entities_that_overlap_the_first_one_has_tags() -> None:
    assert tags_of([Entity(0, 2, "PER"), Entity(1, 2, "LOC")], LABELS, 3) == [3, 4, 0]


def test_the_pointers_divergence_is_the_published_one() -> None:
    overlaps = torch.tensor([[0.6, 0.0, 0.9], [0.0, 0.0, 0.0]])
    targets = overlaps / overlaps.sum(1, keepdim=True).clamp(min=1e-9)
    assert targets[0].tolist() == pytest.approx([0.4, 0.0, 0.6])
    loss = pointer_loss(torch.tensor([[1.0, 0.0, 2.0], [5.0, 1.0, 1.0]]), targets)
    assert loss.tolist() == pytest.approx([0.134594, 0.0], abs=1e-6)
    absent = pointer_loss(torch.tensor([[1.0, float("-inf"), 2.0]]), targets[:1])
    assert torch.isfinite(absent).all() and absent < loss[0]


def test_an_entity_that_no_region_covers_is_learned_as_not_shown() -> None:
    records = [Entity(0, 1, "PER", boxes=(Box(0, 0, 10, 10),)), Entity(1, 2, "LOC", boxes=(Box(50, 50, 60, 60),))]
    kept, targets = keep_covered(records, [(2, Box(0, 0, 10, 9)), (4, Box(0, 0, 10, 8))], 6)
    assert [bool(row.boxes) for row in kept if isinstance(row, Entity)] == [True, False]
    assert list(targets) == [(0, 1)] and sum(targets[0, 1]) == pytest.approx(1.0)
    assert [i for i, value in enumerate(targets[0, 1]) if value] == [2, 4]


def test_vectors_without_a_place_are_no_regions() -> None:
    boxes = torch.tensor([[[float("nan")] * 4, [0.0, 0.0, 5.0, 5.0], [1.0, 1.0, 2.0, 2.0]]])
    present = torch.tensor([[True, True, False]])
    features = Features(torch.zeros(1, 3, 2), present, boxes, torch.zeros(3), None)
    assert boxes_of(features, 0) == [(1, Box(0, 0, 5, 5))]
    assert boxes_of(features._replace(boxes=None), 0) == []
