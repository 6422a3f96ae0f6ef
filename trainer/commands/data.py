"""The commands `mie-train data convert | check | stats`: arguments in, tables or JSON out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.display import shown_steps

__all__ = ["data_commands"]

data_commands = typer.Typer(help="Convert, check and count data sets.", no_args_is_help=True, add_completion=False)

Folder = Annotated[Path, typer.Argument(help="A folder that `convert` wrote.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SplitFile = Annotated[Path | None, typer.Option(help="The file of this split, where its name does not tell.")]


@data_commands.command()
def convert(
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to write.", show_default=False)],
    source: Annotated[
        Path | None, typer.Argument(help="A folder or zip archive with a file per split.", show_default=False)
    ] = None,
    set_name: Annotated[
        str,
        typer.Option("--set", help="twitter2015, twitter2017, snap, wikidiverse, mnre2, mnre1, or a name of yours."),
    ] = "custom",
    format: Annotated[  # noqa: A002 - the word of the command line
        str | None, typer.Option(help="conll, mnre, wikidiverse or jsonl; known sets settle it.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Entity types or relations that may occur, parted by commas.")
    ] = None,
    train: SplitFile = None,
    dev: SplitFile = None,
    test: SplitFile = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a data set that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Convert a data set's own files to a folder of samples (column files, MNRE, WikiDiverse, jsonl)."""
    from schemas.errors import UsageError
    from schemas.text_files import TextFile, find_split_files
    from trainer.data import convert_files

    named = {split: TextFile(path) for split, path in (("train", train), ("dev", dev), ("test", test)) if path}
    if bool(named) == (source is not None):
        raise UsageError("name either a SOURCE or the files of the splits (--train, --dev, --test)")
    files = named or find_split_files(source or Path())
    wanted = [label.strip() for label in labels.split(",") if label.strip()] if labels else None
    with shown_steps() as steps:
        dataset = convert_files(
            files,
            out,
            name=set_name,
            format=format,
            labels=wanted,
            overwrite=overwrite,
            progress=lambda split, rows: steps.tell(split, rows, 0, "samples"),
        )
    values: dict[str, Any] = {
        "folder": str(out),
        "task": dataset.task,
        "labels": list(dataset.labels),
        "splits": {split: {"file": str(files[split]), "rows": info.rows} for split, info in dataset.splits.items()},
        "counters": dataset.counters,
    }
    if as_json:
        _print_json(values)
        return
    typer.echo(f"{out}: {dataset.name}, {dataset.task}, {len(dataset.labels)} labels")
    for split, row in values["splits"].items():
        typer.echo(f"  {split}: {row['rows']} samples from {row['file']}")
    for name, count in dataset.counters.items():
        typer.echo(f"  {name.replace('_', ' ')}: {count}")


@data_commands.command()
def check(
    folder: Folder,
    images: Annotated[Path | None, typer.Option(help="The folder of the images: missing and broken ones.")] = None,
    against: Annotated[list[Path] | None, typer.Option(help="Another converted set: what both hold.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with code 3 if there is a warning.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check counts, tags, tokens, images, repetitions and the version of a converted data set."""
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
        against_json = {name: [asdict(row) for row in rows] for name, rows in overlaps.items()}
        rows_json = [asdict(finding) for finding in findings]
        _print_json(
            {"fingerprints": fingerprints, "findings": rows_json, "against": against_json, "warnings": warnings}
        )
    else:
        for finding in findings:
            examples = f" ({', '.join(finding.examples)} ...)" if finding.examples else ""
            typer.echo(f"{'!' if finding.is_warning else ' '} {finding.split}: {finding.message}{examples}")
        for name, shared in overlaps.items():
            for row in shared:
                typer.echo(
                    f"  {row.split} against {row.other_split} of {name}: {row.same_tokens} of {row.samples} sentences, "
                    f"{row.other_labels} of them with other labels; {row.same_image} image names"
                )
            if not shared:
                typer.echo(f"  nothing in common with {name}")
        for split, value in fingerprints.items():
            typer.echo(f"  {split}: fingerprint {value[:16]}")
        typer.echo(f"{warnings} warnings", err=True)
    if strict and warnings:
        raise InputError(f"{warnings} warnings", path=folder)


@data_commands.command()
def stats(folder: Folder, as_json: AsJson = False) -> None:
    """Count samples, tokens, images and labels of a converted data set."""
    from schemas.dataset import read_dataset, read_samples
    from trainer.data import count_split, stats_to_markdown

    splits = read_dataset(folder).splits
    train = read_samples(folder, "train") if "train" in splits else []
    counts = {split: count_split(read_samples(folder, split), train) for split in splits}
    if as_json:
        _print_json(counts)
    else:
        typer.echo(stats_to_markdown(counts))


def _print_json(values: Any) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False, indent=1))
