"""Settings: TOML in, frozen values out, and typos found."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from schemas.errors import UsageError
from trainer.config import RunConfig, flatten_settings, load_config, override, parse_config, preset_names, to_toml
from trainer.model import settle_head
from trainer.model.heads import AutoHeadSettings, RelationSettings, TaggingSettings
from trainer.model.objectives import TwoViewSettings

ROOT = Path(__file__).resolve().parents[2]


def test_every_preset_loads_and_writes_itself_back() -> None:
    assert {"small-baseline", "small-text", "more-twitter2015-text", "more-mnre-text"} <= set(preset_names())
    for name in preset_names():
        loaded = load_config(name, is_complete=False)
        given = ["data.samples=x"] + ['data.contexts=["y"]'] * bool(loaded.data.sources)
        config = load_config(name, given + ['data.features=["z"]'] * (loaded.model.fusion is not None))
        assert parse_config(to_toml(config)) == config


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[training]\nepoch = 3", "did you mean 'training.epochs'"),
        ("[trainin]\nepochs = 3", "did you mean 'training'"),
        ("[training]\nepochs = 1.5", "training.epochs must be a whole number"),
        ("[training]\nencoder_lr = 'high'", "training.encoder_lr must be a number"),
        ("[data]\nsources = [1]", "data.sources must be a string"),
        ("training = 3", "training is a section"),
        ("[training]\nencoder_lr = '1'", "training.encoder_lr must be a number, not '1'"),
        ("[training]\nencoder_lr = true", "training.encoder_lr must be a number"),
        ("[training]\nbucket_by_length = 1", "training.bucket_by_length must be true or false"),
        (
            "[model.head]\nkind = 'tagging'\ndropuot = 0.1",
            "unknown key 'model.head.dropuot', did you mean 'model.head.dropout'",
        ),
        ("[model.head]\nkind = 'taging'", "there is no head of the kind 'taging', did you mean 'tagging'"),
        (
            "[model.head]\nkind = 'relation'\nconstrained_decoding = true",
            "unknown key 'model.head.constrained_decoding'",
        ),
        ("[model.fusion]\nkind = 'prefxi'", "there is no fusion of the kind 'prefxi', did you mean 'prefix'"),
        ("[[model.objectives]]\nkind = 'two_view_kl'\nweight = 1.0", r"model.objectives.0.weight must be in \[0, 1\)"),
        ("[[model.objectives]]\nkind = 'two_view_kl'\nheat = 1", "unknown key 'model.objectives.0.heat'"),
        ("[[model.objectives]]\nweight = 0.5", "there is no objective of the kind None"),
        ("[model.objectives]\nkind = 'two_view_kl'\nheat = 1", "unknown key 'model.objectives.0.heat'"),
        ("[model]\nhead = 3", "model.head is a section"),
        ("[model]\nhead = 3\ndropout = 0.1", "model.head is a section"),
        ("[model]\nobjectives = [3]\ntwo_view = true", "model.objectives.0 is a section"),
        ("model = 3", "model is a section"),
        ("[training", "not TOML"),
    ],
)
def test_a_faulty_setting_is_named(text: str, wanted: str) -> None:
    with pytest.raises(UsageError, match=wanted):
        parse_config(text)


def test_settings_of_the_command_line_come_last_and_keep_the_rest() -> None:
    base = parse_config("[training]\nseed = 5\nepochs = 7")
    config = override(base, ["training.seed=9", "data.sources=['text', \"image\"]", "data.samples=my folder"])
    assert (config.training.seed, config.training.epochs) == (9, 7)
    assert config.data.sources == ("text", "image")
    assert config.data.samples == "my folder"


@pytest.mark.parametrize("text", ["training.seed", "seed=3", "training.see=3"])
def test_a_setting_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(UsageError):
        override(RunConfig(), [text])


@pytest.mark.parametrize(
    "change",
    ["training.epochs=0", "model.dropout=1.0", "training.device=gpu", "data.sources=text", "training.seed=-1"],
)
def test_values_out_of_range_are_errors_that_name_their_key(change: str) -> None:
    key = change.partition("=")[0].replace("sources", "contexts").replace("model.dropout", r"model\.head\.dropout")
    with pytest.raises(UsageError, match=f"{key} must be"):
        load_config("small-baseline", ["data.samples=x", change])


def test_a_missing_file_and_an_unknown_preset_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_config(str(tmp_path / "none.toml"))
    with pytest.raises(UsageError, match="did you mean 'small-baseline'"):
        load_config("small-baselin")


def test_written_settings_name_every_key_also_empty_lists() -> None:
    values = tomllib.loads(to_toml(RunConfig()))
    assert values["data"]["sources"] == [] and values["model"]["objectives"] == []
    assert values["model"]["head"] == {"kind": "auto", "dropout": 0.1, "constrained_decoding": False}


def test_a_whole_number_is_a_number() -> None:
    assert parse_config("[training]\nencoder_lr = 1").training.encoder_lr == 1.0


def test_a_setting_reaches_into_blocks_and_lists() -> None:
    config = override(
        RunConfig(),
        [
            "model.objectives.0.weight=0.25",
            "model.objectives.0.kind=two_view_kl",
            "model.head.dropout=0.3",
            "model.head.kind=relation",
        ],
    )
    assert config.model.head == RelationSettings(dropout=0.3)
    assert config.model.objectives == (TwoViewSettings(weight=0.25),)
    assert override(config, ["model.objectives.0.temperature=2.0"]).model.objectives[0] == TwoViewSettings(
        weight=0.25, temperature=2.0
    )
    assert parse_config(to_toml(config)) == config
    assert flatten_settings(config)["model.objectives.0.weight"] == 0.25
    with pytest.raises(UsageError, match="the list has 1 blocks"):
        override(config, ["model.objectives.2.weight=0.1"])
    with pytest.raises(UsageError, match="epochs is a value, not a section"):
        override(config, ["training.epochs.0=1"])


OLD = """
[data]
sources = ["text"]

