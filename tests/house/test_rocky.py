"""The benchmark rocky: every system has complete settings, and photos are changed where they come in."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.rocky import NAMES
from benchmarks.rocky_data import RockyData
from benchmarks.rocky_scores import change_pictures
from benchmarks.rocky_systems import VISUAL, WINDOWS, configure
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
    assert bool(config.data.contexts) == (name in ("text", "image", *WINDOWS))


def test_variants_differ_from_their_system_in_what_they_are_named_after() -> None:
    shares = [configure(name, DATA, []).model.fusion.wrong_share for name in ("maf-10", "maf")]  # type: ignore[union-attr]
    assert shares == [0.1, 0.3]
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
