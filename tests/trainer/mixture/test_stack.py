"""Stacking of taggers: candidates with exact probabilities, what a stack can learn, and its run folder."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from schemas.entities import find_entities
from schemas.errors import IndexCorrupt, UsageError
from schemas.records import Sample
from tests.support.tiny_encoder import build_encoder, write_pairs, write_tweets
from trainer.commands import evaluate_run
from trainer.config import RunConfig, override
from trainer.mixture import Member, fit_mixture, run_system
from trainer.mixture.candidates import Chances, TypedSpan, span_chances
from trainer.mixture.lexicon import Lexicon, make_lexicon
from trainer.mixture.mixture import read_mixture
from trainer.mixture.posteriors import Posteriors
from trainer.mixture.stack import SpanStack, StackInput, held_out_spans, spans_f1
from trainer.training import SplitData, fit, read_run_config, read_split

NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
NO_NAMES = Lexicon(("LOC", "PER"), {}, {}, {})


def chain(length: int, seed: int) -> tuple[torch.Tensor, dict[tuple[int, ...], float]]:
    """Return the marginals of neighbours [T, K, K] of a random chain, and the probability of each path."""
    generator = torch.Generator().manual_seed(seed)
    scores = 2 * torch.randn(length, 5, 5, generator=generator)
    paths = list(itertools.product(range(5), repeat=length))
    weights = torch.stack(
        [sum(scores[t, path[t - 1] if t else 0, path[t]] for t in range(length)) for path in paths]
    ).softmax(0)  # type: ignore[arg-type]
    pairs = torch.zeros(length, 5, 5)
    for path, weight in zip(paths, weights, strict=True):
        for t in range(length):
            pairs[t, path[t - 1] if t else 0, path[t]] += weight
    return pairs, dict(zip(paths, weights.tolist(), strict=True))


def test_the_chance_of_a_span_is_the_sum_over_all_paths_that_have_it() -> None:
    pairs, paths = chain(4, seed=3)
    marginals = pairs.sum(1).log()
    posteriors = Posteriors(marginals, marginals.argmax(-1), torch.tensor([4]), torch.zeros(1, 2), ((),), pairs.log())

    class Labels:
        names = NAMES

    found = span_chances(Member(None, posteriors, Labels, None, None))[0]  # type: ignore[arg-type]
    right: dict[TypedSpan, float] = {}
    for path, weight in paths.items():
        for row in find_entities([NAMES[tag] for tag in path]):
            right[row.start, row.end, row.type] = right.get((row.start, row.end, row.type), 0.0) + weight
    for span, chance in found.items():
        assert chance == pytest.approx(right.get(span, 0.0), abs=1e-4)
    assert all(span in found for span, chance in right.items() if chance >= 0.02)


def said(samples: int, seed: int, knows: float) -> StackInput:
    """Two experts that are unsure of one name per sample: the first is always wrong, the second always right."""
    generator = torch.Generator().manual_seed(seed)
    chances: list[Chances] = []
    gold: list[set[TypedSpan]] = []
    decoded: list[list[set[TypedSpan]]] = [[], []]
    for is_right in (torch.rand(samples, generator=generator) < knows).tolist():
        span, other = (0, 1, "PER"), (0, 1, "LOC")
        row = [0.45, 0.55] if is_right else [0.55, 0.45]
        chances.append({span: row, other: [1 - chance for chance in row]})
        gold.append({span} if is_right else {other})
        for expert, chance in enumerate(row):
            decoded[expert].append({span if chance > 0.5 else other})
    return StackInput([("Rocky", "ran")] * samples, decoded, chances, gold)


def test_a_stack_learns_which_expert_is_right() -> None:
    stack, data = SpanStack(2, NO_NAMES), said(120, 1, knows=0.5)
    assert spans_f1(data.gold, data.decoded[0]) == 0 and spans_f1(data.gold, held_out_spans(stack, data)) == 1
    new = said(60, 2, knows=0.3)
    assert stack.choose(new) == list(new.gold)


def test_a_name_of_the_training_set_decides_where_one_expert_is_unsure() -> None:
    words = ["rex" if number % 2 else "oslo" for number in range(100)]
    lexicon = make_lexicon(
        [Sample(f"{n}", (word,), tags=("B-PER" if word == "rex" else "B-LOC",)) for n, word in enumerate(words[:10])],
        ["LOC", "PER"],
    )
    chances: list[Chances] = [{(0, 1, "PER"): [0.4], (0, 1, "LOC"): [0.4]} for _ in words]
    gold: list[set[TypedSpan]] = [{(0, 1, "PER" if word == "rex" else "LOC")} for word in words]
    data = StackInput([(word,) for word in words], [[set() for _ in words]], chances, gold)
    assert spans_f1(gold, held_out_spans(SpanStack(1, lexicon), data)) == 1
    assert spans_f1(gold, held_out_spans(SpanStack(1, NO_NAMES), data)) < 0.8


def test_nothing_is_found_where_gold_is_noise() -> None:
    generator = torch.Generator().manual_seed(5)
    rows = torch.rand(300, 2, generator=generator).tolist()
    chances: list[Chances] = [{(0, 1, "PER"): row} for row in rows]
    gold = [{(0, 1, "PER")} if chance < 0.5 else set() for chance in torch.rand(300, generator=generator).tolist()]
    data = StackInput([("a",)] * 300, [[set()] * 300] * 2, chances, gold)
    everything = spans_f1(gold, [{(0, 1, "PER")}] * 300)
    assert spans_f1(gold, held_out_spans(SpanStack(2, NO_NAMES), data)) <= everything + 0.02


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two taggers that differ by their seed, and a run of relations."""
    folder = tmp_path_factory.mktemp("house")
    build_encoder(folder / "encoder")
    settings = [
        f"encoder.name={folder / 'encoder'}", "encoder.max_length_pieces=64", "training.epochs=1",
        "training.batch_samples=8", "training.encoder_lr=3e-3", "training.head_lr=1e-2", "training.device=cpu",
    ]  # fmt: skip
    tweets = write_tweets(folder / "tweets")
    for seed in (1, 2):
        own = [f"data.samples={tweets}", f"training.seed={seed}"]
        fit(override(RunConfig(), [*settings, *own]), folder / f"run-{seed}")
    fit(override(RunConfig(), [*settings, f"data.samples={write_pairs(folder / 'pairs')}"]), folder / "pairs-run")
    return [folder / "run-1", folder / "run-2", folder / "pairs-run"]


