"""The commands `mie-train data convert`, `check` and `stats`: what they do, and what they print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

import trainer.options as opt
from schemas.display import shown_steps

if TYPE_CHECKING:
    from schemas.dataset import Dataset
    from schemas.text_files import TextFile
    from trainer.data import Fields, Finding, Overlap

__all__ = ["data_commands"]

data_commands = typer.Typer(help="Convert, check and count data sets.", no_args_is_help=True, add_completion=False)


@data_commands.command(
    epilog=opt.example(
        "mie-train data convert twitter2015 --set twitter2015 --out t15",
        "mie-train data convert gmner --set gmner --boxes gmner/xml --out gmner",
        "mie-train data convert --test posts.jsonl --format jsonl --labels PER,LOC --out posts",
    )
)
def convert(
    out: opt.NewDataSet,
    source: opt.SourceFiles = None,
    set_name: opt.KnownSetName = "custom",
    format: opt.Format = None,  # noqa: A002 - the word of the command line
    labels: opt.Labels = None,
    train: opt.SplitFile = None,
    dev: opt.SplitFile = None,
    test: opt.SplitFile = None,
    boxes: opt.BoxFiles = None,
    overwrite: opt.Overwrite = False,
    as_json: opt.AsJson = False,
) -> None:
    """Convert the published files of a data set: columns, pairs, entities with boxes, forms, or JSON lines."""
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
            boxes=boxes,
            progress=lambda split, rows: steps.tell(split, rows, 0, "samples"),
        )
    if not as_json:
        _print_dataset(out, dataset, files)
        return
    splits = {split: {"file": str(files[split]), "rows": info.rows} for split, info in dataset.splits.items()}
    values = {"folder": str(out), "task": dataset.task, "labels": list(dataset.labels), "splits": splits}
    _print_json({**values, "counters": dataset.counters})


@data_commands.command(
    epilog=opt.example(
        "mie-train data check t15 --images twitter2015/images",
        "mie-train data check t15 --against t17",
        "mie-train data check t15 --contexts t15-contexts",
    )
)
def check(
    folder: opt.DataSet,
    images: opt.Images = None,
    against: opt.DataSets = None,
    field: opt.FieldFiles = None,
    contexts: opt.CheckedContexts = None,
    strict: opt.Strict = False,
    as_json: opt.AsJson = False,
) -> None:
    """Check counts, tags, boxes, images, repetitions and the version of a data set, and fields for the gold label."""
    from dataclasses import asdict

    from schemas.dataset import read_dataset, read_samples
    from schemas.errors import InputError
    from trainer.data import check_dataset, context_fields, find_overlaps, read_fields

    dataset = read_dataset(folder)
    samples = {split: read_samples(folder, split) for split in dataset.splits}
    fields: Fields = {}
    for source in field or []:
        fields |= {f"{name} of {source}": values for name, values in read_fields(source, samples).items()}
    for cache in contexts or []:
        fields |= {f"{name} of {cache}": values for name, values in context_fields(cache, samples).items()}
    with shown_steps():
        findings = check_dataset(dataset, samples, images, fields)
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


@data_commands.command(epilog=opt.example("mie-train data stats t15"))
def stats(folder: opt.DataSet, as_json: opt.AsJson = False) -> None:
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
