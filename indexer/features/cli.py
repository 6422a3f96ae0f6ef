"""The command `mie-index features`: its options and output. It makes a store, or imports one of others' arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas.feature_store import StoreInfo

__all__ = ["add_feature_commands", "features"]

_EXAMPLES = """
\b
Examples:
  mie-index features t15 --images photos --out t15-features --encoder efficientnet-lite0
  mie-index features t15 --images photos --out t15-regions --view whole --view regions --regions boxes.jsonl
  mie-index features t15 --images photos --out t15-pyramid --view pyramid --propose --encoder efficientnet-lite0
  mie-index features t15 --out t15-vinvl --import vinvl
"""


def add_feature_commands(app: typer.Typer) -> None:
    """Add `features` to the commands of `mie-index`."""
    app.command(epilog=_EXAMPLES)(features)


def features(
    samples: Annotated[Path, typer.Argument(help="A folder of `mie-train data convert`.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="The store to write.", show_default=False)],
    images: Annotated[Path | None, typer.Option(help="The folder of the samples' images.", show_default=False)] = None,
    view: Annotated[
        list[str] | None,
        typer.Option(help="whole (the default), grid, pyramid, regions, focal or prompts; may be given several times."),
    ] = None,
    regions: Annotated[
        list[Path] | None,
        typer.Option(help="Boxes: .jsonl, or a folder or archive of VOC .xml, VinVL .npz or FocalMRE .pth files."),
    ] = None,
    propose: Annotated[
        bool, typer.Option("--propose", help="Propose boxes by the classes of efficientnet-lite0.")
    ] = False,
    most: Annotated[
        int | None, typer.Option("--most-regions", help="Of a picture; 8 of a file or 3 proposed by default.", min=1)
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
    arrays: Annotated[
        Path | None,
        typer.Option("--import", help="Take arrays of others: VinVL .npz files, or an .npy file with a .txt of names."),
    ] = None,
    made_by: Annotated[str, typer.Option(help="Name of the encoder that made the imported arrays.")] = "given",
    split: Annotated[list[str] | None, typer.Option(help="Names of splits; all by default.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a store of other samples or settings.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make visual features of a data set's pictures, for the fusions of the trainer."""
    from schemas.display import shown_steps
    from schemas.errors import UsageError

    if (images is None) == (arrays is None):
        raise UsageError("features are made from --images, or taken over by --import", remedy="give one of the two")
    with shown_steps() as steps:
        if arrays is not None:
            from indexer.features.arrays import import_arrays

            if view or regions or propose or bank or encoder:
                raise UsageError("imported arrays have no view to make", remedy="leave out --view, --regions, --propose, --bank, --encoder")
            info = import_arrays(arrays, samples, out, encoder=made_by, splits=split or (), most=most or 36, overwrite=overwrite)
        else:
            from indexer.encoders import DEFAULT_SPEC, make_encoder
            from indexer.features.make import make_features
            from indexer.features.settings import FeatureSettings

            assert images is not None
            settings = FeatureSettings(
                tuple(view or ["whole"]), most or (3 if propose else 8), propose, grid, prompts
            )
            settings.check(has_files=bool(regions))  # before the encoder loads
            info = make_features(
                samples, images, out, make_encoder(encoder or DEFAULT_SPEC, device=device, threads=1),
                settings=settings, regions=regions or (), bank=bank, splits=split or (), overwrite=overwrite,
                progress=lambda done, total: steps.tell("features", done, total, "pictures"),
            )  # fmt: skip
    _print_info(out, info, as_json=as_json)


def _print_info(out: Path, info: StoreInfo, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        typer.echo(json.dumps(asdict(info), ensure_ascii=False, indent=1))
        return
    counts = info.counts
    typer.echo(
        f"{out}: features of {counts.get('pictures', 0)} pictures of {counts.get('samples', 0)} samples of {info.dataset}; "
        f"{info.size_bytes / 1e6:.1f} MB, {info.seconds:.1f} s"
    )
    for name, view in info.views.items():
        typer.echo(f"  {name}: {view.vectors} vectors of {view.dim}, at most {view.columns} a picture; {view.encoder}")
    usual = {"pictures", "samples", "samples_ok", "boxes"}
    for name, count in counts.items():
        if name not in usual and count:
            typer.echo(f"  {name.replace('_', ' ')}: {count}", err=True)
