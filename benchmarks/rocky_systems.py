"""The systems of the benchmark rocky: which preset and which feature stores each one has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.rocky_data import RockyData
from schemas.run_files import GateName
from trainer.config import RunConfig, load_config

__all__ = [
    "EXPERTS",
    "GATES",
    "MIXTURES",
    "READERS",
    "RECIPE",
    "RECIPE_OF_PHOTOS",
    "RECIPE_OF_POSTS",
    "TRUST",
    "VISUAL",
    "WINDOWS",
    "Visual",
    "configure",
]

EXPERTS = ("baseline", "text", "image", "shap-ca")
"""Words alone, MoRe's two, and Shap-CA on the contexts of MoRe's image expert."""
MIXTURES = {
    "mixture-text-image": ("text", "image"),
    "mixture-baseline-image": ("baseline", "image"),
    "rds": ("baseline", "image"),
    "mixture-visual": ("baseline", "hvpnet", "maf", "mkgformer"),
}
"""MoRe's two, routes by reward, and one of words alone and three systems that read the photo in different places."""
GATES: dict[str, GateName] = {"rds": "reward"}
"""What a mixture must predict by; the others by the gate that is best on dev."""
READERS, CONTEXTS = ("text", "image", "shap-ca"), 3
"""Those that read contexts, and how many of a source at most."""
RATES_OF_PRESET = ("image", "shap-ca")
RECIPE = ("training.epochs=5", "training.mask_share=0.15")
"""What all systems have beside their presets: 968 posts are learned by heart otherwise."""
RECIPE_OF_POSTS = ("training.encoder_lr=2e-4", "training.head_lr=5e-4")
"""What all but those on contexts of the photo have too. Set after a few runs of one seed, looked at on dev, where the
image expert is better with its preset's own rates; with those the text expert learns little in five epochs (dev F1 71
for 84)."""
RECIPE_OF_PHOTOS = (
    "model.fusion.feature_dropout=0.3",
    "model.fusion.wrong_share=0.1",
    "model.fusion.absent_share=0.1",
    "training.patience_epochs=0",
)
"""What those that read the photo have too: it may be wrong, or not be there, but seldom. With 30 % of the photos
exchanged the others are hardly worth reading, and most systems learn the words. The rate falls until the last epoch,
which is often the best after two bad ones: none is left out."""
WINDOWS = tuple(f"image-{length}-{long}" for length in (128, 192, 288) for long in ("skip", "cut"))
"""The image expert by the pieces of its window, and by what becomes of contexts that do not fit."""


TRUST = tuple(f"maf-{share}" for share in (0, 20, 30))
"""MAF with another share of exchanged photos in training, in per cent: how far the photo is trusted."""


class Visual(NamedTuple):
    """A system that reads the photo itself.

    Args:
        number: of its row in the list of systems.
        stores: of features, in the order of the columns.
        settings: beside its preset, which the form of these stores asks for.
    """

    number: int
    stores: tuple[str, ...] = ("features",)
    settings: tuple[str, ...] = ()


VISUAL = {
    "hvpnet": Visual(3),
    "mkgformer": Visual(4),
    "mega": Visual(5, settings=("model.fusion.reads_objects=true",)),
    "rpbert": Visual(9, settings=("training.epochs=8", "training.head_lr=2e-3")),
    "maf": Visual(10),
    "umt": Visual(12),
    "promptmner": Visual(13, ("prompts",)),
    "visualpt-moe": Visual(14),
    "focalmre": Visual(30, ("frames",), ("model.fusion.frames=[8]",)),
    "camim": Visual(33, ("features", "prompts"), ("model.fusion.words_view=2",)),
    "tmr": Visual(35),
}


def configure(name: str, data: RockyData, settings: Sequence[str]) -> RunConfig:
    """Return the settings of a system.

    Args:
        name: of the system.
        data: of the benchmark.
        settings: further key=value, which come last.
    """
    own = [f"data.samples={data.samples}", *RECIPE]
    preset = name.split("-")[0] if name in (*TRUST, *WINDOWS) else name
    if preset in VISUAL:
        stores = ",".join(f'"{data.stores[store]}"' for store in VISUAL[preset].stores)
        own += [f"data.features=[{stores}]", *RECIPE_OF_PHOTOS, *VISUAL[preset].settings]
    if name in TRUST:
        own += [f"model.fusion.wrong_share={int(name.split('-')[1]) / 100}"]
    if name == "shap-ca":
        own += ['data.sources=["image"]', "encoder.max_length_pieces=288"]
    if name in (*READERS, *WINDOWS):
        own += [f"data.contexts={data.contexts}", f"data.contexts_per_source={CONTEXTS}"]
    if name not in (*RATES_OF_PRESET, *WINDOWS):
        own += RECIPE_OF_POSTS
    if name in WINDOWS:
        _, length, long = name.split("-")
        own += [f"encoder.max_length_pieces={length}", f"data.long_contexts={long}"]
    return load_config(f"small-{preset}", [*own, *settings])
