"""The CRF beside enumeration of all tag sequences, and its gradients beside finite differences."""

from __future__ import annotations

from itertools import pairwise, product
from math import prod

import pytest
import torch
from torch import Tensor

from trainer.mixture import mix
from trainer.model.heads import likeliest_path
from trainer.model.heads.crf import LinearChain, sound_transitions


def make_chain(tags: int, seed: int) -> LinearChain:
    torch.manual_seed(seed)
    chain = LinearChain(tags)
    for weight in chain.parameters():
        torch.nn.init.normal_(weight, std=1.5)
    return chain


@torch.no_grad()
def path_score(chain: LinearChain, logits: Tensor, path: tuple[int, ...]) -> float:
    crf = chain.crf
    score = crf.start_transitions[path[0]] + crf.end_transitions[path[-1]] + logits[0, path[0]]
    for i in range(1, len(path)):
        score = score + crf.transitions[path[i - 1], path[i]] + logits[i, path[i]]
    return score.item()


def enumerate_chain(chain: LinearChain, logits: Tensor) -> tuple[float, Tensor, tuple[int, ...]]:
    """log Z, log marginals [T, K] and the best path of logits [T, K], over all K^T paths."""
    length, tags = logits.shape
    paths = list(product(range(tags), repeat=length))
    scores = torch.tensor([path_score(chain, logits, path) for path in paths], dtype=torch.float64)
    log_z = torch.logsumexp(scores, 0)
    marginals = torch.zeros(length, tags, dtype=torch.float64)
    for path, score in zip(paths, scores, strict=True):
        for i, tag in enumerate(path):
            marginals[i, tag] += torch.exp(score - log_z)
    return float(log_z), marginals.log(), paths[int(scores.argmax())]


@pytest.mark.parametrize("seed", range(6))
def test_log_z_marginals_and_viterbi_equal_enumeration_in_a_ragged_batch(seed: int) -> None:
    torch.manual_seed(seed)
    tags, lengths = 2 + seed % 3, [5, 1, 3, 4]
    chain = make_chain(tags, seed)
    logits = 2 * torch.randn(len(lengths), 5, tags)
    mask = torch.arange(5)[None] < torch.tensor(lengths)[:, None]
    with torch.no_grad():
        log_z, marginals = chain.log_partition(logits, mask), chain.log_marginals(logits, mask)
        best = chain.decode(logits, mask)
    for row, length in enumerate(lengths):
        wanted_z, wanted_marginals, wanted_path = enumerate_chain(chain, logits[row, :length].detach())
        assert log_z[row].item() == pytest.approx(wanted_z, abs=1e-4)
        assert torch.allclose(marginals[row, :length].double(), wanted_marginals, atol=1e-4)
        assert tuple(best[row, :length].tolist()) == wanted_path
        assert not marginals[row, length:].any() and not best[row, length:].any()


def test_likelihood_and_viterbi_agree_with_pytorch_crf() -> None:
    chain = make_chain(5, 3)
    logits = torch.randn(8, 12, 5)
    lengths = torch.tensor([12, 3, 1, 7, 9, 12, 2, 5])
    mask = torch.arange(12)[None] < lengths[:, None]
    tags = torch.randint(0, 5, (8, 12))
    with torch.no_grad():
        wanted = chain.crf.decode(logits, mask)
        found = chain.decode(logits, mask)
        score = chain.log_likelihood(logits, tags, mask) + chain.log_partition(logits, mask)
        path = [path_score(chain, logits[i], tuple(tags[i, : lengths[i]].tolist())) for i in range(8)]
    assert [row[: len(path)].tolist() for row, path in zip(found, wanted, strict=True)] == wanted
    assert torch.allclose(score, torch.tensor(path), atol=1e-4)


