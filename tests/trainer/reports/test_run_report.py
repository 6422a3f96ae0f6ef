"""The pages of `mie-train report`: curves, classes, gates and comparisons of run folders, without a model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.support.page_checks import ReadPage, read_sound_page
from trainer.cli import app
from trainer.reports import name_runs, report_to_page

HOSTILE = "PER</title><script>alert(1)</script>"
TOKENS = ("Rocky", "loves", "snow")


def score(right: int, predicted: int, gold: int, **more: Any) -> dict[str, Any]:
    precision, recall = right / max(1, predicted), right / max(1, gold)
    f1 = 2 * right / max(1, predicted + gold)
    counts = {"right": right, "predicted": predicted, "gold": gold}
    return {"precision": precision, "recall": recall, "f1": f1, **counts, **more}


def write_scores(
    folder: Path, right: Sequence[bool], gates: Sequence[float] = (), systems: Mapping[str, float] = {}
) -> None:
    """Write predictions of as many samples as there are answers, and their scores."""
    predictions = folder / "predictions"
    predictions.mkdir(parents=True)
    rows = []
    for number, is_right in enumerate(right):
        row = {
            "sample_id": f"test-{number}",
            "tokens": TOKENS,
            "gold": ["B-PER", "O", "O"],
            "tags": ["B-PER" if is_right else "O", "O", "O"],
        }
        if gates:
            weight = gates[number]
            row["gate"] = [{"expert": "a", "weight": weight}, {"expert": "b", "weight": 1 - weight}]
        rows.append(json.dumps(row))
    (predictions / "test.jsonl").write_text("\n".join(rows) + "\n")
    classes = {"LOC": score(0, 0, 1), HOSTILE: score(sum(right), sum(right), len(right))}
    values: dict[str, Any] = {"default": score(sum(right), sum(right), len(right), macro_f1=0.5, by_class=classes)}
    values["seen"] = score(0, 1, 1)
    if systems:
        values["experts and gates"] = dict(systems)
    (predictions / "test.scores.json").write_text(json.dumps(values))
    (predictions / "test.scores.md").write_text("| test | F1 |\n")


@pytest.fixture
def runs(tmp_path: Path) -> dict[str, Path]:
    found = {}
    for name, right in (("a", [True, False] * 20), ("b", [True] * 40)):
        folder = tmp_path / name
        write_scores(folder, right)
        (folder / "config.toml").write_text(
            '[data]\nsamples = "/home/me/t15"\nsources = ["text"]\n[encoder]\nname = "x"\n'
        )
        facts = {"dataset": "t15", "task": "ner", "best_dev_f1": 0.625, "best_epoch": 2, "epochs": 2, "steps": 500}
        (folder / "run.json").write_text(json.dumps(facts))
        log = [
            {"kind": "epoch", "epoch": epoch, "step": 250 * epoch, "loss": 2.0 / epoch, "dev_f1": f1, "is_best": True}
            for epoch, f1 in ((1, 0.5), (2, 0.625))
        ]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
        found[name] = folder
    return found


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    folder = tmp_path / "m"
    systems = {"expert a": 0.6, "gate token": 0.75, "oracle by token": 0.9}
    write_scores(folder, [True, True, False], gates=[0.1, 0.12, 0.96], systems=systems)
    facts = {
        "experts": ["../a", "../b"], "digests": ["0" * 64, "1" * 64], "gate": "token", "split": "dev", "folds": 5,
        "steps": {"token": 5}, "image_vectors": "", "sizes": [18, 5, 384, 0],
        "scores": {"expert a": {"f1": 0.5}, "gate token": {"f1": 0.55, "nll": 0.25, "steps": 5}},
    }  # fmt: skip
    (folder / "mixture.json").write_text(json.dumps(facts))
    return folder


def page_of(runs: dict[str, Path]) -> ReadPage:
    return read_sound_page(report_to_page(runs))


def described(page: ReadPage, title: str) -> str:
    """The numbers of the figure with this title."""
    words = page.words[page.words.index(title) :]
    place = next(
        at for at, word in enumerate(words[1:], start=1) if word.startswith(("F1", "loss", "samples")) and ". " in word
    )
    return words[place]


def test_the_page_of_a_run_tells_curves_classes_slices_and_settings(runs: dict[str, Path]) -> None:
    page = page_of({"a": runs["a"]})
    assert described(page, "Loss") == "loss by epoch. a: 1: 2, 2: 1"
    assert described(page, "F1 on dev") == "F1 (%) by epoch. a: 1: 50, 2: 62.5"
    assert described(page, "F1 by class on test") == f"F1 (%). {HOSTILE}: 66.7, LOC: 0.0"
    for words in ("t15 (ner)", "62.50 in epoch 2", "500 in 2 epochs", "seen", "66.67"):
        assert words in page.text, words


def test_a_hostile_class_stands_as_text(runs: dict[str, Path]) -> None:
    assert HOSTILE in page_of({"a": runs["a"]}).text


def test_of_one_epoch_no_curve_is_drawn(runs: dict[str, Path]) -> None:
    log = runs["a"] / "metrics.jsonl"
    log.write_text(log.read_text().splitlines()[0] + "\n")
    page = page_of({"a": runs["a"]})
    assert len(page.named("svg")) == 1
    assert "Epochs" in page.text


def test_the_page_of_a_mixture_counts_the_weights_of_its_gate(mixture: Path) -> None:
    page = page_of({"m": mixture})
    assert "0.1 to 0.15: 2;" in described(page, "Weight of a")
    assert "0.95 to 1: 1" in described(page, "Weight of a")
    assert "Mean 0.393." in page.text
    assert "gate token 55.00 0.2500 75.00" in page.text


def test_a_gate_that_never_moves_is_said_not_drawn(mixture: Path) -> None:
    path = mixture / "predictions" / "test.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row["gate"] = [{"expert": "a", "weight": 0.5}, {"expert": "b", "weight": 0.5}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "The gate token gives every sample the same weights: a 0.50, b 0.50." in page_of({"m": mixture}).text


def test_runs_stand_beside_each_other_with_the_bootstrap_of_their_difference(runs: dict[str, Path]) -> None:
    page = page_of(runs)
    assert "a 66.67 b 100.00" in page.text
    assert "b test +33.33" in page.text
    assert described(page, "F1 on dev").startswith("F1 (%) by epoch. a: 1: 50, 2: 62.5; b: ")
    assert len(page.named("details")) == 2


def test_runs_on_other_samples_are_not_compared(runs: dict[str, Path]) -> None:
    path = runs["b"] / "predictions" / "test.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    page = page_of(runs)
    assert "F1 beyond" not in page.text
    assert "a 66.67 b 100.00" in page.text


def test_names_tell_runs_apart(tmp_path: Path) -> None:
    folders = [tmp_path / "seed-1" / "text", tmp_path / "seed-2" / "text", tmp_path / "seed-2" / "text"]
    assert list(name_runs(folders)) == ["seed-1/text", "seed-2/text"]
    assert list(name_runs(folders[:1])) == ["text"]


def test_the_command_writes_the_page_into_the_run(runs: dict[str, Path]) -> None:
    done = CliRunner().invoke(app, ["report", str(runs["a"])])
    assert done.exit_code == 0, done.output
    assert "# a" in done.stdout
    assert "report.html is written" in done.stderr
    read_sound_page((runs["a"] / "report.html").read_text(encoding="utf-8"))
    again = (runs["a"] / "report.html").read_bytes()
    CliRunner().invoke(app, ["report", str(runs["a"])])
    assert (runs["a"] / "report.html").read_bytes() == again


def test_the_command_writes_the_comparison_of_runs_to_the_named_file(runs: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "both.html"
    done = CliRunner().invoke(app, ["report", str(runs["a"]), str(runs["b"]), "--html", str(out)])
    assert done.stdout == "| F1 | test |\n|---|---:|\n| a | 66.67 |\n| b | 100.00 |\n"
    read_sound_page(out.read_text(encoding="utf-8"))


def test_scores_of_several_runs_are_printed_as_json_by_name(runs: dict[str, Path]) -> None:
    done = CliRunner().invoke(app, ["report", str(runs["a"]), str(runs["b"]), "--json"])
    assert json.loads(done.stdout)["b"]["test"]["default"]["f1"] == 1.0


@pytest.mark.parametrize("name", ["metrics.jsonl", "run.json", "config.toml", "predictions/test.scores.json"])
def test_a_damaged_file_is_named(runs: dict[str, Path], name: str) -> None:
    from schemas.errors import MieError

    (runs["a"] / name).write_text("{]\n")
    with pytest.raises(MieError) as caught:
        report_to_page({"a": runs["a"]})
    assert caught.value.path == str(runs["a"] / name)
    assert caught.value.remedy


def test_a_report_loads_no_torch(runs: dict[str, Path]) -> None:
    code = "import sys; from trainer.cli import app; app(sys.argv[1:], standalone_mode=False); "
    code += "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, "report", str(runs["a"])], check=True, capture_output=True)