@pytest.mark.integration
@pytest.mark.parametrize("count", [1, 2])
def test_a_stack_of_one_run_or_two_answers_as_it_did_when_it_was_fitted(
    runs: list[Path], tmp_path: Path, count: int
) -> None:
    out = tmp_path / "stack"
    facts = fit_mixture(runs[:count], out, gate="stack", folds=2)
    assert facts.gate == "stack" and 0 <= facts.scores["gate stack"]["f1"] <= 1
    scores = evaluate_run(out, "test")
    assert scores["default"]["f1"] == pytest.approx(scores["experts and gates"]["gate stack"])
    output = run_system(out, "test", lambda config: read_split(config, "test"))
    stack = read_mixture(out)[1].stack
    assert stack is not None and output.weights is not None and output.weights.shape[1] == count
    for answer, sample in zip(output.predicted, output.samples, strict=True):
        spans = sorted((row.start, row.end) for row in answer.entities)
        assert len(answer.labels) == len(sample.tokens)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


@pytest.mark.integration
def test_answers_depend_on_the_labels_of_train_and_not_on_those_of_the_split(runs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "stack"
    fit_mixture(runs[:2], out, gate="stack", folds=2)
    stack = read_mixture(out)[1].stack
    assert stack is not None
    train = read_split(read_run_config(runs[0]), "train").samples
    assert stack.lexicon == make_lexicon(train, stack.lexicon.types) and stack.lexicon.names

    def without_labels(config: RunConfig) -> SplitData:
        data = read_split(config, "test")
        return replace(data, samples=[replace(sample, tags=None) for sample in data.samples])

    labelled = run_system(out, "test", lambda config: read_split(config, "test"))
    assert run_system(out, "test", without_labels).predicted == labelled.predicted


@pytest.mark.integration
def test_a_stack_refuses_relations_and_a_damaged_lexicon(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a stack takes taggers"):
        fit_mixture(runs[2:], tmp_path / "m", gate="stack")
    with pytest.raises(UsageError, match="two experts or more"):
        fit_mixture(runs[:1], tmp_path / "m", gate="token")
    out = tmp_path / "stack"
    fit_mixture(runs[:2], out, gate="stack", folds=2)
    lexicon = json.loads((out / "lexicon.json").read_text())
    for change in ({"types": ["PER"]}, {"seen": {"a": -1}}, {"names": {"a": {"PER": "1"}}}, {"words": []}):
        (out / "lexicon.json").write_text(json.dumps({**lexicon, **change}))
        with pytest.raises(IndexCorrupt):
            read_mixture(out)