def test_constrained_decoding_gives_the_best_of_the_sound_paths() -> None:
    names = ("O", "B-A", "I-A", "B-B", "I-B")
    start, steps = sound_transitions(names)
    chain = make_chain(5, 8)
    logits = 3 * torch.randn(6, 4, 5)
    mask = torch.ones(6, 4, dtype=torch.bool)
    found = chain.decode(logits, mask, (start, steps))
    for row in range(6):
        sound = [
            path
            for path in product(range(5), repeat=4)
            if start[path[0]] and all(steps[a, b] for a, b in pairwise(path))
        ]
        best = max(sound, key=lambda path: path_score(chain, logits[row], path))
        assert tuple(found[row].tolist()) == best
    assert (found != chain.decode(logits, mask)).any(), "the constraint never mattered: the test shows nothing"


def test_pair_marginals_equal_enumeration_and_sum_to_the_marginals() -> None:
    chain = make_chain(3, 11)
    logits = 2 * torch.randn(3, 4, 3)
    lengths = [4, 1, 3]
    mask = torch.arange(4)[None] < torch.tensor(lengths)[:, None]
    with torch.no_grad():
        pairs, marginals = chain.log_pair_marginals(logits, mask), chain.log_marginals(logits, mask)
    for row, length in enumerate(lengths):
        paths = list(product(range(3), repeat=length))
        chances = torch.softmax(torch.tensor([path_score(chain, logits[row], path) for path in paths]), 0)
        for i in range(1, length):
            wanted = torch.zeros(3, 3)
            for path, chance in zip(paths, chances, strict=True):
                wanted[path[i - 1], path[i]] += chance
            assert torch.allclose(pairs[row, i].exp(), wanted, atol=1e-5)
        assert torch.allclose(pairs[row, :length].exp().sum(1), marginals[row, :length].exp(), atol=1e-5)
        assert (pairs[row, length:] == 0).all()


TYPES = [("O", "B-A", "I-A", "B-B", "I-B"), ("O", "B-A", "I-A", "E-A", "S-A")]


def sound_paths(names: tuple[str, ...], length: int) -> list[tuple[int, ...]]:
    start, steps = sound_transitions(names)
    return [
        path
        for path in product(range(len(names)), repeat=length)
        if start[path[0]] and all(steps[a, b] for a, b in pairwise(path))
    ]


def pair_marginals(chain: LinearChain, logits: Tensor, lengths: list[int]) -> Tensor:
    mask = torch.arange(logits.shape[1])[None] < torch.tensor(lengths)[:, None]
    with torch.no_grad():
        return chain.log_pair_marginals(logits, mask)[mask]


@pytest.mark.parametrize("names", TYPES)
def test_the_likeliest_path_of_one_chain_is_its_constrained_viterbi(names: tuple[str, ...]) -> None:
    chain, lengths = make_chain(5, 4), [1, 5, 3, 7]
    logits = 3 * torch.randn(4, 7, 5)
    mask = torch.arange(7)[None] < torch.tensor(lengths)[:, None]
    wanted = chain.decode(logits, mask, sound_transitions(names))[mask]
    found = likeliest_path(pair_marginals(chain, logits, lengths), lengths, names)
    assert found.tolist() == wanted.tolist() != chain.decode(logits, mask)[mask].tolist()


@pytest.mark.parametrize("names", TYPES)
def test_the_likeliest_path_of_a_mixture_is_that_of_its_steps(names: tuple[str, ...]) -> None:
    lengths, gates = [1, 4, 3, 4], torch.tensor([0.3, 0.7])
    chains = [make_chain(5, seed) for seed in (3, 4)]
    rows = [2 * torch.randn(4, 4, 5) for _ in chains]
    pairs = [pair_marginals(chain, logits, lengths) for chain, logits in zip(chains, rows, strict=True)]
    mixed = mix(torch.stack(pairs), gates.log().expand(sum(lengths), 2))
    found = likeliest_path(mixed, lengths, names).split(lengths)
    for part, path in zip(mixed.exp().split(lengths), found, strict=True):

        def chance(numbers: tuple[int, ...], part: Tensor = part) -> float:
            steps = (part[i, a, b] / part[i, a].sum() for i, (a, b) in enumerate(pairwise(numbers), start=1))
            return float(part[0, :, numbers[0]].sum() * prod(map(float, steps)))

        assert tuple(path.tolist()) == max(sound_paths(names, len(part)), key=chance)
    single = torch.cat([likeliest_path(part, lengths, names) for part in pairs])
    assert (torch.cat(found) != single[: sum(lengths)]).any() and (torch.cat(found) != single[sum(lengths) :]).any()


