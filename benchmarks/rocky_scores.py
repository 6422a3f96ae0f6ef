"""What a system of the benchmark rocky answers with its photos, with those of other posts, and without any."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from schemas.manifest import write_json_atomically
from schemas.records import Context
from trainer.commands import score_output
from trainer.metrics import Counts, Score
from trainer.mixture import run_system
from trainer.training import SplitData, read_split

__all__ = ["PICTURES", "change_pictures", "score_pictures", "scores_by_type"]

PICTURES = ("true", "shuffled", "none")
OF_PHOTO = "PER and MISC"
"""The types that the photo decides."""
SCORES_NAME = "pictures.json"


def score_pictures(folder: Path, seed: int, has_pictures: bool) -> dict[str, dict[str, float]]:
    """Return F1 in [0, 1] on test by kind of pictures and by type; scores that lie in the run folder are taken.

    Args:
        folder: of an expert or a mixture.
        seed: of the shuffling.
        has_pictures: whether the system reads the photo in some way; without, it has the same answers for all.
    """
    path = folder / SCORES_NAME
    if path.exists():
        found: dict[str, dict[str, float]] = json.loads(path.read_text(encoding="utf-8"))
        return found
    scores = {
        pictures: scores_by_type(_score(folder, pictures, seed))
        for pictures in (PICTURES if has_pictures else PICTURES[:1])
    }
    write_json_atomically(path, scores)
    return scores


def _score(folder: Path, pictures: str, seed: int) -> Score:
    output = run_system(
        folder,
        "test",
        lambda config: change_pictures(read_split(config, "test"), pictures, seed),
        cache=pictures == "true",  # the key of the cache does not know whose picture a sample has
    )
    return score_output(output, ())["default"]


def change_pictures(data: SplitData, pictures: str, seed: int) -> SplitData:
    """Return a split whose samples have their own photos, those of others, or none.

    What a photo brings are its features, and the contexts that were retrieved with it.
    """
    if pictures == "true":
        return data
    ids = [sample.sample_id for sample in data.samples]
    if pictures == "none":
        features = None if data.features is None else data.features.without_pictures()
        return replace(data, features=features, contexts=_with_images(data.contexts, dict.fromkeys(ids)))
    features = None if data.features is None else data.features.of_others(seed)
    order = random.Random(seed).sample(ids, len(ids))
    others = dict(zip(order, [*order[1:], order[0]], strict=True))
    return replace(data, features=features, contexts=_with_images(data.contexts, others))


def _with_images(contexts: Mapping[str, list[Context]], others: Mapping[str, str | None]) -> dict[str, list[Context]]:
    """Return contexts whose image source is that of another sample; of None, there is none."""
    changed = {}
    for own, rows in contexts.items():
        other = others[own]
        images = [] if other is None else [row for row in contexts.get(other, []) if row.source == "image"]
        kept = [row for row in rows if row.source != "image"]
        changed[own] = [*kept, *(replace(row, sample_id=own) for row in images)]
    return changed


def scores_by_type(score: Score) -> dict[str, float]:
    """Return F1 of all types, of each, and of those that the photo decides together.

    >>> parts = {"PER": Counts(1, 2, 2), "MISC": Counts(1, 1, 1), "LOC": Counts(1, 1, 1)}
    >>> found = scores_by_type(Score.of(Counts(3, 4, 4), parts))
    >>> found["all"], found["PER"], round(found["PER and MISC"], 3)
    (0.75, 0.5, 0.667)
    """
    parts = {name: score.by_class[name] for name in ("PER", "MISC", "LOC") if name in score.by_class}
    photo = Counts()
    for name in ("PER", "MISC"):
        photo = photo.plus(parts[name].counts if name in parts else Counts())
    return {"all": score.f1, OF_PHOTO: Score.of(photo).f1, **{name: part.f1 for name, part in parts.items()}}
