"""Bad input to the commands of the trainer: one line that names the fault and a remedy, and the right exit code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from schemas.dataset import write_dataset
from tests.support.commands import mie_index, mie_train
from tests.support.tiny_encoder import build_encoder, make_tweets, write_contexts, write_tweets

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder, data sets, contexts of other samples, a short run, and faulty files and runs."""
    folder = tmp_path_factory.mktemp("bad")
    build_encoder(folder / "encoder")
    write_tweets(folder / "tweets", train=24, dev=12, test=12)
    others = [row for split in ("train", "dev", "test") for row in make_tweets(24, split, seed=2)]
    write_contexts(folder / "contexts-of-others", others)
    samples = {split: make_tweets(6, split, 1) for split in ("train", "dev", "test")}
    changed = {
        split: [replace(row, tags=tuple(tag.replace("PER", "ORG") for tag in row.tags or ())) for row in rows]
        for split, rows in samples.items()
    }
    write_dataset(folder / "org", changed, name="org", task="ner", labels=["LOC", "ORG"], inputs=[], counters={})
    (folder / "tiny.toml").write_text(
        "[data]\nsamples = 'tweets'\n[encoder]\nname = 'encoder'\nmax_length_pieces = 64\n[training]\nepochs = 2\n"
        "batch_samples = 8\nencoder_lr = 3e-3\nhead_lr = 1e-2\ncrf_lr = 1e-2\ndevice = 'cpu'\n"
    )
    mie_train("fit", "tiny.toml", "-o", "run", cwd=folder)
    files = {
        "tag.conll": "IMGID:1\nAnn\tB-PRE\n\n",
        "orphan.conll": "IMGID:1\nAnn\tPER\n\n",
        "empty.jsonl": '{"tokens": ["Ann", ""], "tags": ["B-PER", "O"]}\n',
        "relation.txt": "{'token': ['A', 'B'], 'h': {'name': 'A', 'pos': [0, 1]}, 't': {'name': 'B', 'pos': [1, 2]}, "
        "'img_id': 'a.jpg', 'relation': '/per/per/peeer'}\n",
        "pgim/test.txt": "IMGID:1\nNobody\tO\n<EOS>\tX\nknows\tX\n\n",
        "long.jsonl": json.dumps({"tokens": ["anna", "saw", *["the"] * 100, "rome"]}) + "\n",
    }
    (folder / "pgim").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "damaged" / "best").mkdir(parents=True)
    for name, text in {
        "config.toml": (folder / "tiny.toml").read_text(),
        "best/head.json": "{",
        "run.json": "{",
    }.items():
        (folder / "damaged" / name).write_text(text)
    (folder / "half").mkdir()
    (folder / "half" / "config.toml").write_text((folder / "tiny.toml").read_text())
    return folder


CONVERT = ["data", "convert", "--out", "x", "--test"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            [*CONVERT, "tag.conll", "--set", "twitter2015"],
            3,
            "tag.conll, line 2: unknown tag 'B-PRE', did you mean PER",
        ),
        ([*CONVERT, "orphan.conll", "--set", "twitter2015"], 3, "line 2: not a tag: 'PER'"),
        (
            [*CONVERT, "relation.txt", "--set", "mnre2"],
            3,
            "unknown relation '/per/per/peeer', did you mean /per/per/peer",
        ),
        ([*CONVERT, "empty.jsonl", "--format", "jsonl"], 3, "empty.jsonl, line 1: token 2 is empty"),
        (["predict", "run", "empty.jsonl"], 3, "line 1: token 2 is empty"),
        (
            ["fit", "tiny.toml", "data.contexts=contexts-of-others", "data.sources=text", "-o", "x"],
            4,
            "had other tokens",
        ),
        (["evaluate", "half"], 3, "this run has no best/ (no epoch was finished). Remedy: give the same mie-train fit"),
        (["evaluate", "damaged"], 4, "head.json: unreadable"),
        (["predict", "damaged", "org"], 4, "run.json: unreadable"),
        (["predict", "half", "long.jsonl"], 3, "this run has no best/"),
        (["moe", "run", "half", "-o", "x"], 3, "this run has no best/"),
        (["predict", "run", "org"], 3, "the checkpoint has other labels: the data has ORG, it knows O, B-LOC"),
        (["fit", "tiny.toml", "trainig.epochs=3", "-o", "x"], 2, "unknown key 'trainig', did you mean 'training'"),
        (["fit", "tiny.toml", "training.encoder_Lr=1", "-o", "x"], 2, "did you mean 'training.encoder_lr'"),
        (["fit", "tiny.toml", "training.seed=4", "-o", "run", "--continue"], 2, "training.seed is 42 there, 4 here"),
        (["fit", "tiny.toml", "encoder.name=./gone", "-o", "x"], 2, "gone: no such folder of an encoder"),
        (["predict", "run", "long.jsonl", "-o", "no/such/../../tiny.toml/p.jsonl"], 4, "cannot be written"),
    ],
)
def test_what_is_wrong_is_named_on_one_line_with_its_code(
    house: Path, arguments: list[str], code: int, said: str
) -> None:
    done = mie_train(*arguments, cwd=house, code=code)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert said in line
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_misaligned_contexts_are_refused_with_file_and_line(house: Path) -> None:
    arguments = ("contexts", "import", "pgim", "--samples", "tweets", "--out", "x", "--source", "pgim")
    assert "pgim/test.txt, line 1: this sentence is in no sample" in mie_index(*arguments, cwd=house, code=3).stderr


def test_a_sentence_longer_than_the_window_is_predicted_to_its_end(house: Path) -> None:
    row = json.loads(mie_train("predict", "run", "long.jsonl", cwd=house).stdout)
    assert len(row["tags"]) == 103 and set(row["tags"][60:]) == {"O"}


def test_a_loss_that_explodes_stops_with_1_and_goes_on_with_a_lower_rate(house: Path) -> None:
    hot = ["fit", "tiny.toml", "-o", "hot"]
    done = mie_train(*hot, "training.encoder_lr=1e30", cwd=house, code=1)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "epoch 1, step 2, samples train-" in line and "is not a finite number" in line and "--continue" in line
    refused = mie_train(*hot, "training.encoder_lr=3e-3", cwd=house, code=2)
    assert "training.encoder_lr is 1e+30 there, 0.003 here" in refused.stderr and "add --continue" in refused.stderr
    gone_on = mie_train(*hot, "training.encoder_lr=3e-3", "--continue", cwd=house)
    assert json.loads(gone_on.stdout)["epochs"] == 2
    first = json.loads((house / "hot" / "metrics.jsonl").read_text().splitlines()[0])
    assert first == {"kind": "settings", "step": 0, "changed": {"training.encoder_lr": [1e30, 3e-3]}}
