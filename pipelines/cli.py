"""The command `beam`: its options and their help. The job itself is build_wiki_index.py."""

from __future__ import annotations

import json
import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from indexer.encoders import DEFAULT_SPEC
from schemas.display import exit_on_error
from schemas.errors import UsageError

if TYPE_CHECKING:
    from pipelines.stages import BuildRequest

__all__ = ["app", "main"]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
run = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Run a job.")
app.add_typer(run, name="run")

EXAMPLES = """
\b
Examples:
  beam run build_wiki_index --dump enwiki-20251101-pages-articles-multistream.xml.bz2 --output enwiki
  beam run build_wiki_index --dump 'parts/*.bz2' --images photos --output enwiki --workers 8
  beam run build_wiki_index --dump enwiki.xml.bz2 --images dir:photos,zim:enwiki.zim --output enwiki
  beam run build_wiki_index --dump enwiki-20251201.xml.bz2 --update-from enwiki --output enwiki-20251201
  beam run build_wiki_index --dump enwiki.xml.bz2 --limit-pages 10000 --output small
  beam run build_wiki_index --dump enwiki.xml.bz2 --output enwiki --dry-run
  beam run build_wiki_index --dump gs://bucket/enwiki.xml.bz2 --output gs://bucket/enwiki -- --runner FlinkRunner

\b
Exit codes: 0 built or up to date; 2 usage; 3 input lost, unreadable or of another wiki; 4 output or disk; 5 something
is not installed; 130 interrupted. An interrupted build goes on when the same command is run again.
"""


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Beam jobs that turn a Wikipedia dump into retrieval indexes. Also installed as mie-beam."""
    if version:
        from importlib import metadata

        typer.echo(f"mie-context {metadata.version('mie-context')}")
        raise typer.Exit


@run.callback()
def jobs() -> None:
    """Run a job."""


@run.command("build_wiki_index", epilog=EXAMPLES)
def build_wiki_index(
    dump: Annotated[
        list[str], typer.Option(metavar="PATTERN", help="Dump file, URL or glob (.xml, .bz2, .gz); repeatable.")
    ],
    output: Annotated[
        str, typer.Option(metavar="FOLDER", help="Index folder to make, or its URL (s3://, gs://, hdfs://).")
    ],
    dump_index: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Multistream index of the dump. Default: found by its name, or not needed."),
    ] = None,
    images: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE",
            help="Where pictures come from: a folder or URL, dir:DIR, tar:GLOB, parquet:GLOB, zim:FILE, commons:. "
            "Several, by commas or repeated, in order of preference. Or vectors:GLOB, made elsewhere (.parquet, .npy). "
            "Without it: text index only.",
        ),
    ] = None,
    contact: Annotated[
        str | None,
        typer.Option(
            metavar="MAIL",
            help="Your mail or web address, at which the operators of Commons reach you; needed by commons:.",
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="Image encoder: open_clip:ARCH:TAG, open_clip:ARCH:FILE, efficientnet-lite0; of vectors: the one that "
            f"made them, or other:NAME. Default: {DEFAULT_SPEC}; of vectors: none.",
        ),
    ] = None,
    limit_pages: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Read the first N pages only (one worker reads them).")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Processes. Default: the cores of this machine.")
    ] = None,
    bm25_preset: Annotated[
        Literal["more", "anserini"],
        typer.Option(help="more: standard tokenizer, k1 1.2, b 0.75; anserini: stems, stop words, k1 0.9, b 0.4."),
    ] = "more",
    keep_disambiguation: Annotated[
        bool, typer.Option("--keep-disambiguation", help="Keep disambiguation pages.")
    ] = False,
    facts: Annotated[
        bool, typer.Option("--facts", help="Write the plain rows of infoboxes as a table, too: page_id, key, value.")
    ] = False,
    cut_section: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Section to leave out, in place of the default list; repeatable."),
    ] = None,
    wikitext_parser: Annotated[
        Literal["scanner", "mwparserfromhell"],
        typer.Option(help="What finds templates, links and tables: scanner is fast; mwparserfromhell is a grammar."),
    ] = "scanner",
    timeout_s: Annotated[
        float, typer.Option(metavar="S", min=0.1, help="Time to parse one page; a page that needs more is rejected.")
    ] = 30.0,
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Finish although a part of the dump is lost (truncated, corrupt).")
    ] = False,
    any_wiki: Annotated[
        bool,
        typer.Option(
            "--any-wiki", help="Go on with a dump of another wiki than English Wikipedia; its templates are lost."
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the index at the output, and nothing that is not an index.")
    ] = False,
    update_from: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Index of an earlier dump: its pages that have not changed are not parsed again."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout instead of tables.")] = False,
    beam_options: Annotated[
        list[str] | None, typer.Argument(metavar="[-- BEAM OPTIONS]", help="Options for Beam itself, after --.")
    ] = None,
) -> None:
    """Build the text index and, with --images, the image index of a Wikipedia dump."""
    # Imported here and not above: --help must not wait for pyarrow and Beam.
    from pipelines.job import make_image_input
    from pipelines.stages import BuildRequest, BuildSettings, RunOptions
    from pipelines.storage import RemoteFile, is_remote
    from pipelines.wikitext import CleaningRules

    if beam_options and not beam_options[0].startswith("-"):
        raise UsageError(
            f"{beam_options[0]!r} belongs to no option",
            remedy="give each dump its own --dump and put globs in quotes; Beam's options stand after --",
        )
    image_input = make_image_input(images, contact) if images else None
    has_default = image_input is not None and image_input.has_default_encoder
    rules = CleaningRules(wikitext_parser=wikitext_parser)
    if cut_section:
        rules = replace(rules, cut_sections=tuple(cut_section))
    settings = BuildSettings(
        rules=rules,
        keep_disambiguation=keep_disambiguation,
        facts=facts,
        limit_pages=limit_pages,
        page_timeout_s=timeout_s,
        bm25_preset=bm25_preset,
        encoder=encoder or (DEFAULT_SPEC if has_default else None),
    )
    request = BuildRequest(
        dumps=tuple(dump),
        output=RemoteFile(output.rstrip("/")) if is_remote(output) else Path(output).absolute(),
        settings=settings,
        options=RunOptions(workers or count_cores(), allow_partial, overwrite, tuple(beam_options or ()), any_wiki),
        dump_index=dump_index,
        images=image_input,
        update_from=update_from,
    )
    if dry_run:
        _describe(request, as_json=as_json)
    else:
        _build(request, as_json=as_json)


def _describe(request: BuildRequest, *, as_json: bool) -> None:
    from pipelines.job import describe_build, to_lines

    plan = describe_build(request)
    typer.echo(json.dumps(plan, ensure_ascii=False) if as_json else "\n".join(to_lines(plan)))


def _build(request: BuildRequest, *, as_json: bool) -> None:
    logging.basicConfig(format="%(levelname)s: %(message)s")  # before Beam's import, which would set a format
    from pipelines.build_wiki_index import build_wiki_index as build
    from pipelines.job import print_summary, to_summary
    from schemas.display import Progress

    outcome = build(request, Progress(sys.stderr))
    summary = to_summary(request.output, outcome.manifest, outcome.seconds, is_new=outcome.is_new)
    if as_json:
        typer.echo(json.dumps(summary, ensure_ascii=False))
    else:
        print_summary(summary)


def count_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main() -> None:
    """Run the command, with our errors as one line and their exit code."""
    exit_on_error(app)
