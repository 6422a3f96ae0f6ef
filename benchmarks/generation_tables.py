"""The tables of systems that write: their data and budget, the systems of each, and what each is compared with."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["METRICS", "PHOTOS", "TABLES", "Row", "Table"]

PHOTOS = ("true", "shuffled", "none")
METRICS = {
    "default": "entity F1, default convention",
    "fine MNER": "fine_mner_f1",
    "micro without None": "micro F1 without None",
    "GMNER": "gmner_f1",
    "MNER": "mner_f1",
    "EEG": "eeg_f1",
    "all": "entity F1, default convention",
    "PER and MISC": "entity F1 of PER and MISC",
}
"""Score, as a run has it -> what a figure calls it."""


@dataclass(frozen=True)
class Row:
    """A system of a table.

    Args:
        number: of its row in the list of systems; 0 for what others are compared with.
        name: in the table.
        preset: its settings; "" for a mixture, and for a rule without a model.
        settings: further ones, key=value.
        members: rows of the same table whose runs are mixed, or whose spans a preset is asked about; of a rule, which
            types it reads.
        start: the row of the table "starts" from whose run it begins; "" without one.
        control: the row of its table that its figure is compared with; "" takes the photos of other posts, or nothing.
    """

    number: int
    name: str
    preset: str = ""
    settings: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    start: str = ""
    control: str = ""


@dataclass(frozen=True)
class Table:
    """Systems on the same data with the same budget.

    Args:
        title: the data, as figures name them.
        samples: the folder of the converted set, below the benchmark's.
        metrics: scores of the table, the main one first.
        rows: the systems.
        epochs: of each, or of what begins from another run.
        train, dev: samples; 0 takes all. The test set is always whole.
        seeds: no seed above it is run.
        photos: whether each run is scored with its own photos, those of others, and none.
        settings: of all rows that are trained.
    """

    title: str
    samples: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    epochs: int
    train: int = 0
    dev: int = 0
    seeds: int = 2
    photos: bool = False
    settings: tuple[str, ...] = ()


_RATES = ("training.batch_samples=16", "training.encoder_lr=1e-4", "training.head_lr=1e-3")
_PHRASE = ("model.head.kind=pointer", "model.head.format=phrase")
_BANK = ("model.objectives.1.bank={work}/rocky/bank.safetensors", "model.objectives.1.temperature=0.02")
_CONTRAST = 'model.objectives=[{{kind = "adaptive_contrast", weight = 0.1, feature_dim = 1280, alpha = {alpha}}}]'
_FEW_EPOCHS = ("training.epochs=3",)
_FEW_OPTIONS = ("model.head.drawn_options=5", "data.dev_samples=200")
"""Each option costs a window of its own: half the epochs of the others, or fewer options and dev samples."""
_SENTENCES = "MNRE-2, 1,000 training samples, whole test set"
TABLES = {
    "gmner": Table(
        "GMNER text, 2,000 training tweets, whole test set", "gmner", ("default",),
        (
            Row(0, "CRF", "small-baseline"),
            Row(18, "index", "small-h-index-text", control="CRF"),
            Row(19, "phrase", "small-tiger-text", _PHRASE, control="CRF"),
        ),
        epochs=6, train=2_000, dev=500, settings=_RATES,
    ),
    "mixture": Table(
        "GMNER text, 2,000 training tweets, CRF and index mixed", "gmner", ("default",),
        (
            Row(0, "CRF", "small-baseline"),
            Row(0, "index", "small-h-index-text"),
            Row(18, "CRF and index", members=("CRF", "index"), control="CRF"),
        ),
        epochs=6, train=2_000, dev=500, settings=_RATES,
    ),
    "fmnerg": Table(
        "FMNERG text, 2,000 training tweets, whole test set", "fmnerg", ("default", "fine MNER"),
        (
            Row(0, "CRF", "small-baseline"),
            Row(0, "fine tags", "small-fmnerg"),
            Row(18, "index", "small-h-index-text", control="CRF"),
            Row(19, "phrase", "small-tiger-text", control="fine tags"),
        ),
        epochs=6, train=2_000, dev=500, settings=_RATES,
    ),
    "rocky": Table(
        "rocky, all training posts", "rocky", ("GMNER", "MNER", "EEG"),
        (
            Row(0, "region head", "small-region-pointer"),
            Row(18, "h-index", "small-h-index"),
            Row(0, "h-index as published", "small-h-index", ("model.head.is_published=true",)),
            Row(19, "tiger", "small-tiger"),
        ),
        epochs=3, seeds=3, photos=True,
    ),
    "tweets": Table(
        "Twitter-2015, 1,000 training tweets, whole test set", "tweets", ("default",),
        (
            Row(0, "CRF", "small-baseline"),
            Row(32, "umie", "small-umie", control="CRF"),
            Row(32, "sel", "small-umie", ("model.head.format=sel",), control="CRF"),
            Row(28, "mqa", "small-mqa", _FEW_EPOCHS, members=("CRF",), control="CRF"),
        ),
        epochs=6, train=1_000, dev=500, settings=_RATES,
    ),
    "relations": Table(
        _SENTENCES, "relations", ("micro without None",),
        (
            Row(0, "relation head", "small-mnre-baseline"),
            Row(32, "umie", "small-umie", control="relation head"),
            Row(32, "sel", "small-umie", ("model.head.format=sel",), control="relation head"),
            Row(28, "mqa", "small-mqa", _FEW_OPTIONS, control="relation head"),
            Row(0, "rule with the leak", members=("leak",)),
            Row(0, "rule without the leak", members=("no leak",)),
        ),
        epochs=6, train=1_000, dev=500, settings=_RATES,
    ),
    "gate": Table(
        "rocky, all training posts, UMIE's text", "rocky", ("all", "PER and MISC"),
        (
            Row(0, "words alone", "small-umie"),
            Row(32, "umie", "small-umie-photos"),
            Row(0, "umie as published", "small-umie-photos", ("model.fusion.slope=0.01",)),
        ),
        epochs=6, seeds=3, photos=True, settings=("training.mask_share=0.15",),
    ),
    "starts": Table(
        "rocky, all training posts, taggers", "rocky", ("all", "PER and MISC"),
        (
            Row(0, "labels", "small-baseline"),
            Row(20, "labels and objectives", "small-prompt-me-up", _BANK, control="labels"),
        ),
        epochs=3, seeds=3, photos=True,
    ),
    "warm": Table(
        "rocky, all training posts, H-Index from a warm start", "rocky", ("GMNER", "MNER", "EEG"),
        (
            Row(0, "h-index", "small-h-index"),
            Row(0, "after labels", "small-h-index", start="labels"),
            Row(21, "after objectives", "small-h-index", start="labels and objectives", control="after labels"),
        ),
        epochs=3, seeds=3, photos=True,
    ),
    "contrast": Table(
        "rocky, all training posts, H-Index with a contrast", "rocky", ("GMNER", "MNER", "EEG"),
        (
            Row(0, "h-index", "small-h-index"),
            Row(0, "contrast", "small-h-index", (_CONTRAST.format(alpha=0.0),)),
            Row(36, "contrast by consistency", "small-h-index", (_CONTRAST.format(alpha=0.5),), control="contrast"),
        ),
        epochs=3, seeds=3, photos=True,
    ),
}  # fmt: skip
"""Name -> table. Rows of one name, preset and data in two tables are one run."""
