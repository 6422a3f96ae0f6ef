"""The commands `mie-train data convert`, `check` and `stats`: their options, and what they print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.display import shown_steps

if TYPE_CHECKING:
    from schemas.dataset import Dataset
    from schemas.text_files import TextFile
    from trainer.data import Finding, Overlap

__all__ = ["data_commands"]

data_commands = typer.Typer(help="Convert, check and count data sets.", no_args_is_help=True, add_completion=False)

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="A data set that `convert` wrote.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SplitFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The file of this split, where its name does not say the split.")
]

_CONVERT = """
\b
Example:
  mie-train data convert twitter2015 --set twitter2015 --out t15
  mie-train data convert --test posts.jsonl --format jsonl --labels PER,LOC --out posts
"""
_CHECK = """
\b
Example:
  mie-train data check t15 --images twitter2015/images
  mie-train data check t15 --against t17
"""


@data_commands.command(epilog=_CONVERT)
def convert(
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="The data set to write.", show_default=False)
    ],
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="SOURCE", help="A folder or zip archive with a file for each split.", show_default=False
        ),
    ] = None,
    set_name: Annotated[
        str,
        typer.Option(
            "--set",
            metavar="NAME",
            help="twitter2015, twitter2017, snap, wikidiverse, mnre2 or mnre1; or a name of your own.",
        ),
    ] = "custom",
    format: Annotated[  # noqa: A002 - the word of the command line
        str | None, typer.Option(metavar="FORMAT", help="conll, mnre, wikidiverse or jsonl; a known set has its own.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="NAME,NAME,...", help="The entity types or relations that may occur.")
    ] = None,
    train: SplitFile = None,
    dev: SplitFile = None,
    test: SplitFile = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a data set that is already there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Convert the published files of a data set: column files, MNRE, WikiDiverse, or JSON lines."""
    from schemas.errors import UsageError
    from schemas.text_files import TextFile, find_split_files
    from trainer.data import convert_files

    split_files = {split: TextFile(path) for split, path in (("train", train), ("dev", dev), ("test", test)) if path}
    if bool(split_files) == (source is not None):
        raise UsageError("name either a SOURCE or the files of the splits (--train, --dev, --test)")
    files = split_files or find_split_files(source or Path())
    names = [label.strip() for label in labels.split(",") if label.strip()] if labels else None
    with shown_steps() as steps:
        dataset = convert_files(
            files,
            out,
            name=set_name,
            format=format,
            labels=names,
            overwrite=overwrite,
            progress=lambda split, rows: steps.tell(split, rows, 0, "samples"),
        )
    if not as_json:
        _print_dataset(out, dataset, files)
        return
    splits = {split: {"file": str(files[split]), "rows": info.rows} for split, info in dataset.splits.items()}
    values = {"folder": str(out), "task": dataset.task, "labels": list(dataset.labels), "splits": splits}
    _print_json({**values, "counters": dataset.counters})


@data_commands.command(epilog=_CHECK)
def check(
    folder: Folder,
    images: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The folder of the images: count missing and broken ones.")
    ] = None,
    against: Annotated[
        list[Path] | None, typer.Option(metavar="FOLDER", help="Another data set: count what both have.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with exit code 3 if there is a warning.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check counts, tags, tokens, images, repetitions and the version of a data set."""
    from dataclasses import asdict

    from schemas.dataset import read_dataset, read_samples
    from schemas.errors import InputError
    from trainer.data import check_dataset, find_overlaps

    dataset = read_dataset(folder)
    samples = {split: read_samples(folder, split) for split in dataset.splits}
    with shown_steps():
        findings = check_dataset(dataset, samples, images)
    overlaps = {}
    for other in against or []:
        rows = {split: read_samples(other, split) for split in read_dataset(other).splits}
        overlaps[str(other)] = find_overlaps(samples, rows)
    warnings = sum(finding.is_warning for finding in findings)
    fingerprints = {split: info.fingerprint for split, info in dataset.splits.items()}
    if as_json:
        values = {"fingerprints": fingerprints, "findings": [asdict(finding) for finding in findings]}
        shared = {name: [asdict(row) for row in rows] for name, rows in overlaps.items()}
        _print_json(values | {"against": shared, "warnings": warnings})
    else:
        _print_findings(findings, overlaps)
        for split, value in fingerprints.items():
            typer.echo(f"  {split}: fingerprint {value[:16]}")
        typer.echo(f"{warnings} warnings", err=True)
    if strict and warnings:
        raise InputError(f"{warnings} warnings", path=folder)


@data_commands.command(epilog="\b\nExample:\n  mie-train data stats t15")
def stats(folder: Folder, as_json: AsJson = False) -> None:
    """Count samples, tokens, images and labels of a data set."""
    from schemas.dataset import read_dataset, read_samples
    from trainer.data import count_split, stats_to_markdown

    splits = read_dataset(folder).splits
    train = read_samples(folder, "train") if "train" in splits else []
    counts = {split: count_split(read_samples(folder, split), train) for split in splits}
    if as_json:
        _print_json(counts)
    else:
        typer.echo(stats_to_markdown(counts))


def _print_dataset(out: Path, dataset: Dataset, files: Mapping[str, TextFile]) -> None:
    typer.echo(f"{out}: {dataset.name}, {dataset.task}, {len(dataset.labels)} labels")
    for split, info in dataset.splits.items():
        typer.echo(f"  {split}: {info.rows} samples from {files[split]}")
    for name, count in dataset.counters.items():
        typer.echo(f"  {name.replace('_', ' ')}: {count}")


def _print_findings(findings: Sequence[Finding], overlaps: Mapping[str, Sequence[Overlap]]) -> None:
    for finding in findings:
        examples = f" ({', '.join(finding.examples)} ...)" if finding.examples else ""
        typer.echo(f"{'!' if finding.is_warning else ' '} {finding.split}: {finding.message}{examples}")
    for name, rows in overlaps.items():
        for row in rows:
            typer.echo(
                f"  {row.split} against {row.other_split} of {name}: {row.same_tokens} of {row.samples} sentences, "
                f"{row.other_labels} of them with other labels; {row.same_image} image names"
            )
        if not rows:
            typer.echo(f"  nothing in common with {name}")


def _print_json(values: Any) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False, indent=1))
