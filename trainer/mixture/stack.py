"""Stacking of taggers: a classifier of candidate spans, which reads what all experts say of a span, and its name.

It can take a span that no expert decoded, and refuse one that all did; a gate can do neither. It is logistic, because a
dev split has a thousand samples, and every fit and threshold is held out from what it is scored on.

Source: stacked generalization (Wolpert, Neural Networks, 1992).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor, nn

from schemas.entities import find_entities
from trainer.inputs import Answer
from trainer.mixture.candidates import Chances, TypedSpan, candidate_spans
from trainer.mixture.decode import answer_states
from trainer.mixture.lexicon import LONGEST, Lexicon
from trainer.mixture.members import Member

__all__ = ["SpanStack", "answer_stacked", "can_stack", "fit_stack", "spans_f1", "take_spans"]

_BY_EXPERT, _OTHERS = 5, 18
"""Features of each expert, and those of all and of the words; beside them stands one for each type."""
_DECAY, _STEPS, _FOLDS, _SEED = 3e-4, 50, 5, 1
_THRESHOLDS = tuple(step / 40 for step in range(8, 31))
"""From .2 to .75. The one that is taken has the best F1 together with its neighbours."""


@dataclass(frozen=True)
class StackInput:
    """What a stack reads of N samples.

    Args:
        tokens: of each sample.
        decoded: the spans that each expert decoded, by expert and sample.
        chances: the candidates of each sample.
        gold: the right spans of each sample; () where nobody knows them.
    """

    tokens: Sequence[Sequence[str]]
    decoded: Sequence[Sequence[set[TypedSpan]]]
    chances: Sequence[Chances]
    gold: Sequence[set[TypedSpan]] = ()


class SpanStack(nn.Module):
    """The fitted classifier.

    Args:
        experts: their number.
        lexicon: of the training set.
    """

    mean: Tensor
    scale: Tensor
    weights: Tensor
    bias: Tensor
    threshold: Tensor

    def __init__(self, experts: int, lexicon: Lexicon) -> None:
        super().__init__()
        self.lexicon = lexicon
        size = _BY_EXPERT * experts + len(lexicon.types) + _OTHERS
        for name, value in (("mean", 0.0), ("scale", 1.0), ("weights", 0.0)):
            self.register_buffer(name, torch.full((size,), value))
        self.register_buffer("bias", torch.zeros(()))
        self.register_buffer("threshold", torch.tensor(0.5))

    def features(self, data: StackInput, number: int) -> Tensor:
        """Return what is known of each candidate of a sample [n, F]."""
        tokens, chances = data.tokens[number], data.chances[number]
        by_start: dict[int, list[TypedSpan]] = {}
        for span in chances:
            by_start.setdefault(span[0], []).append(span)
        rows = []
        for span in chances:
            starts = range(span[0] - LONGEST + 1, span[1])
            crossing = [other for start in starts for other in by_start.get(start, ()) if _cross(span, other)]
            rows.append([*self._said(data, number, span, crossing), *self._named(tokens, span)])
        return torch.tensor(rows).view(len(rows), len(self.mean))

    def _said(self, data: StackInput, number: int, span: TypedSpan, crossing: Sequence[TypedSpan]) -> Iterator[float]:
        """Yield what the experts say: of the span, of its tokens under any type, and of the spans that cross it."""
        chances, decoded = data.chances[number], [spans[number] for spans in data.decoded]
        for expert, chance in enumerate(chances[span]):
            yield _logit(chance)
            yield _logit(max((chances[other][expert] for other in crossing if other != span), default=0.0))
            yield _logit(sum(chances[other][expert] for other in crossing if other[:2] == span[:2]))
            yield float(span in decoded[expert])
            yield float(any(_cross(span, other) for other in decoded[expert]))
        yield float(all(span in spans for spans in decoded))

    def _named(self, tokens: Sequence[str], span: TypedSpan) -> Iterator[float]:
        """Yield what its words look like, and what they were in the training set."""
        start, end, kind = span
        words = tokens[start:end]
        yield from (float(kind == other) for other in self.lexicon.types)
        yield from (float(len(words)), float(start == 0), float(end == len(tokens)))
        yield from (float(all(word[:1].isupper() for word in words)), float(all(word.isupper() for word in words)))
        yield float(words[0][:1] in ("#", "@"))
        beside = (tokens[max(0, start - 1) : start], tokens[end : end + 1])
        yield from (float(any(word[:1].isupper() for word in part)) for part in beside)
        yield sum(word[:1].isupper() for word in tokens) / len(tokens)
        own, others, own_share, other_share = self.lexicon.name_shares(words, kind)
        yield from (math.log1p(own), math.log1p(others), own_share, other_share)
        inside = [self.lexicon.word_share(word, kind) for word in words]
        yield from (min(inside), max(inside))
        yield from (self.lexicon.word_share(word, "O") for word in (words[0], words[-1]))

    def forward(self, features: Tensor) -> Tensor:
        """Return the probability of each candidate [n] of features [n, F]."""
        return (((features - self.mean) / self.scale) @ self.weights + self.bias).sigmoid()

    def choose(self, data: StackInput) -> list[set[TypedSpan]]:
        """Return the spans of each sample: from the likeliest down to the threshold, none that crosses one before."""
        found = []
        for number, chances in enumerate(data.chances):
            scores = self(self.features(data, number)).tolist()
            found.append(take_spans(dict(zip(chances, scores, strict=True)), float(self.threshold)))
        return found


def answer_stacked(stack: SpanStack, members: Sequence[Member]) -> list[Answer]:
    """Return the answer for each sample by a stack of the experts to which it was fitted."""
    first = members[0]
    spans = zip(stack.choose(stack_input(members)), first.posteriors.lengths.tolist(), strict=True)
    tags = [tag for row, length in spans for tag in tag_spans(row, length, first.labels.names)]
    return answer_states(first, torch.tensor(tags))


def can_stack(member: Member) -> bool:
    """Return whether an expert is a tagger that says no more than BIO tags, by a chain."""
    posteriors, names = member.posteriors, member.labels.names
    is_bio = all(name == "O" or name[:2] in ("B-", "I-") for name in names)
    is_chain = posteriors.log_pairs is not None and posteriors.answers is None
    return member.labels.task_name == "ner" and is_bio and is_chain


def stack_input(members: Sequence[Member], has_gold: bool = False) -> StackInput:
    """Return what a stack reads of the experts' answers, with the right spans where they are known."""
    samples = members[0].data.samples
    decoded = [
        [{(row.start, row.end, row.type) for row in answer.entities} for answer in answer_states(member)]
        for member in members
    ]
    gold = [{(row.start, row.end, row.type) for row in find_entities(sample.tags or ())} for sample in samples]
    tokens = [sample.tokens for sample in samples]
    return StackInput(tokens, decoded, candidate_spans(members), gold if has_gold else ())