def test_impossible_classes_do_not_force_an_unsound_path() -> None:
    log_pairs = torch.tensor([[-1e30, -1e30, 0.0]]).expand(1, 3, 3)
    assert likeliest_path(log_pairs, [1], ("O", "B-A", "I-A")).tolist() in ([0], [1])


def test_gradients_of_likelihood_and_marginals_equal_finite_differences() -> None:
    chain = make_chain(3, 5).double()
    logits = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    tags = torch.tensor([[0, 1, 2, 0], [2, 1, 0, 0]])
    weights = list(chain.parameters())
    # float() of the module keeps the arithmetic in float32: use double there, for this check alone
    original = Tensor.float
    Tensor.float = lambda self: self  # type: ignore[method-assign,assignment]
    try:
        assert torch.autograd.gradcheck(
            lambda x, *_: chain.log_marginals(x, mask)[mask], (logits, *weights), eps=1e-6, atol=1e-5
        )
    finally:
        Tensor.float = original  # type: ignore[method-assign]
    chain.float()
    single = logits.detach().float().requires_grad_()
    chain.log_likelihood(single, tags, mask).sum().backward()
    for place in ((0, 1, 1), (1, 0, 2), (0, 3, 0)):
        moved = single.detach().clone()
        moved[place] += 1e-2
        back = single.detach().clone()
        back[place] -= 1e-2
        with torch.no_grad():
            up, down = (chain.log_likelihood(x, tags, mask).sum() for x in (moved, back))
        assert single.grad is not None
        assert single.grad[place].item() == pytest.approx(((up - down) / 2e-2).item(), abs=2e-3)


def test_log_z_gradient_is_the_marginal() -> None:
    chain = make_chain(4, 2)
    logits = torch.randn(3, 5, 4, requires_grad=True)
    mask = torch.arange(5)[None] < torch.tensor([5, 2, 4])[:, None]
    (gradient,) = torch.autograd.grad(chain.log_partition(logits, mask).sum(), logits)
    with torch.no_grad():
        marginals = chain.log_marginals(logits, mask).exp().masked_fill(~mask[:, :, None], 0.0)
    assert torch.allclose(gradient, marginals, atol=1e-5)


def test_posteriors_of_extreme_logits_are_finite_and_sum_to_one() -> None:
    chain = make_chain(3, 1)
    logits = torch.tensor([[[300.0, -300.0, 0.0]] * 200])
    mask = torch.ones(1, 200, dtype=torch.bool)
    with torch.no_grad():
        marginals = chain.log_marginals(logits.to(torch.bfloat16), mask)
    assert marginals.dtype == torch.float32
    assert torch.allclose(marginals.exp().sum(-1), torch.ones(1, 200), atol=1e-5)


def test_bioes_sequences_must_close_their_entities() -> None:
    names = ("O", "B-A", "I-A", "E-A", "S-A")
    start, steps = sound_transitions(names)
    follow = {(a, b) for i, a in enumerate(names) for j, b in enumerate(names) if steps[i, j]}
    assert ("B-A", "O") not in follow and ("B-A", "E-A") in follow and ("E-A", "B-A") in follow
    assert ("S-A", "I-A") not in follow
    assert start.tolist() == [True, True, False, False, True]
