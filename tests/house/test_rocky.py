"""The benchmark rocky: every system has complete settings, and photos are changed where they come in."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.rocky import NAMES
from benchmarks.rocky_bounds import BELIEFS
from benchmarks.rocky_data import RockyData
from benchmarks.rocky_doubt import Found, Scores, choose_belief
from benchmarks.rocky_probes import fit_logistic, fit_ridge, rank_pairs, without_names
from benchmarks.rocky_scores import change_pictures
from benchmarks.rocky_systems import READERS, VISUAL, WINDOWS, configure
from benchmarks.vital_dump import to_page
from schemas.dataset import Dataset
from schemas.records import Context, Sample
from trainer.systems import read_systems
from trainer.training import SplitData

DATA = RockyData(Path("set"), Path("cache"), {name: Path(name) for name in ("features", "frames", "prompts")})


@pytest.mark.parametrize("name", NAMES)
def test_every_system_has_complete_settings(name: str) -> None:
    config = configure(name, DATA, ["training.seed=7"])
    assert (config.training.seed, config.training.mask_share, config.data.samples) == (7, 0.15, "set")
    assert bool(config.data.features) == (config.model.fusion is not None)
    assert bool(config.data.contexts) == (name in (*READERS, *WINDOWS))


def test_variants_differ_from_their_system_in_what_they_are_named_after() -> None:
    shares = [configure(name, DATA, []).model.fusion.wrong_share for name in ("maf-30", "maf")]  # type: ignore[union-attr]
    assert shares == [0.3, 0.1]
    window = configure("image-192-cut", DATA, [])
    assert (window.encoder.max_length_pieces, window.data.long_contexts) == (192, "cut")


def test_visual_systems_stand_in_the_table_under_their_numbers() -> None:
    presets = {system.number: system.presets for system in read_systems()}
    assert all(f"small-{name}" in presets[visual.number] for name, visual in VISUAL.items())


def test_contexts_of_the_photo_become_those_of_another_post_or_none_and_those_of_the_text_stay() -> None:
    samples = [Sample(f"test-{number}", ("x",), f"{number}.jpg") for number in range(5)]

    def row(sample: Sample, source: str) -> Context:
        return Context(sample.sample_id, source, 1, 1.0, "d", "t", f"{source} of {sample.sample_id}", "")

    contexts = {sample.sample_id: [row(sample, "text"), row(sample, "image")] for sample in samples}
    data = SplitData(Dataset("rocky", "ner", (), {}, (), {}), samples, contexts)
    assert change_pictures(data, "true", seed=1) is data
    shuffled = change_pictures(data, "shuffled", seed=1).contexts
    found = {name: [context.text for context in rows] for name, rows in shuffled.items()}
    assert all(rows[0] == f"text of {name}" and rows[1] != f"image of {name}" for name, rows in found.items())
    assert {rows[1] for rows in found.values()} == {f"image of {sample.sample_id}" for sample in samples}
    assert all(context.sample_id == name for name, rows in shuffled.items() for context in rows)
    none = change_pictures(data, "none", seed=1).contexts
    assert all([context.source for context in rows] == ["text"] for rows in none.values())


def test_photos_of_an_article_stand_before_its_text() -> None:
    page = to_page(3, "Dog", "The dog.", [("a.jpg", "A dog | two"), ("b.jpg", "")])
    words = "[[File:a.jpg|thumb|&lt;nowiki&gt;A dog | two&lt;/nowiki&gt;]]\n[[File:b.jpg|thumb|]]\nThe dog.</text>"
    assert words in page
    assert f'bytes="{len(words.removesuffix("</text>").replace("&lt;", "<").replace("&gt;", ">"))}"' in page


def test_a_logistic_regression_finds_the_odds_of_groups() -> None:
    inputs = torch.tensor([[0.0]] * 4 + [[1.0]] * 4)
    model = fit_logistic(inputs, torch.tensor([1.0, 0, 0, 0, 1, 1, 1, 0]), decay=0.0)
    odds = model(torch.tensor([[0.0], [1.0]]))[:, 0]  # 1 of 4, and 3 of 4
    assert torch.allclose(odds, torch.tensor([1 / 3, 3.0]).log(), atol=1e-3)


def test_a_ridge_map_is_that_of_the_normal_equations() -> None:
    torch.manual_seed(1)
    inputs, targets = torch.randn(5, 8), torch.randn(5, 2)
    expected = torch.linalg.solve(inputs.T @ inputs + 3.0 * torch.eye(8), inputs.T @ targets)
    assert torch.allclose(fit_ridge(inputs, targets, 3.0), expected, atol=1e-5)


def test_ties_of_a_right_and_a_wrong_score_count_half() -> None:
    assert rank_pairs(torch.tensor([1.0]), torch.tensor([1.0, 0.0])) == 0.75


def test_names_are_left_out_of_what_a_text_says() -> None:
    assert without_names(["Tyson", "in", "a", "white", "shirt", "in", "Santa", "Barbara", "."]) == [
        "in", "a", "white", "shirt", "in", ".",
    ]  # fmt: skip


def test_the_belief_is_the_best_on_dev_over_true_and_shuffled_photos() -> None:
    def row(name: str, best: float) -> Found:
        scores: Scores = {}
        for one in BELIEFS:
            for kind in ("true", "shuffled"):
                scores[one, "dev", kind], scores[one, "test", kind] = 1 - abs(one - best), one
        return Found(name, 1, scores)

    assert choose_belief([row("maf", 0.0), row("umt", 1.0), row("tmr", 0.5)]) == 0.5
