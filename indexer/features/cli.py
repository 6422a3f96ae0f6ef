"""The commands `mie-index features`, and its words, scores and import: their options and output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from schemas.feature_store import StoreInfo

__all__ = ["add_feature_commands", "features"]

Out = Annotated[Path, typer.Option("--out", "-o", help="The store to write.", show_default=False)]
Splits = Annotated[list[str] | None, typer.Option("--split", help="Names of splits; all by default.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a store of other samples or settings.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

_EXAMPLES = """
\b
Examples:
  mie-index features t15 --images photos --out t15-features --encoder efficientnet-lite0
  mie-index features t15 --images photos --out t15-regions --view whole --view regions --regions boxes.jsonl
  mie-index features t15 --images photos --out t15-pyramid --view pyramid --propose --encoder efficientnet-lite0
  mie-index features import vinvl --samples t15 --out t15-vinvl --encoder vinvl
  mie-index features words t15 --contexts t15-captions --out t15-words
  mie-index features scores tmr.zip --samples t15 --out t15-scores.parquet
"""


class _MakeByDefault(TyperGroup):
    """`mie-index features SAMPLES ...` is `mie-index features make SAMPLES ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the name of the command before arguments that name none."""
        if args and args[0] not in (*self.commands, "--help"):
            args = ["make", *args]
        return super().parse_args(ctx, args)


features = typer.Typer(
    cls=_MakeByDefault,
    help="Make visual features of a data set's pictures, for the fusions of the trainer, or import them.",
    no_args_is_help=True,
    add_completion=False,
    epilog=_EXAMPLES,
)


def add_feature_commands(app: typer.Typer) -> None:
    """Add `features` to the commands of `mie-index`."""
    app.add_typer(features, name="features")


@features.command(epilog=_EXAMPLES)
def make(
    samples: Annotated[Path, typer.Argument(help="A folder of `mie-train data convert`.", show_default=False)],
    images: Annotated[Path, typer.Option(help="The folder of the samples' images.", show_default=False)],
    out: Out,
    view: Annotated[
        list[str] | None,
        typer.Option(help="whole (the default), grid, pyramid, regions, focal or prompts; may be given several times."),
    ] = None,
    regions: Annotated[
        list[Path] | None,
        typer.Option(help="Boxes: .jsonl, or a folder or archive of VOC .xml, VinVL .npz or FocalMRE .pth files."),
    ] = None,
    propose: Annotated[bool, typer.Option("--propose", help="Propose boxes by the encoder's classes.")] = False,
    no_boxes: Annotated[
        bool, typer.Option("--no-boxes", help="Make views of regions without any: for samples whose boxes nobody has.")
    ] = False,
    most: Annotated[
        int | None, typer.Option("--most-regions", help="Of a picture: 8 of a file, 3 proposed by default.", min=1)
    ] = None,
    grid: Annotated[int, typer.Option(help="Cells of a side of the grid.", min=1, max=32)] = 4,
    prompts: Annotated[int, typer.Option(help="Words of a picture, the best ones.", min=1)] = 16,
    bank: Annotated[
        Path | None, typer.Option(help="The words to score, one a line; without it the encoder's classes.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="As in beam run build_wiki_index; open_clip:ViT-B-32:openai by default.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; by default a GPU if there is one.")] = None,
    split: Splits = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Make features of the pictures; also without the word make."""
    from indexer.encoders import DEFAULT_SPEC, make_encoder
    from indexer.features.make import make_features
    from indexer.features.settings import FeatureSettings
    from schemas.display import shown_steps

    most = most or (3 if propose else 8)
    settings = FeatureSettings(
        tuple(view or ["whole"]),
        most_regions=most,
        is_proposing=propose,
        is_without_boxes=no_boxes,
        grid_side=grid,
        most_prompts=prompts,
    )
    settings.check(has_files=bool(regions))  # before the encoder loads
    with shown_steps() as steps:
        info = make_features(
            samples,
            images,
            out,
            # One thread for each picture: two that wait for each other within a small network are slower.
            make_encoder(encoder or DEFAULT_SPEC, device=device, threads=1),
            settings=settings,
            regions=regions or (),
            bank=bank,
            splits=split or (),
            overwrite=overwrite,
            progress=lambda done, total: steps.tell("features", done, total, "pictures"),
        )
    _print_info(out, info, as_json=as_json)


@features.command("import")
def import_(
    arrays: Annotated[
        Path, typer.Argument(help="VinVL's .npz files, or an .npy file with a .txt of names.", show_default=False)
    ],
    samples: Annotated[Path, typer.Option("--samples", "-s", help="The converted data set.", show_default=False)],
    out: Out,
    made_by: Annotated[str, typer.Option("--encoder", help="The name of what made the vectors.", show_default=False)],
    most: Annotated[int, typer.Option("--most-regions", help="Vectors of a picture, the first ones.", min=1)] = 36,
    split: Splits = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Import vectors that others made."""
    from indexer.features.arrays import import_arrays
    from schemas.display import shown_steps

    with shown_steps():
        info = import_arrays(arrays, samples, out, encoder=made_by, splits=split or (), most=most, overwrite=overwrite)
    _print_info(out, info, as_json=as_json)


@features.command()
def words(
    samples: Annotated[Path, typer.Argument(help="The converted data set.", show_default=False)],
    contexts: Annotated[
        list[Path], typer.Option(help="A context cache with captions; may be given several times.", show_default=False)
    ],
    out: Out,
    source: Annotated[
        list[str] | None, typer.Option(help="A source of captions, each a view of its own; by default all.")
    ] = None,
    vectors: Annotated[
        str, typer.Option(help="embeddings of the words' pieces (as VisualPT-MoE), their states, or the mean of these.")
    ] = "embeddings",
    most: Annotated[int, typer.Option("--most-words", help="Pieces of words of a sample in a view.", min=1)] = 16,
    captions: Annotated[int, typer.Option(help="Captions of a source, best first.", min=1)] = 1,
    scores: Annotated[Path | None, typer.Option(help="A table of mie-index features scores.")] = None,
    score: Annotated[str | None, typer.Option(help="The name of the score that the words get.")] = None,
    split: Splits = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Make features of the words of captions: visual tokens that need no picture."""
    from typing import cast

    from indexer.features.caption_words import WordSettings, make_words
    from schemas.display import shown_steps

    settings = WordSettings(tuple(source or ()), cast("Any", vectors), most, captions, score or "")
    with shown_steps() as steps:
        info = make_words(
            samples,
            contexts,
            out,
            settings=settings,
            scores=scores,
            splits=split or (),
            overwrite=overwrite,
            progress=lambda done, total: steps.tell("words", done, total, "captions"),
        )
    _print_info(out, info, as_json=as_json)


@features.command("scores")
def scores_(
    files: Annotated[
        Path, typer.Argument(help="Lines PICTURE<TAB>SCORE: a file, or a folder or zip of files.", show_default=False)
    ],
    samples: Annotated[Path, typer.Option("--samples", "-s", help="The converted data set.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .parquet file to write.", show_default=False)],
    split: Splits = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Import scores of pictures: for the words of captions, and for the gates of mie-train moe --image-vectors."""
    from dataclasses import asdict

    from indexer.features.score_table import import_scores
    from schemas.display import shown_steps

    with shown_steps():
        counts = import_scores(files, samples, out, splits=split or (), overwrite=overwrite)
    if as_json:
        typer.echo(json.dumps(asdict(counts), ensure_ascii=False, indent=1))
        return
    typer.echo(f"{out}: {', '.join(counts.scores)} of {counts.pictures} pictures, for {counts.samples} samples")
    typer.echo(f"  scores of other pictures: {counts.other_pictures}", err=True)
    for name, missing in counts.missing.items():
        if missing:
            typer.echo(f"  {name} is missing: {missing} samples", err=True)
    if counts.several:
        typer.echo(f"  several scores of a picture, of which the mean counts: {counts.several}", err=True)


def _print_info(out: Path, info: StoreInfo, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        typer.echo(json.dumps(asdict(info), ensure_ascii=False, indent=1))
        return
    counts = info.counts
    typer.echo(
        f"{out}: {counts.get('pictures', 0)} pictures of {counts.get('samples', 0)} samples of {info.dataset}; "
        f"{info.size_bytes / 1e6:.1f} MB, {info.seconds:.1f} s"
    )
    for name, view in info.views.items():
        typer.echo(f"  {name}: {view.vectors} vectors of {view.dim}, at most {view.columns} a picture; {view.encoder}")
    usual = {"pictures", "samples", "samples_ok", "boxes"}
    for name, count in counts.items():
        if name not in usual and count:
            typer.echo(f"  {name.replace('_', ' ')}: {count}", err=True)
