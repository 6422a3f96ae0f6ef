"""The commands `mie-index retrieve` and `mie-index contexts import`, `show` and `stats`: their options and output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from schemas.records import DEFAULT_K

if TYPE_CHECKING:
    from indexer.search import View
    from schemas.context_cache import CacheInfo
    from schemas.records import Context

__all__ = [
    "AsJson",
    "Out",
    "Overwrite",
    "Samples",
    "TitleBoost",
    "add_context_commands",
    "contexts",
    "print_cache",
    "retrieve",
]

contexts = typer.Typer(help="Import, show and count contexts.", no_args_is_help=True, add_completion=False)

Samples = Annotated[Path, typer.Option("--samples", "-s", help="The converted data set.", show_default=False)]
Out = Annotated[Path, typer.Option("--out", "-o", help="The cache to write.", show_default=False)]
Cache = Annotated[Path, typer.Argument(help="A context cache.", show_default=False)]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a cache of other samples or settings.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TitleBoost = Annotated[
    float, typer.Option("--title-boost", help="Add the score of the title, multiplied by this (entity mode: 2).")
]


def add_context_commands(app: typer.Typer) -> None:
    """Add `retrieve` and `contexts` to the commands of `mie-index`."""
    app.command()(retrieve)
    app.add_typer(contexts, name="contexts")


def retrieve(
    samples: Annotated[Path, typer.Argument(help="A folder of `mie-train data convert`.", show_default=False)],
    index: Annotated[Path, typer.Option("--index", "-i", help="The index to search.", show_default=False)],
    out: Out,
    images: Annotated[Path | None, typer.Option(help="The samples' images; needed for the image view.")] = None,
    view: Annotated[
        list[str] | None, typer.Option(help="text, image or both; by default text, and image where --images is given.")
    ] = None,
    split: Annotated[list[str] | None, typer.Option(help="Names of splits; all by default.")] = None,
    k: Annotated[int, typer.Option("-k", help="Contexts per sample and view, with distinct texts.", min=1)] = DEFAULT_K,
    batch: Annotated[int, typer.Option(help="Text queries per call of the index.", min=1)] = 256,
    title_boost: TitleBoost = 0.0,
    keep_addresses: Annotated[
        bool, typer.Option("--keep-addresses", help="Keep web addresses in the query; they find articles such as HTTP.")
    ] = False,
    description_first: Annotated[
        bool, typer.Option("--description-first", help="Put the article's short description before each text.")
    ] = False,
    spans: Annotated[
        list[str] | None,
        typer.Option(
            help="Look up the entities that a run predicted (its predictions/SPLIT.jsonl, one option per split), or "
            "those of gold (the word gold), each by itself, title boosted, description first: the source spans.",
            show_default=False,
        ),
    ] = None,
    rerank: Annotated[
        str, typer.Option(metavar="ENCODER", help="Order contexts by their cosine with the post: all-minilm-l6-v2.")
    ] = "",
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Retrieve contexts for every sample of a data set: text view and image view, or a look-up of each span."""
    from indexer.contexts.retrieve import RetrievalSettings, retrieve_contexts
    from indexer.contexts.spans import SPAN_BOOST, retrieve_spans
    from indexer.index import WikiIndex
    from schemas.display import shown_steps
    from schemas.errors import UsageError

    # Without --images no image view is expected: samples without pictures are common.
    views = tuple(view or (["text", "image"] if images else ["text"]))
    if not set(views) <= {"text", "image"}:
        raise UsageError(f"unknown view in {', '.join(views)}", remedy="choose --view text, --view image, or both")
    settings = RetrievalSettings(
        cast("tuple[View, ...]", views),
        k,
        batch,
        title_boost=title_boost or (SPAN_BOOST if spans else 0.0),
        keep_addresses=keep_addresses,
        description_first=description_first or bool(spans),
        rerank=rerank,
    )
    if spans and (rerank or images or view):
        raise UsageError("--spans goes without --view, --images and --rerank", remedy="make two caches")
    with shown_steps() as steps:
        if spans:
            info = retrieve_spans(
                samples, WikiIndex(index), out, spans, settings, splits=split or (), overwrite=overwrite
            )
            print_cache(out, info, as_json=as_json)
            return
        info = retrieve_contexts(
            samples,
            WikiIndex(index),
            out,
            images=images,
            settings=settings,
            splits=split or (),
            overwrite=overwrite,
            progress=lambda done, total: steps.tell("retrieve", done, total, "samples"),
        )
    print_cache(out, info, as_json=as_json)


