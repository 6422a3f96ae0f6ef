"""The reward gate in run folders: fitted, opened again, and what it answers; mixtures of before it still open."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from schemas.errors import UsageError
from schemas.run_files import read_mixture_facts
from tests.support.tiny_encoder import build_encoder, write_tweets
from trainer.commands import evaluate_run
from trainer.config import RunConfig, override
from trainer.mixture import fit_mixture, run_system
from trainer.mixture.mixture import read_mixture
from trainer.training import fit, read_split

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two experts that differ by their seed."""
    folder = tmp_path_factory.mktemp("house")
    build_encoder(folder / "encoder")
    settings = [
        f"encoder.name={folder / 'encoder'}", f"data.samples={write_tweets(folder / 'tweets')}",
        "encoder.max_length_pieces=64", "training.epochs=1", "training.batch_samples=8", "training.encoder_lr=3e-3",
        "training.head_lr=1e-2", "training.device=cpu",
    ]  # fmt: skip
    for seed in (1, 2):
        fit(override(RunConfig(), [*settings, f"training.seed={seed}"]), folder / f"run-{seed}")
    return [folder / "run-1", folder / "run-2"]


def test_a_share_of_the_samples_gets_the_answers_of_the_last_expert(runs: list[Path], tmp_path: Path) -> None:
    facts = fit_mixture(runs, tmp_path / "mixture", gate="reward", folds=2, share=0.25)
    assert (facts.gate, facts.share) == ("reward", 0.25) and "gate reward" in facts.scores
    output = run_system(tmp_path / "mixture", "test", lambda config: read_split(config, "test"))
    alone = [run_system(run, "test", lambda config: read_split(config, "test")).predicted for run in runs]
    assert output.weights is not None and set(output.weights.unique().tolist()) <= {0.0, 1.0}
    starts = [sum(output.lengths[:number]) for number in range(len(output.lengths))]
    routes = output.weights[starts].argmax(1).tolist()
    assert sum(routes) == 6  # of 24 samples
    assert output.predicted == [alone[route][number] for number, route in enumerate(routes)]
    scores = evaluate_run(tmp_path / "mixture", "test")
    assert scores["default"]["f1"] == pytest.approx(scores["experts and gates"]["gate reward"])


def test_a_mixture_of_the_version_before_is_opened_with_the_gates_that_it_has(runs: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "old"
    fit_mixture(runs, folder, gate="fixed", folds=2)
    facts = json.loads((folder / "mixture.json").read_text())
    del facts["steps"]["reward"], facts["scores"]["gate reward"], facts["share"]
    (folder / "mixture.json").write_text(json.dumps(facts))
    weights = load_file(folder / "gates.safetensors")
    save_file({k: v for k, v in weights.items() if not k.startswith("gates.reward.")}, folder / "gates.safetensors")
    assert list(read_mixture(folder)[1].gates) == ["fixed", "sample", "token", "hard"]
    assert read_mixture_facts(folder).share is None
    assert "gate reward" not in evaluate_run(folder, "test")["experts and gates"]


def test_a_share_is_of_two_experts_and_a_gate_is_one_of_the_list(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a share is in \[0, 1\], and of two experts"):
        fit_mixture([*runs, runs[0]], tmp_path / "m", share=0.5)
    with pytest.raises(UsageError, match=r"a share is in \[0, 1\]"):
        fit_mixture(runs, tmp_path / "m", share=1.5)
    with pytest.raises(UsageError, match="no gate 'best'"):
        fit_mixture(runs, tmp_path / "m", gate="best")  # type: ignore[arg-type]
