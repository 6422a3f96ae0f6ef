"""Settings: TOML in, frozen values out, and typos found."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import UsageError
from trainer.config import RunConfig, load_config, override, parse_config, preset_names, to_toml


def test_every_preset_loads_and_writes_itself_back() -> None:
    assert {"small-baseline", "small-text", "more-twitter2015-text", "more-mnre-text"} <= set(preset_names())
    for name in preset_names():
        config = load_config(name, ["data.samples=x"] + (['data.contexts=["y"]'] if "baseline" not in name else []))
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
    with pytest.raises(UsageError, match=change.partition("=")[0].replace("sources", "contexts")):
        load_config("small-baseline", ["data.samples=x", change])


def test_a_missing_file_and_an_unknown_preset_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_config(str(tmp_path / "none.toml"))
    with pytest.raises(UsageError, match="did you mean 'small-baseline'"):
        load_config("small-baselin")
