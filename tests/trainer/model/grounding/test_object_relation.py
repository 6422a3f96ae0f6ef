"""The relation of a given span and a given box: what it reads, what it never sees, and a run on MORE's own form."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from schemas.dataset import read_samples
from schemas.errors import InputError
from schemas.records import Box, Relation, Sample, Span
from schemas.text_files import TextFile
from tests.support.feature_store import write_features
from tests.support.tiny_encoder import build_encoder
from trainer.commands import PredictInputs, fit_and_evaluate, predict_rows
from trainer.config import load_config
from trainer.data import convert_files
from trainer.inputs import Features, LabelSet, given_pairs
from trainer.model.grounding.object_relation import ObjectRelationHead
from trainer.model.grounding.settings import ObjectRelationSettings
from trainer.model.heads import View

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
LABELS = LabelSet("joint", ("None", "holds", "wears"), relations=("None", "holds", "wears"))
FULL = Span(0, 2)
LEFT, RIGHT = Box(0.0, 0.0, 0.5, 1.0), Box(0.5, 0.0, 1.0, 1.0)


def make_view(samples: tuple[Sample, ...], *, turned: bool = False) -> View:
    """Pictures of 40 x 20 pixels with a region in each half; the columns may stand the other way round."""
    order = [0, 2, 1] if turned else [0, 1, 2]
    boxes = torch.tensor([[0.0, 0, 40, 20], [0, 0, 20, 20], [20, 0, 40, 20]])[order].expand(len(samples), -1, -1)
    values = torch.tensor([[9.0, 9], [1, 0], [0, 1]])[order].expand(len(samples), -1, -1).clone()
    present = torch.ones(len(samples), 3, dtype=torch.bool)
    features = Features(values, present, boxes.clone(), torch.tensor([0, 1, 1]), None)
    torch.manual_seed(1)
    states = torch.randn(1, 3, 8).expand(len(samples), -1, -1)
    return View(states, present, torch.zeros(len(samples), 1, 3), samples, features)


def ask(box: Box, span: Span = FULL, name: str = "holds") -> Sample:
    return Sample("a", ("Ann", "Lee", "sings"), "1.jpg", relations=(Relation(span, box, name),))


def make_head() -> ObjectRelationHead:
    torch.manual_seed(3)
    return ObjectRelationHead(8, LABELS, ObjectRelationSettings(feature_dim=2)).eval()


@torch.no_grad()
def test_the_pair_is_read_and_neither_the_name_nor_the_order_of_regions() -> None:
    head = make_head()
    logits = head.score(make_view((ask(LEFT), ask(RIGHT), ask(LEFT, Span(2, 3)))))
    assert not torch.allclose(logits[0], logits[1]) and not torch.allclose(logits[0], logits[2])
    renamed = (ask(LEFT, name="wears"), replace(ask(LEFT), relations=given_pairs(ask(LEFT))))
    assert torch.equal(head.score(make_view(renamed)), logits[:1].expand(2, -1, -1))
    assert torch.allclose(head.score(make_view((ask(LEFT),), turned=True)), logits[:1], atol=1e-6)
    in_pixels = head.score(make_view((ask(Box(0.0, 0.0, 20.0, 20.0)),)))
    assert torch.allclose(in_pixels, logits[:1], atol=1e-6), "fractions and pixels say the same"


@torch.no_grad()
def test_the_span_is_the_mean_of_its_states_and_the_place_five_numbers() -> None:
    head, view = make_head(), make_view((ask(LEFT),))
    found = head.score(view._replace(features=None))
    mean, place = view.states[0, :2].mean(0), torch.tensor([0.25, 0.5, 0.5, 1.0, 0.5])
    object_ = head.norm(head.region.bias + head.place(place))
    assert torch.allclose(found[0, 0], head.linear(torch.cat([mean, object_])), atol=1e-6)
    probs = head.posterior(view).log_probs.exp()
    assert probs.shape == (1, 1, 3) and torch.allclose(probs.sum(), torch.tensor(1.0))
    assert head.loss(view, torch.tensor([[1]])).item() == pytest.approx(-probs[0, 0, 1].log().item(), abs=1e-5)


def test_classes_are_none_and_the_relations_and_other_samples_are_refused() -> None:
    assert ObjectRelationHead.gold_classes(LABELS, ask(LEFT, name="wears")) == (2,)
    assert ObjectRelationHead.gold_classes(LABELS, ask(LEFT, name="None")) == (0,)
    assert ObjectRelationHead.answer(LABELS, [0], ask(LEFT)).records == ()
    assert ObjectRelationHead.answer(LABELS, [2], ask(LEFT)).records == (Relation(Span(0, 2), LEFT, "wears"),)
    with pytest.raises(InputError, match="unknown relation 'eats'"):
        ObjectRelationHead.gold_classes(LABELS, ask(LEFT, name="eats"))
    two = replace(ask(LEFT), relations=(*(ask(LEFT).relations or ()), Relation(Span(0, 1), RIGHT, "holds")))
    spans = replace(ask(LEFT), relations=(Relation(Span(0, 1), Span(2, 3), "holds"),))
    for sample in (two, spans):
        with pytest.raises(InputError, match="one relation of a span and a box"):
            ObjectRelationHead.gold_classes(LABELS, sample)


def test_mores_own_lines_train_and_predict(tmp_path: Path) -> None:
    """Who stands left holds what is beside, who stands right wears it."""
    lines = []
    for number in range(24):
        left = number % 2 == 0
        tail = {"name": "o", "box": [0.25 if left else 0.75, 0.5, 0.5, 1.0]}
        row = {"token": ["anna", "in", "rome"], "h": {"name": "anna", "pos": [0, 1]}, "t": tail}
        lines.append(repr({**row, "img_id": f"{number}.jpg", "relation": "holds" if left else "wears"}))
    for split in ("train", "dev", "test"):
        (tmp_path / f"{split}.txt").write_text("\n".join(lines) + "\n")
    files = {split: TextFile(tmp_path / f"{split}.txt") for split in ("train", "dev", "test")}
    convert_files(files, tmp_path / "set", name="more")
    samples = [row for split in files for row in read_samples(tmp_path / "set", split)]
    vectors = {sample.image: [[1.0, 0.0], [0.0, 1.0]] for sample in samples if sample.image}
    views = {"whole": {image: [[0.0, 0.0]] for image in vectors}, "regions": vectors}
    store = write_features(tmp_path / "store", samples, views, dim=2)
    settings = [f"data.samples={tmp_path / 'set'}", f"data.features={store}", "model.head.feature_dim=2"]
    settings += [f"encoder.name={build_encoder(tmp_path / 'encoder')}", "encoder.max_length_pieces=32"]
    config = load_config(
        "small-more-pairs",
        [
            *settings,
            "training.head_lr=0.03",
            "training.epochs=12",
            "training.batch_samples=4",
            "training.patience_epochs=0",
        ],
    )
    fit_and_evaluate(config, tmp_path / "run")
    rows = predict_rows(tmp_path / "run", tmp_path / "set", inputs=PredictInputs(features=(Path(store),)))
    found = [row["relations"][0]["type"] for row in rows]
    assert found == ["holds", "wears"] * 12
    assert rows[0]["relations"][0]["tail"] == [0.0, 0.0, 0.5, 1.0]