def fit_stack(members: Sequence[Member], lexicon: Lexicon) -> tuple[SpanStack, float]:
    """Fit a stack to the experts' answers on a labelled split.

    Args:
        members: taggers (`can_stack`).
        lexicon: of their training set.

    Returns:
        the stack, and F1 on that split, where each sample was scored by a classifier and a threshold of other samples.
    """
    stack = SpanStack(len(members), lexicon)
    data = stack_input(members, has_gold=True)
    return stack, spans_f1(data.gold, held_out_spans(stack, data))


def held_out_spans(stack: SpanStack, data: StackInput) -> list[set[TypedSpan]]:
    """Fit a stack, and return the spans of each sample by classifiers and thresholds of the other folds."""
    features = [stack.features(data, number) for number in range(len(data.chances))]
    pairs = zip(data.gold, data.chances, strict=True)
    right = [torch.tensor([float(span in gold) for span in chances]) for gold, chances in pairs]
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(_SEED)).tolist()
    parts = [order[fold::_FOLDS] for fold in range(_FOLDS)]
    scores: list[Mapping[TypedSpan, float]] = [{}] * len(features)
    for part in parts:
        _fit(stack, features, right, sorted(set(order) - set(part)))
        for number in part:
            scores[number] = dict(zip(data.chances[number], stack(features[number]).tolist(), strict=True))
    found: list[set[TypedSpan]] = [set()] * len(features)
    for part in parts:
        threshold = _best_threshold(scores, data.gold, sorted(set(order) - set(part)))
        for number in part:
            found[number] = take_spans(scores[number], threshold)
    _fit(stack, features, right, range(len(features)))
    stack.threshold.fill_(_best_threshold(scores, data.gold, range(len(features))))
    return found


