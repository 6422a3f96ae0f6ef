"""Fine types from training to prediction: what is chosen by, scored, predicted, exported, re-ranked and mixed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.dataset import write_dataset
from schemas.entities import find_entities
from schemas.errors import InputError
from schemas.predictions import predictions_path, read_predictions
from schemas.records import Sample
from schemas.run_files import read_scores, scores_path
from tests.support.tiny_encoder import PEOPLE, build_encoder, make_tweets
from trainer.commands import PredictInputs, evaluate_run, fit_and_evaluate, predict_rows, uncertain_entities
from trainer.config import RunConfig, override
from trainer.mixture import fit_mixture
from trainer.model import read_expert_facts

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
SIZES = {"train": 48, "dev": 16, "test": 16}


def with_fine(sample: Sample) -> Sample:
    """People in the first half of the list are actors, the others authors; all places are cities."""
    rows = []
    for entity in find_entities(sample.tags or ()):
        first = PEOPLE.index(sample.tokens[entity.start]) < 3 if entity.type == "PER" else False
        fine = "city" if entity.type == "LOC" else "actor" if first else "author"
        rows.append(entity._replace(fine=fine))
    return replace(sample, entities=tuple(rows))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    folder = tmp_path_factory.mktemp("fine")
    samples = {name: [with_fine(row) for row in make_tweets(count, name, 1)] for name, count in SIZES.items()}
    write_dataset(folder / "tweets", samples, name="tiny", task="ner", labels=["LOC", "PER"], inputs=[], counters={})
    return override(
        RunConfig(),
        [
            f"encoder.name={build_encoder(folder / 'encoder')}", f"data.samples={folder / 'tweets'}",
            "encoder.max_length_pieces=64", "training.epochs=6", "training.encoder_lr=5e-3", "training.head_lr=5e-2",
            "training.batch_samples=8", "model.head.kind=hierarchical",
        ],
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs") / "hierarchical"
    fit_and_evaluate(config, folder)
    return folder


def test_a_run_knows_the_types_of_its_fine_types(run: Path) -> None:
    labels = read_expert_facts(run / "best").labels
    assert labels.fine == ("actor", "author", "city") and labels.parents == ("PER", "PER", "LOC")


def test_fine_types_are_learned_scored_first_and_compared_by_the_epoch(run: Path) -> None:
    scores = read_scores(scores_path(run, "test"))
    assert {"fine MNER", "MNER", "span"} <= set(scores.rows) and not {"GMNER", "FMNERG"} & set(scores.rows)
    assert scores.main == scores.rows["fine MNER"] and 0.5 < scores.rows["fine MNER"].f1 <= scores.rows["MNER"].f1
    assert scores.rows["MNER"].f1 == scores.rows["default"].f1
    dev = read_scores(scores_path(run, "dev")).rows["fine MNER"].f1
    assert json.loads((run / "run.json").read_text())["best_dev_f1"] == pytest.approx(dev)


def test_predictions_have_fine_types_and_how_sure_they_are(run: Path, config: RunConfig) -> None:
    rows = read_predictions(predictions_path(run, "test"))
    entities = [entity for row in rows for entity in row.entities]
    assert entities and all(entity.fine in ("actor", "author", "city") for entity in entities)
    for entity in entities:
        assert entity.entropy is not None and 0 <= entity.entropy <= 1.0987 and len(entity.candidates) == 3
        assert sum(share for _, share in entity.candidates) == pytest.approx(1, abs=1e-5)
    assert rows[0].gold_entities is not None and rows[0].gold_entities[0].fine is not None
    again = predict_rows(run, Path(config.data.samples), "test")
    assert [row["entities"] for row in again] == [
        json.loads(line)["entities"] for line in predictions_path(run, "test").read_text().splitlines()
    ]


def test_two_runs_with_fine_types_mix_by_their_types(run: Path, config: RunConfig, tmp_path: Path) -> None:
    other = tmp_path / "other"
    fit_and_evaluate(override(config, ["training.seed=3"]), other)
    fit_mixture([run, other], tmp_path / "mixture")
    scores = evaluate_run(tmp_path / "mixture", "test")
    assert scores["default"]["f1"] > 0.5


def test_uncertain_entities_are_exported_and_decisions_change_what_they_name_alone(
    run: Path, config: RunConfig, tmp_path: Path
) -> None:
    samples = Path(config.data.samples)
    rows = predict_rows(run, samples, "test")
    assert uncertain_entities(rows, 1.1) == []  # ln 3 is the most that three types have
    listed = uncertain_entities(rows, -1.0)
    assert len(listed) == sum(len(row["entities"]) for row in rows) and listed[0]["tokens"] == rows[0]["tokens"]
    person = next(row for row in listed if row["type"] != "city")
    decided = [{**person, "type": "city"}, {"sample_id": "test-1", "start": 90, "end": 91, "type": "actor"}]
    (tmp_path / "rerank.jsonl").write_text("".join(json.dumps(row) + "\n" for row in decided))
    told: list[str] = []
    again = predict_rows(run, samples, "test", PredictInputs(rerank=tmp_path / "rerank.jsonl"), told.append)
    assert told == ["1 of 2 decisions on fine types are about no predicted entity"]
    changed = [(old, new) for old, new in zip(rows, again, strict=True) if old != new]
    assert len(changed) == 1 and changed[0][0]["sample_id"] == person["sample_id"]
    pairs = zip(changed[0][0]["entities"], changed[0][1]["entities"], strict=True)
    for old, new in pairs:
        if old["start"] == person["start"]:
            assert (new["fine"], new["type"]) == ("city", "LOC") and changed[0][1]["tags"][old["start"]] == "B-LOC"
        else:
            assert old == new


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"sample_id": "a", "start": 0, "end": 1, "type": "actr"}', r"unknown fine type 'actr', did you mean 'actor'"),
        ('{"sample_id": "a", "start": "0", "end": 1, "type": "actor"}', "line 2, start: should be a valid integer"),
        ("nonsense", "line 2: not JSON"),
        ('{"sample_id": "x", "start": 0, "end": 1, "type": "city"}', "line 2: two decisions on one entity"),
    ],
)
def test_a_file_of_decisions_with_a_fault_is_refused_with_its_line(
    run: Path, config: RunConfig, tmp_path: Path, line: str, words: str
) -> None:
    good = '{"sample_id": "x", "start": 0, "end": 1, "type": "actor"}'
    (tmp_path / "rerank.jsonl").write_text(f"{good}\n{line}\n")
    with pytest.raises(InputError, match=words):
        predict_rows(run, Path(config.data.samples), "test", PredictInputs(rerank=tmp_path / "rerank.jsonl"))


def test_samples_beyond_the_window_have_their_own_answers(run: Path, tmp_path: Path) -> None:
    samples = [with_fine(row) for row in make_tweets(6, "test", 4)]
    long = replace(samples[1], sample_id="test-long", tokens=samples[1].tokens * 20, tags=None, entities=None)
    rows = [samples[0], long, *samples[2:]]
    write_dataset(
        tmp_path / "long", {"test": rows}, name="long", task="ner", labels=["LOC", "PER"], inputs=[], counters={}
    )
    found = predict_rows(run, tmp_path / "long", "test")
    assert [row["sample_id"] for row in found] == [row.sample_id for row in rows] and "cut_tokens" in found[1]
    for row in found:
        assert len(row["tags"]) == len(row["tokens"])
        assert all(entity["text"] for entity in row["entities"]) and len(row["entities"]) > 0
