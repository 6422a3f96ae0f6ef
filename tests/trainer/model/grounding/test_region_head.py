"""The regions head: what it answers, what it learns, what it makes of absent pictures, and its fusions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from schemas.dataset import write_dataset
from schemas.errors import UsageError
from schemas.records import Box, Entity, Sample
from tests.support.feature_store import write_features
from tests.support.tiny_encoder import PEOPLE, build_encoder, make_tweets
from trainer.commands import PredictInputs, evaluate_run, fit_and_evaluate, predict_rows
from trainer.config import RunConfig, load_config, override
from trainer.inputs import Earlier, Features, Grounding, LabelSet
from trainer.mixture import fit_mixture
from trainer.model import make_expert
from trainer.model.grounding.candidates import Standardise, find_candidates
from trainer.model.grounding.choice import choose_region
from trainer.model.grounding.mentions import gather_mentions
from trainer.model.grounding.region_head import RegionHead
from trainer.model.grounding.settings import RegionSettings
from trainer.model.heads import View
from trainer.training import encode_split, read_split

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
NAMES = LabelSet("ner", ("O", "B-LOC", "I-LOC", "B-PER", "I-PER"))
PERSON, HOUSE = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]
KINDS = (
    {"scores": "softmax"},
    {"scores": "sigmoid", "query": "attention", "threshold": 0.2},
    {"scores": "sigmoid", "groundable": True},
    {"scores": "relation", "threshold": 0.2},
)


def make_view(samples: Sequence[Sample], values: torch.Tensor) -> View:
    """A view of samples of three tokens with three regions each, the whole picture being the first column."""
    boxes = torch.tensor([[0.0, 0, 90, 90], [0, 0, 10, 10], [20, 0, 40, 10], [50, 50, 90, 90]])
    features = Features(
        values, torch.ones(values.shape[:2], dtype=torch.bool), boxes.expand(len(samples), -1, -1).clone(),
        torch.tensor([0, 1, 1, 1]), None,
    )  # fmt: skip
    torch.manual_seed(5)
    states = torch.randn(len(samples), 3, 16)
    mask = torch.ones(len(samples), 3, dtype=torch.bool)
    return View(states, mask, torch.zeros(len(samples), 3, 5), tuple(samples), features)


SAMPLES = [
    Sample(
        "a", ("anna", "in", "rome"), "a.jpg", ("B-PER", "O", "B-LOC"),
        entities=(Entity(0, 1, "PER", boxes=(Box(20, 0, 40, 10),)), Entity(2, 3, "LOC")),
    ),
    Sample(
        "b", ("old", "anna", "bert"), "b.jpg", ("O", "B-PER", "I-PER"),
        entities=(Entity(1, 3, "PER", boxes=(Box(0, 0, 10, 10),)),),
    ),
]  # fmt: skip


def region_values() -> torch.Tensor:
    values = torch.zeros(2, 4, 4)
    values[:, :, 1] = 1.0
    values[0, 2], values[1, 1] = torch.tensor(PERSON), torch.tensor(PERSON)
    return values


@pytest.mark.parametrize("settings", KINDS)
def test_regions_are_learned_and_the_whole_picture_is_no_candidate(settings: dict[str, object]) -> None:
    torch.manual_seed(2)
    head = RegionHead(16, NAMES, RegionSettings(feature_dim=4, width=8, region_dropout=0.0, **settings))  # type: ignore[arg-type]
    view, targets = make_view(SAMPLES, region_values()), torch.tensor([[3, 0, 1], [0, 3, 4]])
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.02)
    tags = super(RegionHead, head).loss(view, targets)
    assert bool((head.loss(view, targets) > tags).all())
    for _ in range(120):
        optimizer.zero_grad()
        head.loss(view, targets).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    head.eval()
    with torch.no_grad():
        scored = head.score(view, [sample.entities or () for sample in SAMPLES])
        found = head.ground(scored)
        probs = head.region_posterior(scored)
    gold = [entity for sample in SAMPLES for entity in sample.entities or ()]
    assert [entity._replace(boxes=entity.boxes[:1]) for entity in found] == gold
    assert probs.shape == (3, 3) and bool((probs >= 0).all()) and bool((probs <= 1).all())


def test_a_threshold_takes_the_boxes_above_it_the_likeliest_first() -> None:
    def choose(probs: list[float], shown: float = 1.0, **settings: object) -> tuple[Box, ...]:
        boxes = (Box(0, 0, 1, 1), Box(1, 1, 2, 2), Box(2, 2, 3, 3))
        said = Grounding(boxes, tuple((prob,) for prob in probs), shown=shown)
        return choose_region(Entity(0, 1, "PER"), said, RegionSettings(**settings)).boxes  # type: ignore[arg-type]

    assert choose([0.6, 0.2, 0.9], scores="sigmoid") == (Box(2, 2, 3, 3), Box(0, 0, 1, 1))
    assert choose([0.4, 0.2, 0.3], scores="sigmoid") == ()
    assert choose([0.4, 0.2, 0.3], scores="sigmoid", groundable=True) == (Box(0, 0, 1, 1),)
    assert choose([0.9, 0.2, 0.3], 0.4, scores="sigmoid", groundable=True) == ()
    assert choose([0.4, 0.2, 0.1]) == (Box(0, 0, 1, 1),) and choose([0.3, 0.2, 0.1]) == ()


def test_absent_regions_are_never_answered_and_never_learned_from() -> None:
    head = RegionHead(16, NAMES, RegionSettings(feature_dim=4, width=8)).eval()
    view, targets = make_view(SAMPLES, region_values()), torch.tensor([[3, 0, 1], [0, 3, 4]])
    assert view.features is not None
    present = view.features.present.clone()
    present[1] = False
    values = view.features.values.clone()
    values[1] = torch.nan
    part = view._replace(features=view.features._replace(present=present, values=values))
    for each in (part, view._replace(features=None)):
        loss = head.loss(each, targets)
        assert bool(loss.isfinite().all())
        answers = head.answers(each, SAMPLES)
        assert all(not entity.boxes for entity in answers[1].entities)
    alone = super(RegionHead, head).loss(view, targets)
    # the picture is missing: whether it would show the person, nobody knows
    assert torch.equal(head.loss(view._replace(features=None), targets)[1], alone[1])


def test_mentions_beyond_the_window_are_left_out() -> None:
    mask = torch.tensor([[True, True, False]])
    rows = [[Entity(0, 1, "PER"), Entity(1, 3, "LOC"), Entity(2, 3, "PER"), Entity(0, 1, "OTHER")]]
    found = gather_mentions(rows, ("LOC", "PER"), mask)
    assert found.inside.tolist() == [[True, False, False], [False, True, False]] and found.types.tolist() == [1, 0]
    states = torch.arange(6.0).view(1, 3, 2)
    assert found.mean(states).tolist() == [[0, 1], [2, 3]]


def test_standardised_regions_have_mean_0_and_deviation_1_and_training_alone_moves_the_scale() -> None:
    torch.manual_seed(3)
    part, values = Standardise(3), torch.randn(4, 50, 3) * torch.tensor([2.0, 0.5, 1.0]) + 7
    present = torch.rand(4, 50) < 0.7
    found = part.train()(values, present)
    assert torch.allclose(found[present].mean(0), torch.zeros(3), atol=1e-5)
    assert torch.allclose(found[present].std(0, correction=0), torch.ones(3), atol=1e-5)
    assert not found[~present].any()
    kept = part.count.clone()
    part.eval()(values, present)
    assert torch.equal(part.count, kept) and int(kept) == int(present.sum())


def test_candidates_need_a_box_and_their_view() -> None:
    features = make_view(SAMPLES, region_values()).features
    assert features is not None and features.boxes is not None
    boxes = features.boxes.clone()
    boxes[:, 3] = torch.nan
    found = find_candidates(features._replace(boxes=boxes), 1, 2, 4)
    assert found.boxes[0].tolist() == [[0, 0, 10, 10], [20, 0, 40, 10]]
    assert found.places[0, 0].tolist() == pytest.approx([5 / 90, 5 / 90, 1 / 9, 1 / 9, 1 / 81])
    for none in (None, features._replace(boxes=None), features._replace(view=torch.zeros(4, dtype=torch.long))):
        assert find_candidates(none, 1, 2, 4).values.shape == (2, 0, 4)


@pytest.fixture(scope="module")
def grounded(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """A set whose people stand in one of two regions of their photo, and its features."""
    folder = tmp_path_factory.mktemp("grounded")
    rows = {name: _with_boxes(make_tweets(n, name, 1)) for name, n in (("train", 40), ("dev", 12), ("test", 12))}
    write_dataset(folder / "set", rows, name="tiny", task="ner", labels=["LOC", "PER"], inputs=[], counters={})
    samples = [sample for part in rows.values() for sample in part]
    images = list(dict.fromkeys(sample.image for sample in samples if sample.image))
    vectors = {image: [PERSON, HOUSE] if number % 2 else [HOUSE, PERSON] for number, image in enumerate(images)}
    store = write_features(
        folder / "store", samples, {"whole": {image: [HOUSE] for image in images}, "regions": vectors}, dim=4
    )
    settings = [
        f"encoder.name={build_encoder(folder / 'encoder')}", f"data.samples={folder / 'set'}",
        f"data.features={store}", "encoder.max_length_pieces=64", "model.head.feature_dim=4",
        "model.fusion.feature_dim=4", "training.encoder_lr=0.003", "training.head_lr=0.03", "training.epochs=3",
    ]  # fmt: skip
    return load_config("small-seqgmper", settings)


def _with_boxes(samples: list[Sample]) -> list[Sample]:
    found = []
    for number, sample in enumerate(samples):
        people = [i for i, tag in enumerate(sample.tags or ()) if tag == "B-PER"]
        places = [i for i, tag in enumerate(sample.tags or ()) if tag == "B-LOC"]
        entities = [Entity(i, i + 1, "PER", boxes=(Box(0.0, 0.0, 5.0, 5.0),)) for i in people]
        entities += [Entity(i, i + 2, "LOC") for i in places]
        found.append(replace(sample, entities=tuple(entities), group=f"g{number // 3}", step=number % 3))
    return found


@pytest.mark.parametrize("preset", ["small-evg", "small-region-pointer", "small-more", "small-re2", "small-seqgmper"])
def test_every_preset_runs_on_a_grounded_set(grounded: RunConfig, preset: str, tmp_path: Path) -> None:
    changed = [f"data.samples={grounded.data.samples}", f"data.features={grounded.data.features[0]}"]
    changed += [f"encoder.name={grounded.encoder.name}", "encoder.max_length_pieces=64", "training.epochs=1"]
    config = load_config(preset, [*changed, "model.head.feature_dim=4", "model.fusion.feature_dim=4"])
    fit_and_evaluate(config, tmp_path / "run")
    first = (tmp_path / "run" / "predictions" / "test.scores.md").read_text()
    assert "GMNER" in first and "EEG" in first
    stores = PredictInputs(features=(Path(grounded.data.features[0]),))
    rows = predict_rows(tmp_path / "run", Path(grounded.data.samples), inputs=stores)
    assert all("tags" in row and "entities" in row for row in rows)


def test_mixtures_mix_regions_and_a_file_grounds_them(grounded: RunConfig, tmp_path: Path) -> None:
    for seed, name in ((1, "a"), (2, "b")):
        fit_and_evaluate(override(grounded, [f"training.seed={seed}"]), tmp_path / name)
    facts = fit_mixture([tmp_path / "a", tmp_path / "b"], tmp_path / "mixture", gate="fixed")
    dev = evaluate_run(tmp_path / "a", "dev")["GMNER"]["f1"]
    assert facts.scores["expert a"]["f1"] == dev, "gates are compared by regions too"
    scores = evaluate_run(tmp_path / "mixture", "test")
    single = json.loads((tmp_path / "a" / "predictions" / "test.scores.json").read_text())
    assert scores["GMNER"]["right"] > 0 and scores["groundable"]["gold"] == single["groundable"]["gold"]
    stores = PredictInputs(features=(Path(grounded.data.features[0]),))
    rows = predict_rows(tmp_path / "mixture", Path(grounded.data.samples), inputs=stores)
    assert len(rows) == 12 and all("gate" in row for row in rows)
    assert any(entity.get("boxes") for row in rows for entity in row["entities"])
    decisions = tmp_path / "decisions.jsonl"
    lines = [{"image": row["image"], "surface": name, "boxes": [[1, 1, 2, 2]]} for row in rows for name in PEOPLE]
    decisions.write_text("".join(json.dumps(line) + "\n" for line in lines if line["image"]))
    told: list[str] = []
    again = predict_rows(
        tmp_path / "mixture",
        Path(grounded.data.samples),
        inputs=replace(stores, grounding=(decisions,)),
        talk=told.append,
    )
    found = [(row["image"], entity) for row in again for entity in row["entities"]]
    assert all(
        entity.get("boxes") == ([[1, 1, 2, 2]] if image and entity["text"] in PEOPLE else None)
        for image, entity in found
    )
    assert any(line.startswith("grounding: by span 0") for line in told)
    assert "GMNER" in evaluate_run(tmp_path / "mixture", "test", [decisions])
    assert (tmp_path / "mixture" / "predictions" / "test-grounded.jsonl").is_file()


def test_features_of_another_size_are_refused_by_the_head(grounded: RunConfig, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"model\.head\.feature_dim is 5, but the features have 4"):
        fit_and_evaluate(override(grounded, ["model.head.feature_dim=5"]), tmp_path / "run")


def test_each_step_looks_at_the_one_before_it_and_the_first_at_none(grounded: RunConfig) -> None:
    torch.manual_seed(4)
    expert = make_expert(grounded.encoder, grounded.model, NAMES).eval()
    data = read_split(grounded, "train")
    examples = encode_split(expert, grounded, data)
    earlier = [None if row.earlier is None else row.earlier.sample_id for row in examples.rows[:4]]
    ids = [row.sample_id for row in examples.rows[:4]]
    assert earlier == [None, ids[0], ids[1], None]
    from trainer.inputs import collate

    batch = collate(examples.rows[:3], expert.padding)
    assert batch.earlier is not None and batch.earlier.attention.any(1).tolist() == [False, True, True]
    with torch.no_grad():
        logits = expert.view(batch).logits
        alone = expert.view(replace(batch, earlier=None)).logits
        other = Earlier(batch.earlier.ids.roll(1, 0), batch.earlier.attention, batch.earlier.features)
        turned = expert.view(replace(batch, earlier=other)).logits
    assert torch.equal(logits[0], alone[0])
    assert not torch.allclose(logits[1], alone[1], atol=1e-4) and not torch.allclose(logits[2], turned[2], atol=1e-4)
