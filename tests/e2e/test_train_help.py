"""The help of `mie-train`: every command explains each option and shows examples, and every example works."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from typer.main import get_command

from schemas.dataset import read_samples, write_dataset
from schemas.records import Sample, Span
from tests.support.commands import mie_train
from tests.support.index_folders import Page, make_folder
from tests.support.tiny_encoder import PEOPLE, PLACES, WORDS, build_encoder, make_tweets, write_contexts
from tests.support.tiny_generator import build_generator
from trainer.cli import app
from trainer.data import KNOWN_SETS, READERS

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("one_thread")]

QUICK = ("encoder.name=encoder", "encoder.max_length_pieces=64", "training.epochs=1", "training.device=cpu")


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """Every command with the words that call it, in the order of the help."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield " ".join([*words, name]), command


COMMANDS = dict(commands(get_command(app)))  # type: ignore[arg-type]


def examples(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.startswith("    mie-train ")]


def help_of(words: str, folder: Path) -> str:
    return mie_train(*words.split(), "--help", cwd=folder).stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_argument_is_explained(name: str) -> None:
    lacking = [row.name for row in COMMANDS[name].params if not getattr(row, "help", None) and row.name != "help"]
    assert lacking == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example_of_itself(name: str, tmp_path: Path) -> None:
    shown = examples(help_of(name, tmp_path))
    assert shown and all(line.startswith(f"mie-train {name}") for line in shown)


def test_convert_names_every_format_and_every_known_set(tmp_path: Path) -> None:
    words = set(help_of("data convert", tmp_path).replace(",", " ").replace(";", " ").split())
    assert {*READERS, *KNOWN_SETS} <= words


def write_relations(folder: Path) -> None:
    """Write pairs of six relations, twelve pairs each: enough for episodes of five relations with ten pairs."""
    names = [f"/per/loc/{verb}" for verb in ("at", "by", "for", "in", "of", "to")]
    ends = Span(0, 1), Span(2, 3)
    samples = {
        split: [
            Sample(f"{split}-{name}-{n}", (f"anna-{name}-{n}", "in", "rome"), None, None, *ends, name, split)
            for name in names
            for n in range(12)
        ]
        for split in ("train", "dev", "test")
    }
    write_dataset(folder, samples, name="tiny", task="re", labels=["None", *names], inputs=[], counters={})


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A folder with what the examples name before they make the rest: column files, posts, an index, an encoder."""
    for name in ("twitter2015", "twitter2017"):
        (tmp_path / name / "images").mkdir(parents=True)
        for split in ("train", "dev", "test"):
            rows = [zip(row.tokens, row.tags or (), strict=True) for row in make_tweets(16, split, seed=1)]
            text = "\n".join("".join(f"{token}\t{tag}\n" for token, tag in row) for row in rows)
            (tmp_path / name / f"{split}.txt").write_text(text)
    (tmp_path / "gmner" / "xml").mkdir(parents=True)
    (tmp_path / "gmner" / "xml" / "1.xml").write_text(
        "<annotation><object><name>anna</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
        "</object></annotation>"
    )
    (tmp_path / "gmner" / "test.txt").write_text("IMGID:1\nanna\tB-PER\nsmiles\tO\n")
    (tmp_path / "posts.jsonl").write_text(json.dumps({"text": "anna went to rome"}) + "\n")
    pages = [Page(n, word, [[f"{word} is a word"]]) for n, word in enumerate((*PEOPLE, *PLACES))]
    make_folder(tmp_path / "enwiki", [pages])
    build_encoder(tmp_path / "encoder")
    build_generator(tmp_path / "flan-t5", "t5", (*PEOPLE, *PLACES, *WORDS))
    mie_train("data", "convert", "twitter2017", "--set", "twitter2017", "--out", "t17", cwd=tmp_path)
    mie_train("data", "convert", "twitter2015", "--set", "twitter2015", "--out", "other", cwd=tmp_path)
    samples = [row for split in ("train", "dev", "test") for row in read_samples(tmp_path / "other", split)]
    write_contexts(tmp_path / "t15-contexts", samples)
    write_relations(tmp_path / "mnre")
    for run, preset in (("prototypes", "small-fl-msre"), ("re", "small-mnre-baseline")):
        mie_train("fit", preset, "--out", f"runs/{run}", "data.samples=mnre", *QUICK, cwd=tmp_path)
    return tmp_path


@pytest.mark.slow
def test_every_example_works(house: Path) -> None:
    """Those of the program first: they make the runs that the examples of the commands read."""
    shown = examples(help_of("", house))
    for name in COMMANDS:
        shown += examples(help_of(name, house))
    for line in dict.fromkeys(shown):
        words = shlex.split(line)[1:]
        mie_train(*words, *(QUICK if words[0] == "fit" else ()), cwd=house)
    assert {path.name for path in (house / "runs").iterdir()} == {
        "baseline", "mixture", "prototypes", "re", "seeds", "stack", "text", "token-gate",
    }  # fmt: skip
    assert (house / "predictions.jsonl").is_file() and (house / "predictions.conll").is_file()
    assert (house / "report.html").is_file() and (house / "runs" / "mixture" / "report.html").is_file()
