"""The folder of a run that the version before began: the same settings go on with it, others are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.errors import UsageError
from trainer.config import RunConfig, override
from trainer.inputs import LabelSet
from trainer.training.folder import open_run_folder, settle_config, write_facts

OLD = """
[data]
samples = "pairs"

[model]
dropout = 0.2
constrained_decoding = false
two_view = false
two_view_weight = 0.5
two_view_temperature = 1.0
"""


@pytest.mark.parametrize(("task", "names"), [("re", ("None", "peer")), ("ner", ("O", "B-PER", "I-PER"))])
def test_a_run_of_the_version_before_goes_on_under_the_same_settings(
    tmp_path: Path, task: str, names: tuple[str, ...]
) -> None:
    facts = {"dataset": "tiny", "task": task}
    write_facts(tmp_path, facts)
    (tmp_path / "config.toml").write_text(OLD)
    labels = LabelSet(task, names)  # type: ignore[arg-type]
    same = settle_config(override(RunConfig(), ["data.samples=pairs", "model.head.dropout=0.2"]), task)
    open_run_folder(tmp_path, same, labels, facts, overwrite=False, is_continued=False)
    assert (tmp_path / "config.toml").read_text() == OLD, "it is the same run: nothing is written"
    other = override(same, ["model.head.dropout=0.3"])
    with pytest.raises(UsageError, match=r"model\.head\.dropout is 0\.2 there, 0\.3 here"):
        open_run_folder(tmp_path, other, labels, facts, overwrite=False, is_continued=False)
