"""Regions of a mixture: by hand, against the experts' own answers, and refused where the rules differ."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import InputError
from schemas.records import Box, Entity
from trainer.inputs import Answer, Grounding, LabelSet
from trainer.mixture.members import Member
from trainer.mixture.posteriors import Posteriors
from trainer.mixture.regions import check_regions, ground_mixed, mixture_key
from trainer.model import ModelConfig, head_class
from trainer.model.grounding import RegionSettings
from trainer.model.heads import TaggingSettings

NAMES = LabelSet("ner", ("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))
LEFT, RIGHT = Box(0, 0, 1, 1), Box(1, 1, 2, 2)
ANN = Entity(0, 2, "PER")


def member(*rows: tuple[Entity, Grounding], settings: TaggingSettings | None = None) -> Member:
    """An expert that says these mentions of one sample of three tokens."""
    settings = settings or RegionSettings()
    is_region = isinstance(settings, RegionSettings)
    answer = Answer(tuple(row for row, _ in rows), groundings=tuple(said for _, said in rows) if is_region else ())
    probs = torch.zeros(3, 5)
    posteriors = Posteriors(probs, probs[:, 0].long(), torch.tensor([3]), torch.zeros(1, 4), ((),), answers=(answer,))
    return Member(None, posteriors, NAMES, head_class(ModelConfig(settings), NAMES), settings)  # type: ignore[arg-type]


def boxes(members: Sequence[Member], weights: Sequence[float], entity: Entity = ANN) -> tuple[Box, ...]:
    rows = torch.tensor([weights] * 3)
    return ground_mixed(members, rows, [Answer((entity,))])[0].entities[0].boxes


def test_weights_decide_between_experts_that_disagree() -> None:
    left = member((ANN, Grounding((LEFT, RIGHT), ((0.8,), (0.1,)))))
    right = member((ANN, Grounding((RIGHT, LEFT), ((0.9,), (0.0,)))))
    assert boxes([left, right], [0.9, 0.1]) == (LEFT,) and boxes([left, right], [0.1, 0.9]) == (RIGHT,)
    nowhere = member((ANN, Grounding((LEFT, RIGHT), ((0.1,), (0.1,)))))
    assert boxes([left, nowhere], [0.4, 0.6]) == () and boxes([left, nowhere], [0.9, 0.1]) == (LEFT,)


def test_an_expert_without_regions_or_without_the_mention_has_no_voice() -> None:
    left = member((ANN, Grounding((LEFT,), ((0.8,),))))
    tagger = member((ANN, Grounding()), settings=TaggingSettings())
    assert boxes([tagger, left], [0.99, 0.01]) == (LEFT,) == boxes([left, member()], [0.01, 0.99])
    assert mixture_key([tagger, left]) == "span+type+region" and mixture_key([tagger, tagger]) == "span+type"
    answer = Answer((ANN._replace(boxes=(LEFT,)),))
    assert ground_mixed([tagger, tagger], torch.ones(3, 2), [answer]) == [answer]
    assert boxes([left], [1.0], Entity(2, 3, "PER")) == (), "no expert speaks on a mention of other tokens"


def test_a_mention_of_other_ends_speaks_by_the_tokens_in_common() -> None:
    part = member((Entity(1, 2, "PER"), Grounding((RIGHT,), ((0.9,),))), (Entity(2, 3, "PER"), Grounding()))
    assert boxes([part], [1.0]) == (RIGHT,)
    both = member((Entity(0, 3, "PER"), Grounding((LEFT,), ((0.9,),))), (ANN, Grounding((RIGHT,), ((0.9,),))))
    assert boxes([both], [1.0]) == (RIGHT,), "the same tokens come before more"


def test_relations_mix_the_type_of_the_region_too() -> None:
    settings = RegionSettings(scores="relation", threshold=0.2)
    said = [Grounding((LEFT,), (row,), NAMES.types) for row in ((0.6, 0.2), (0.0, 0.5))]
    place, person = (member((ANN, row), settings=settings) for row in said)
    for weights, kind in (([0.9, 0.1], "LOC"), ([0.1, 0.9], "PER")):
        found = ground_mixed([place, person], torch.tensor([weights] * 3), [Answer((ANN,))])
        assert found[0].entities == [Entity(0, 2, kind, boxes=(LEFT,))]


@given(st.lists(st.floats(0, 0.3), min_size=2, max_size=2), st.floats(0, 1), st.floats(0.01, 0.99), st.booleans())
def test_an_expert_mixed_with_itself_answers_as_it_does(
    probs: list[float], shown: float, weight: float, groundable: bool
) -> None:
    for scores in ("softmax", "sigmoid"):
        settings = RegionSettings(scores=scores, groundable=groundable, threshold=0.15)
        one = member((ANN, Grounding((LEFT, RIGHT), ((probs[0],), (probs[1],)), (), shown)), settings=settings)
        alone = boxes([one], [1.0])
        near = any(abs(value - 0.15) < 1e-6 for value in probs) or abs(probs[0] - probs[1]) < 1e-6
        near |= abs(shown - 0.5) < 1e-6 or abs(max(probs) - 1 + sum(probs)) < 1e-6
        assert near or boxes([one, one], [weight, 1 - weight]) == alone


def test_experts_that_choose_regions_by_other_rules_are_refused_by_name() -> None:
    pointer, sigmoid = member(), member(settings=RegionSettings(scores="sigmoid"))
    check_regions([pointer, pointer, member(settings=TaggingSettings())])
    with pytest.raises(
        InputError, match=r"other rules: scores sigmoid, threshold 0\.5, not groundable; scores softmax"
    ):
        check_regions([pointer, sigmoid])
    with pytest.raises(InputError, match="other rules"):
        check_regions([pointer, member(settings=RegionSettings(groundable=True))])