[model]
dropout = 0.2
constrained_decoding = true
two_view = true
two_view_weight = 0.75
two_view_temperature = 2.0
"""


def test_settings_of_the_version_before_are_read(tmp_path: Path) -> None:
    model = parse_config(OLD).model
    assert model.head == AutoHeadSettings(dropout=0.2, constrained_decoding=True)
    assert model.objectives == (TwoViewSettings(weight=0.25, temperature=2.0),)
    assert parse_config(OLD.replace("two_view = true", "two_view = false")).model.objectives == ()
    path = tmp_path / "mine.toml"
    path.write_text(OLD)
    known = ["data.samples=x", "data.contexts=y"]
    assert load_config(str(path), [*known, "model.two_view=false"]).model.objectives == ()
    changed = load_config(str(path), [*known, "model.two_view_weight=0.5", "model.dropout=0"])
    assert changed.model.objectives[0].weight == 0.5 and changed.model.head.dropout == 0.0  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"model\.objectives\.0\.weight must be a number, not '1'"):
        parse_config(OLD.replace("0.75", "'1'"))


def test_an_objective_that_needs_contexts_is_refused_without_them() -> None:
    with pytest.raises(UsageError, match=r"model\.objectives must be without two_view_kl where data\.sources is empty"):
        load_config("small-baseline", ["data.samples=x", "model.two_view=true"])


def test_the_data_settles_the_head_that_no_setting_names() -> None:
    assert settle_head(AutoHeadSettings(dropout=0.2), "ner") == TaggingSettings(dropout=0.2)
    assert settle_head(AutoHeadSettings(dropout=0.2), "re") == RelationSettings(dropout=0.2)
    given = TaggingSettings(constrained_decoding=True)
    assert settle_head(given, "ner") is given


def test_reading_settings_loads_no_torch() -> None:
    code = (
        "import sys; from trainer.config import load_config, to_toml; "
        "to_toml(load_config('more-twitter2015-text', is_complete=False)); "
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