def _fit(stack: SpanStack, features: Sequence[Tensor], right: Sequence[Tensor], chosen: Sequence[int]) -> None:
    """Fit weights by the likelihood of the chosen samples' candidates, with a penalty on their squares."""
    inputs, targets = (torch.cat([rows[number] for number in chosen]) for rows in (features, right))
    if not len(inputs):
        return
    stack.mean, stack.scale = inputs.mean(0), inputs.std(0, correction=0).clamp(min=1e-3)
    rows = (inputs - stack.mean) / stack.scale
    weights, bias = torch.zeros_like(stack.mean).requires_grad_(), torch.zeros(()).requires_grad_()
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        likelihood = nn.functional.binary_cross_entropy_with_logits(rows @ weights + bias, targets)
        value: Tensor = likelihood + _DECAY * weights.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    stack.weights, stack.bias = weights.detach(), bias.detach()


def _best_threshold(
    scores: Sequence[Mapping[TypedSpan, float]], gold: Sequence[set[TypedSpan]], chosen: Sequence[int]
) -> float:
    own = [gold[number] for number in chosen]
    f1 = [spans_f1(own, [take_spans(scores[number], threshold) for number in chosen]) for threshold in _THRESHOLDS]
    smooth = [fmean(f1[max(0, place - 2) : place + 3]) for place in range(len(f1))]
    return _THRESHOLDS[max(range(len(smooth)), key=smooth.__getitem__)]


def take_spans(scores: Mapping[TypedSpan, float], threshold: float) -> set[TypedSpan]:
    """Take spans from the likeliest down to a threshold; none that crosses one taken before.

    >>> sorted(take_spans({(0, 2, "PER"): 0.9, (1, 3, "ORG"): 0.8, (4, 5, "LOC"): 0.3, (5, 6, "LOC"): 0.1}, 0.3))
    [(0, 2, 'PER'), (4, 5, 'LOC')]
    """
    kept: set[TypedSpan] = set()
    for span in sorted(scores, key=lambda span: (-scores[span], span)):
        if scores[span] < threshold:
            break
        if not any(_cross(span, other) for other in kept):
            kept.add(span)
    return kept


def tag_spans(spans: set[TypedSpan], length: int, names: Sequence[str]) -> list[int]:
    """Return the numbers of the BIO tags of a sample [T].

    >>> tag_spans({(1, 3, "PER")}, 4, ("O", "B-PER", "I-PER"))
    [0, 1, 2, 0]
    """
    tags = [names.index("O")] * length
    for start, end, kind in spans:
        tags[start:end] = [names.index(f"B-{kind}"), *[names.index(f"I-{kind}")] * (end - start - 1)]
    return tags


def spans_f1(gold: Sequence[set[TypedSpan]], predicted: Sequence[set[TypedSpan]]) -> float:
    """Return micro F1 of spans with their types."""
    right = sum(len(a & b) for a, b in zip(gold, predicted, strict=True))
    total = sum(map(len, gold)) + sum(map(len, predicted))
    return 2 * right / total if total else 0.0


def _cross(a: TypedSpan, b: TypedSpan) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _logit(chance: float) -> float:
    kept = min(max(chance, 1e-3), 1 - 1e-3)
    return math.log(kept / (1 - kept))
