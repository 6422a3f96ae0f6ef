"""Saving a run: killed between the two renames of best/, failing while it is written, and on a full disk."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from schemas.errors import StoreError
from tests.support.tiny_encoder import build_encoder, write_tweets
from trainer.commands import evaluate_run
from trainer.config import RunConfig, check_config, override, to_toml
from trainer.training import fit, recover_folder
from trainer.training.state import swapped_folder

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An encoder, an entity set, settings under which best/ is written at least twice, and a whole run of these."""
    folder = tmp_path_factory.mktemp("saving")
    build_encoder(folder / "encoder")
    write_tweets(folder / "tweets", train=24, dev=12, test=12)
    (folder / "tiny.toml").write_text(to_toml(settings(folder)))
    fit(settings(folder), folder / "whole")
    best = [row for row in rows_of(folder / "whole") if row["kind"] == "epoch" and row["is_best"]]
    assert len(best) >= 2, "these settings must write best/ twice"
    return folder


def settings(folder: Path) -> RunConfig:
    changes = [
        f"encoder.name={folder / 'encoder'}", f"data.samples={folder / 'tweets'}", "encoder.max_length_pieces=64",
        "training.epochs=3", "training.batch_samples=8", "training.encoder_lr=3e-3", "training.head_lr=1e-2",
        "training.crf_lr=1e-2", "training.device=cpu",
    ]  # fmt: skip
    return check_config(override(RunConfig(), changes))


def rows_of(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return {**load_file(run / "best" / "model.safetensors"), **load_file(run / "best" / "head.safetensors")}


def is_same(a: Path, b: Path) -> bool:
    one, two = weights(a), weights(b)
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


KILL_BETWEEN_THE_RENAMES = """
import os, signal, sys, torch
from pathlib import Path
torch.set_num_threads(1)
renamed = Path.rename
def rename(self, target):
    if self.name == "best.new" and self.with_name("best.old").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return renamed(self, target)
Path.rename = rename
from trainer.config import load_config
from trainer.training.run import fit
fit(load_config(sys.argv[1]), Path(sys.argv[2]))
"""
FULL_DISK = """
import resource, sys, torch
torch.set_num_threads(1)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)), resource.RLIM_INFINITY))
from trainer.cli import main
main()
"""


def run_program(program: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=600)


def test_a_kill_between_the_two_renames_of_best_loses_nothing(house: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = run_program(KILL_BETWEEN_THE_RENAMES, house / "tiny.toml", run, cwd=house)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (run / "best").exists() and (run / "best.old").is_dir() and (run / "best.new").is_dir()
    assert evaluate_run(run, "dev")["default"]["f1"] >= 0, "the former best speaks until the run goes on"
    fit(settings(house), run)
    assert is_same(run, house / "whole")
    assert sorted(path.name for path in run.glob("best*")) == ["best"]


def test_a_failure_while_best_is_written_leaves_the_former_best_and_no_rest(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, saved = tmp_path / "run", save_file

    def fail_at_the_second(*arguments: object, **named: object) -> None:
        if (run / "best").exists():
            raise OSError(5, "Input/output error")
        saved(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("trainer.model.checkpoint.save_file", fail_at_the_second)
    with pytest.raises(StoreError, match=r"best: cannot be written .*Input/output error.*goes on from the last state"):
        fit(settings(house), run)
    assert not (run / "best.new").exists() and weights(run)
    monkeypatch.setattr("trainer.model.checkpoint.save_file", saved)
    fit(settings(house), run)
    assert is_same(run, house / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("limit_bytes", [200, 20_000, 120_000], ids=["at once", "in best", "in last"])
def test_a_full_disk_ends_with_4_and_the_same_command_goes_on(house: Path, tmp_path: Path, limit_bytes: int) -> None:
    """The bound of a file's size stands in for a full disk: the system refuses to write in the same way."""
    arguments = ("fit", house / "tiny.toml", "--out", tmp_path / "run")
    done = run_program(FULL_DISK, limit_bytes, *arguments, cwd=house)
    assert done.returncode == 4, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "cannot be written" in line and "File too large" in line and "make room" in line
    assert "Traceback" not in done.stderr
    fit(settings(house), tmp_path / "run")
    assert is_same(tmp_path / "run", house / "whole")


@pytest.mark.parametrize("renames", [0, 1, 2])
def test_a_folder_is_swapped_whole_or_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int) -> None:
    """Cut off after no, one or both renames: what is there is the old folder or the new one, and whole."""
    folder = tmp_path / "best"
    folder.mkdir()
    (folder / "a").write_text("old")
    renamed: Callable[[Path, Path], Path] = Path.rename
    done = []

    def rename(self: Path, target: Path) -> Path:
        if len(done) == renames:
            raise KeyboardInterrupt
        done.append(target)
        return renamed(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    try:
        with swapped_folder(folder) as new:
            (new / "a").write_text("new")
    except KeyboardInterrupt:
        pass
    monkeypatch.setattr(Path, "rename", renamed)
    recover_folder(folder)
    assert (folder / "a").read_text() == ("new" if renames == 2 else "old")