@contexts.command("import")
def import_(
    files: Annotated[
        Path, typer.Argument(help="What others made: a file, or a folder or zip archive of files.", show_default=False)
    ],
    samples: Samples,
    out: Out,
    source: Annotated[str, typer.Option(help="The name of this source of contexts.", show_default=False)],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="columns (AdaSeq, PGIM: behind <EOS>), captions (of pictures: `image.jpg :caption`, dicts, "
            "`imgid:ID###` blocks), knowledge (JSON lines: sample_id, text, model, prompt_digest) or expansions "
            "(of entities: RiVEG's lines, or JSON lines with start and end).",
        ),
    ] = "columns",
    allow_unmatched: Annotated[bool, typer.Option("--allow-unmatched", help="Leave out what is of no sample.")] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Import contexts that others made."""
    from indexer.contexts.expansions import import_expansions
    from indexer.contexts.imported import import_captions, import_columns
    from indexer.contexts.knowledge import import_knowledge
    from schemas.display import shown_steps
    from schemas.errors import UsageError

    importers = {"columns": import_columns, "knowledge": import_knowledge, "expansions": import_expansions}
    if form not in (*importers, "captions"):
        remedy = "choose --format columns, captions, knowledge or expansions"
        raise UsageError(f"unknown format {form!r}", remedy=remedy)
    with shown_steps():
        if form == "captions":
            info = import_captions(files, samples, out, source, overwrite=overwrite)
        else:
            do_import = importers[form]
            info = do_import(files, samples, out, source, allow_unmatched=allow_unmatched, overwrite=overwrite)
    print_cache(out, info, as_json=as_json)


@contexts.command()
def show(
    caches: Annotated[list[Path], typer.Argument(help="One or more caches.", show_default=False)],
    samples: Samples,
    sample_id: Annotated[
        list[str] | None, typer.Option("--id", help="Ids of samples; by default the first ones.")
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", help="Number of samples, without --id.", min=1)] = 3,
    length: Annotated[int, typer.Option(help="Characters shown of a context.", min=1)] = 300,
    as_json: AsJson = False,
) -> None:
    """Show samples with their contexts, the sources side by side."""
    from schemas.context_cache import read_cache, read_context_rows
    from schemas.dataset import read_dataset, read_samples
    from schemas.errors import UsageError

    rows = {row.sample_id: row for split in read_dataset(samples).splits for row in read_samples(samples, split)}
    names = sample_id or list(rows)[:count]
    absent = [name for name in names if name not in rows]
    if absent:
        raise UsageError(f"no sample {absent[0]!r}, the first is {next(iter(rows))!r}", path=samples)
    found: dict[str, list[Context]] = {name: [] for name in names}
    for cache in caches:
        read_cache(cache)
        for context in read_context_rows(cache):
            if context.sample_id in found:
                found[context.sample_id].append(context)
    for name in names:
        _show_sample(rows[name], found[name], length, as_json=as_json)


@contexts.command()
def stats(cache: Cache, as_json: AsJson = False) -> None:
    """Print what a cache holds: samples with and without contexts, words, time, parameters."""
    from schemas.context_cache import read_cache, read_context_rows

    info = read_cache(cache)
    words: dict[str, list[int]] = {}
    for context in read_context_rows(cache):
        words.setdefault(context.source, []).append(len(context.text.split()))
    means = {source: sum(counts) / len(counts) for source, counts in words.items()}
    print_cache(cache, info, as_json=as_json, words=means)


def print_cache(out: Path, info: CacheInfo, *, as_json: bool, words: dict[str, float] | None = None) -> None:
    """Print what a cache holds.

    Args:
        out: its folder.
        info: its description.
        as_json: print JSON.
        words: mean words of a context by source.
    """
    from dataclasses import asdict

    from schemas.text_files import SPLITS

    if as_json:
        values = asdict(info) | ({"words_per_context": words} if words is not None else {})
        typer.echo(json.dumps(values, ensure_ascii=False, indent=1))
        return
    splits = ", ".join(split for split in SPLITS if split in info.fingerprints)
    typer.echo(f"{out}: contexts for {info.dataset} ({splits})")
    for name, row in info.sources.items():
        mean = row.contexts / row.samples if row.samples else 0.0
        line = (
            f"  {name}: {row.contexts} contexts for {row.samples} samples ({mean:.1f} each); with a hit "
            f"{row.share_with_hit:.2%}, without an image {row.share_without_image:.2%}, "
            f"without a hit {row.share_without_hit:.2%}"
        )
        if name in info.seconds_per_sample:
            line += f"; {1000 * info.seconds_per_sample[name]:.1f} ms per sample"
        if words and name in words:
            line += f"; {words[name]:.0f} words per context"
        typer.echo(line)
        unusable = {key: row.statuses[key] for key in ("missing_image", "broken_image") if key in row.statuses}
        if unusable:
            typer.echo(f"  {name}: {unusable} of {row.samples} samples", err=True)


def _show_sample(sample: Any, found: list[Context], length: int, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        values = asdict(sample) | {"contexts": [asdict(context) for context in found]}
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    sources = list(dict.fromkeys(context.source for context in found))
    head = f"{sample.sample_id}  {sample.image or 'no image'}\n{' '.join(sample.tokens)}"
    table = Table(title=Text(head), title_justify="left", show_lines=True)
    for source in sources or ["no contexts"]:
        table.add_column(source, overflow="fold")
    cells = {(context.source, context.rank): Text(_cell(context, length)) for context in found}
    for rank in sorted({context.rank for context in found}):
        table.add_row(*(cells.get((source, rank), Text("")) for source in sources))
    Console().print(table)


def _cell(context: Context, length: int) -> str:
    score = "" if context.score is None else f" [{context.score:.2f}]"
    description = f" ({context.description})" if context.description else ""
    title = f"{context.title}{description}: " if context.title else ""
    matched = f"\n<- {context.matched[:length]}" if context.matched else ""
    text = context.text if len(context.text) <= length else context.text[:length] + " ..."
    return f"{context.rank}{score} {title}{text}{matched}"
