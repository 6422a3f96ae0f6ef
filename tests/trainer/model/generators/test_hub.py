"""Pretrained models that write, with tiny random ones of each kind: under a grammar no answer has a fault."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from schemas.errors import InputError
from schemas.records import Sample
from tests.support.tiny_generator import build_generator
from trainer.model.formats import FormatLabels, Grammar, PatternFormat, make_format
from trainer.model.generators.hub import HubGenerator, load_generator
from trainer.model.generators.pieces import PieceGrammar, symbol_pieces

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]

SAMPLE = Sample("1", ("Paris", "met", "Paris", "Hilton"))
FORMATS = [("phrase", {"has_regions": False}), ("umie", {}), ("sel", {}), ("boxes", {})]


@pytest.fixture(scope="module", params=["t5", "bart", "gpt2"])
def generator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> HubGenerator:
    return load_generator(str(build_generator(tmp_path_factory.mktemp(request.param), request.param)))


def grammar_of(kind: str, extra: dict[str, Any], generator: HubGenerator) -> tuple[PatternFormat, PieceGrammar]:
    format_ = make_format(kind, FormatLabels(("LOC", "PER")), **extra)
    assert isinstance(format_, PatternFormat)
    grammar = Grammar(format_.pattern, SAMPLE, has_regions=False)
    return format_, PieceGrammar(grammar, SAMPLE.tokens, generator.tokenizer, generator.end)


@pytest.mark.parametrize(("kind", "extra"), FORMATS)
@pytest.mark.parametrize("beams", [1, 3])
def test_what_a_model_writes_under_a_grammar_has_no_fault(
    generator: HubGenerator, kind: str, extra: dict[str, Any], beams: int
) -> None:
    format_, grammar = grammar_of(kind, extra, generator)
    for written in generator.write("Give the text Paris met Paris Hilton", grammar, beams, longest=120):
        symbols = grammar.symbols(written.pieces)
        answer = format_.read_symbols(symbols, SAMPLE)
        assert not answer.faults and written.log_prob <= 0


def test_the_texts_of_a_grammar_share_one_probability(generator: HubGenerator) -> None:
    """Over all short texts, and those that are cut, the probabilities sum to one."""
    _, grammar = grammar_of("umie", {}, generator)
    small = Grammar(grammar.grammar.pattern, Sample("1", ("met",)), has_regions=False)
    pieces = PieceGrammar(small, ("met",), generator.tokenizer, generator.end)
    found = generator.write("Give", pieces, beams=4, longest=60)
    texts = {row.pieces: row.log_prob for row in found if row.pieces[-1] == generator.end}
    assert len(texts) == 3  # nothing, one person, one location
    assert sum(math.exp(value) for value in texts.values()) == pytest.approx(1.0, abs=1e-4)


def test_a_grammar_over_pieces_follows_both_ways_of_a_shared_piece(generator: HubGenerator) -> None:
    _, grammar = grammar_of("phrase", {"has_regions": False}, generator)
    name = symbol_pieces(generator.tokenizer, "Hilton")
    assert len(name) == 2 and grammar.allowed([name[0]]) == [name[1]]
    paris, is_ = symbol_pieces(generator.tokenizer, "Paris")[0], symbol_pieces(generator.tokenizer, "is")[0]
    met = symbol_pieces(generator.tokenizer, "met")[0]
    assert set(grammar.allowed([paris])) == {is_, met, name[0]}, "Paris stands there twice"
    with pytest.raises(ValueError, match="no text"):
        grammar.symbols([paris])


def test_losses_are_log_likelihoods_and_can_be_learned(generator: HubGenerator) -> None:
    prompts, answers = ["Give Paris", "Give met"], ["person", "location"]
    first = generator.loss(prompts, answers)
    assert first.shape == (2,) and bool((first > 0).all())
    optimizer = torch.optim.Adam(generator.parameters(), 1e-2)
    for _ in range(30):
        optimizer.zero_grad()
        generator.loss(prompts, answers).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert bool((generator.loss(prompts, answers) < first / 2).all())
    assert generator.choose(prompts[0], answers)[0] > 0.5


def test_options_are_a_distribution_that_moves_with_their_order(generator: HubGenerator) -> None:
    options = ["( A )", "( B )", "person"]
    probabilities = generator.choose("Give the text", options)
    assert probabilities.sum().item() == pytest.approx(1.0)
    turned = generator.choose("Give the text", options[::-1])
    assert torch.allclose(turned.flip(0), probabilities, atol=1e-6)


def test_a_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model that writes"):
        load_generator(str(tmp_path))
