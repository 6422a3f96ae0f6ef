"""Every command of `mie-train` in a process of its own, on a two-layer random XLM-R."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.dataset import read_samples
from tests.support.commands import mie_train as here
from tests.support.index_folders import Page, make_folder
from tests.support.tiny_encoder import PEOPLE, PLACES, build_encoder, write_contexts, write_tweets

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("presets", "systems", "fit", "moe", "predict", "evaluate", "report", "compare", "ablate", "data")


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}


def mie_train(*arguments: object, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own; fail with its stderr where the exit code is another."""
    command = [sys.executable, "-m", "trainer.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == code, done.stderr
    return done


pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    build_encoder(folder / "encoder")
    write_tweets(folder / "tweets")
    samples = [sample for split in ("train", "dev", "test") for sample in read_samples(folder / "tweets", split)]
    write_contexts(folder / "contexts", samples)
    text = """
    [encoder]
    name = "encoder"
    max_length_pieces = 64
    [training]
    epochs = 4
    batch_samples = 8
    encoder_lr = 3e-3
    head_lr = 1e-2
    crf_lr = 1e-2
    """
    (folder / "tiny.toml").write_text("[data]\nsamples = 'tweets'\n" + text)
    return folder


@pytest.mark.slow
def test_a_tiny_model_goes_through_every_command(house: Path) -> None:
    facts = json.loads(mie_train("fit", "tiny.toml", "-o", "a", cwd=house).stdout)
    assert facts["test_f1"] > 0.8
    here("fit", "tiny.toml", "data.contexts=contexts", "data.sources=text", "-o", "b", cwd=house)
    seeds = here("fit", "tiny.toml", "training.epochs=1", "--seeds", "1,2", "-o", "s", cwd=house)
    assert json.loads(seeds.stdout)["seeds"] == [1, 2]
    mixed = here("moe", "a", "b", "-o", "m", "--folds", "2", cwd=house)
    assert "| oracle by sample |" in mixed.stdout and "predicts by the gate" in mixed.stdout
    assert "| default |" in here("evaluate", "m", cwd=house).stdout
    assert "Mixture of a, b" in here("report", "m", cwd=house).stdout
    compared = json.loads(here("compare", "m", "a", "--json", cwd=house).stdout)
    assert -1 <= compared["low"] <= compared["difference"] <= compared["high"] <= 1
    assert "contexts of other samples" in here("ablate", "b", "--k", "0,1", cwd=house).stdout
    here("predict", "m", "tweets", "--contexts", "contexts", "-o", "p.jsonl", "--conll", "p.conll", cwd=house)
    assert (house / "p.jsonl").read_bytes() == (house / "m" / "predictions" / "test.jsonl").read_bytes()
    (house / "raw.jsonl").write_text(json.dumps({"text": "Anna went to rome"}) + "\n")
    row = json.loads(here("predict", "a", "raw.jsonl", cwd=house).stdout)
    assert row["tokens"][0] == "Anna" and "entities" in row


@pytest.mark.slow
def test_predict_retrieves_from_an_index_by_the_index_program(house: Path) -> None:
    """The trainer opens no index: it runs `mie-index retrieve`, which makes a cache."""
    names = [*PEOPLE, *PLACES]
    pages = [
        Page(n, name, [[f"{name} the {'person' if n < len(PEOPLE) else 'big city'}"]]) for n, name in enumerate(names)
    ]
    make_folder(house / "wiki", [pages])
    here("fit", "tiny.toml", "data.contexts=contexts", "data.sources=text", "-o", "b", cwd=house)
    (house / "raw2.jsonl").write_text(json.dumps({"text": "anna went to rome", "image": "/nowhere/a.jpg"}) + "\n")
    done = mie_train("predict", "b", "raw2.jsonl", "--index", "wiki", cwd=house)
    row = json.loads(done.stdout)
    assert {context["title"] for context in row["contexts"]} == {"anna", "rome"}
    assert row["image"] == "/nowhere/a.jpg" and row["text"] == "anna went to rome" and "gate" not in row
    assert all(row["text"][e["start_char"] : e["end_char"]] == e["text"] for e in row["entities"])
    lost = mie_train("predict", "b", "raw2.jsonl", "--index", "nowiki", cwd=house, code=4)
    assert lost.stderr.startswith("error: nowiki: ") and "beam run build_wiki_index" in lost.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_at_once(command: str, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = mie_train(command, "--help", cwd=tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "Usage:" in done.stdout
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert seconds < 2, "a heavy import got into the help"


def test_help_imports_neither_torch_nor_transformers(tmp_path: Path) -> None:
    code = (
        "import sys, trainer.cli as c\n"
        "try: c.app(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'transformers', 'pyarrow', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["fit", "tiny.toml", "training.epoch=3", "-o", "x"], 2, "did you mean 'training.epochs'"),
        (["fit", "tiny.toml"], 2, "add --out"),
        (["fit", "small-baseline", "-o", "x"], 2, "data.samples must be a folder of samples"),
        (["fit", "tiny.toml", "--seeds", "1,x", "-o", "x"], 2, "no list of whole numbers"),
        (["fit", "tiny.toml", "data.samples=nowhere", "-o", "x"], 4, "no converted data set here"),
        (["evaluate", "nowhere"], 3, "no run here"),
        (["report", "nowhere"], 3, "nothing was evaluated"),
        (["moe", "a", "-o", "x", "--gate", "best"], 2, "no gate 'best'"),
        (["compare", "nowhere", "nowhere"], 3, "no predictions here"),
        (["predict", "nowhere", "raw.jsonl"], 3, "no run here"),
    ],
)
def test_a_wrong_command_ends_with_one_line_and_its_code(
    house: Path, arguments: list[str], code: int, said: str
) -> None:
    done = here(*arguments, cwd=house, code=code)
    assert done.stderr.startswith("error: ") and said in done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr


def test_print_config_shows_all_settings_as_toml(house: Path) -> None:
    import tomllib

    done = here("fit", "more-twitter2015-text", "training.seed=7", "--print-config", cwd=house)
    values = tomllib.loads(done.stdout)
    assert values["training"]["seed"] == 7 and [row["kind"] for row in values["model"]["objectives"]] == ["two_view_kl"]
    assert values["encoder"] == {
        "name": "xlm-roberta-large", "max_length_pieces": 512, "gradient_checkpointing": False,
    }  # fmt: skip
