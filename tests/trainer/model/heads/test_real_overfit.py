"""Thirty-two real tweets, as a real encoder sees them, are learned by the pointer decoder to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from schemas.dataset import read_dataset, read_samples
from schemas.errors import MieError
from schemas.text_files import TextFile
from trainer.blocks import EncoderConfig
from trainer.config import RunConfig
from trainer.data import convert_files
from trainer.inputs import LabelSet, collate
from trainer.model import make_expert
from trainer.model.heads.head import View
from trainer.model.heads.pointer import PointerHead
from trainer.model.heads.pointer_settings import PointerSettings
from trainer.model.settings import ModelConfig
from trainer.training import SplitData, encode_split

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]

TWEETS = 32


@pytest.fixture(scope="module")
def seen(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[LabelSet, View]:
    """The states of the first tweets of GMNER, by the offline encoder as it is."""
    folder = tmp_path_factory.mktemp("gmner")
    lines = (shared_data / "gmner" / "train.txt").read_text(encoding="utf-8").split("\n\n")
    (folder / "train.txt").write_text("\n\n".join(lines[:TWEETS]) + "\n", encoding="utf-8")
    convert_files({"train": TextFile(folder / "train.txt")}, folder / "samples", name="gmner")
    dataset, samples = read_dataset(folder / "samples"), read_samples(folder / "samples", "train")
    labels = LabelSet.of(dataset, samples)
    try:
        expert = make_expert(EncoderConfig("offline:minilm", 128), ModelConfig(), labels)
    except MieError as error:
        pytest.skip(f"no offline encoder: {error}")
    rows = collate(encode_split(expert, RunConfig(), SplitData(dataset, samples, {})).rows, expert.padding)
    with torch.no_grad():
        view = expert.eval().view(rows)
    return labels, view._replace(samples=tuple(samples))


@pytest.mark.parametrize("kind", ["index", "phrase"])
def test_thirty_two_real_tweets_are_learned_to_the_letter(kind: str, seen: tuple[LabelSet, View]) -> None:
    labels, view = seen
    torch.manual_seed(1)
    head = PointerHead(
        view.states.shape[-1], labels, PointerSettings(format=kind, width=96, layers=2, attention_heads=4, dropout=0.0)
    )
    optimizer = torch.optim.Adam(head.parameters(), 3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        head.loss(view, torch.zeros(0)).mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    head.eval()
    found = head.answers(view, view.samples)
    gold = [[row[:3] for row in labels.task.gold_records(sample) or ()] for sample in view.samples]
    assert [[row[:3] for row in answer.entities] for answer in found] == gold
