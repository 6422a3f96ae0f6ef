"""The command `mie-index`: its options, their help and its output. The work is done in the rooms beside this file."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from indexer.contexts import TitleBoost, add_context_commands
from indexer.corpus import add_corpus_commands
from indexer.features import add_feature_commands
from indexer.web import add_serve_command
from schemas.display import exit_on_error
from schemas.errors import IndexCorrupt, InputError, UsageError
from schemas.records import DEFAULT_K

if TYPE_CHECKING:
    from rich.console import Console

    from indexer.index import WikiIndex
    from indexer.report import UserQuery
    from indexer.search import Answer, View

__all__ = ["app", "main"]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)

_PIPED_COLUMNS = 120
_CODES = "Exit codes: 0 done; 2 usage; 3 query or image unusable; 4 index unusable; 5 something is not installed."
_QUERY = f"""
\b
Examples:
  mie-index query enwiki --text "Rocky loves the snow"
  mie-index query enwiki --image photo.jpg -k 5 --json
  mie-index query enwiki --text "Rocky" --image photo.jpg --show-context
  mie-index query enwiki --batch queries.txt --json > hits.jsonl
  mie-index query enwiki --text "Rocky" --title-boost 2
  mie-index query enwiki --text "a dog in the snow" --modality image

\b
A batch file holds one text a line, or JSON objects with "text", "image" and "id" where its name ends in .jsonl.
{_CODES}
"""
Index = Annotated[Path, typer.Argument(metavar="INDEX", help="Folder that beam run build_wiki_index made.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    """Ask and inspect the indexes that beam run build_wiki_index makes."""
    if version:
        from importlib import metadata

        typer.echo(f"mie-context {metadata.version('mie-context')}")
        raise typer.Exit


@app.command(epilog=_QUERY)
def query(
    index: Index,
    text: Annotated[str | None, typer.Option(help="Words to look for: finds sentences and their paragraphs.")] = None,
    image: Annotated[Path | None, typer.Option(help="Picture to look for: finds articles by their pictures.")] = None,
    vector: Annotated[
        Path | None, typer.Option(help="Picture to look for, as a vector of the index's encoder (.npy).")
    ] = None,
    k: Annotated[
        int, typer.Option("-k", min=1, help="Number of answers, each from another paragraph or article.")
    ] = DEFAULT_K,
    as_json: AsJson = False,
    explain: Annotated[bool, typer.Option(help="Show how each score comes about.")] = False,
    show_context: Annotated[bool, typer.Option(help="Print whole paragraphs and introductions.")] = False,
    batch: Annotated[Path | None, typer.Option(help="File of many queries.")] = None,
    title_boost: TitleBoost = 0.0,
    modality: Annotated[
        Literal["text", "image"] | None,
        typer.Option(help="What words look for: text (default), or pictures by CLIP's text tower."),
    ] = None,
) -> None:
    """Find Wikipedia text for words, for a picture, or for both; or pictures for words."""
    from indexer.index import WikiIndex
    from indexer.report import UserQuery, answer_query, explain_score, read_batch
    from indexer.search import SearchParams
    from indexer.text import start_jvm

    _check_sources(text, image, vector, batch, modality)
    params = SearchParams(k, title_boost)
    params.check()
    queries = read_batch(batch) if batch is not None else iter([UserQuery(None, text, image, vector)])
    opened = WikiIndex(index)
    # One text ends within seconds; a batch starts Java by itself later, with its optimising compiler.
    if text is not None and modality != "image":
        start_jvm(is_brief=True)
    console = None if as_json else _console()
    for one_query in queries:
        for view, answers in answer_query(opened, one_query, params, modality or "text"):
            explanations = (
                [explain_score(opened, one_query, view, answer, params) for answer in answers] if explain else []
            )
            if console is None:
                _print_json(one_query, answers, explanations)
            else:
                _print_table(console, opened, one_query, view, answers, explanations, (show_context, batch is not None))


def _check_sources(
    text: str | None, image: Path | None, vector: Path | None, batch: Path | None, modality: str | None
) -> None:
    """Check that a query comes from one source: words and picture, a vector, or a batch file.

    Raises:
        UsageError: there is no source, there are two, or --modality has no words to act on.
    """
    if (text is None and image is None and vector is None) == (batch is None) or (vector and (text or image)):
        raise UsageError(
            "no query, or two kinds of query",
            remedy="give --text, --image, both of these, --vector alone, or --batch alone",
        )
    if modality is not None and text is None and batch is None:
        raise UsageError("--modality says what words look for", remedy="give --text or --batch, or leave it out")


def _print_json(query: UserQuery, answers: list[Answer], explanations: list[str]) -> None:
    from indexer.report import to_json_line

    for number, answer in enumerate(answers):
        extra: dict[str, Any] = {} if query.query_id is None else {"query_id": query.query_id}
        if explanations:
            extra["explanation"] = explanations[number]
        sys.stdout.write(to_json_line(answer, **extra) + "\n")


def _print_table(
    console: Console,
    opened: WikiIndex,
    query: UserQuery,
    view: View,
    answers: list[Answer],
    explanations: list[str],
    flags: tuple[bool, bool],
) -> None:
    from indexer.report import print_answers, printable

    is_whole, is_batch = flags
    if is_batch or (query.text is not None and query.image is not None):
        console.print(
            printable(f"{view}: {query.image if view == 'image' and query.image else query.text}"),
            style="bold",
            markup=False,
        )
    tokenize = None
    if view == "text":
        query_tokens = set(opened.text_searcher.tokens(query.text or ""))

        def tokenize(word: str) -> list[str]:
            return [token for token in opened.text_searcher.tokens(word) if token in query_tokens]

    print_answers(console, answers, tokenize=tokenize, is_whole=is_whole)
    for answer, text in zip(answers, explanations, strict=False):
        console.print(printable(f"#{answer.rank} {answer.title}"), style="bold", markup=False)
        for line in text.splitlines():
            console.print(printable(line), markup=False, highlight=False)


@app.command(
    epilog="\b\nExample:\n  mie-index info enwiki\n  mie-index info enwiki --html enwiki.html\n"
    f"  mie-index info enwiki --rejects image > missing.tsv\n  mie-index info enwiki --dropped > lost.tsv\n{_CODES}"
)
def info(
    index: Index,
    rejects: Annotated[
        Literal["dump", "article", "image"] | None,
        typer.Option(help="List what was dropped at this stage, and why: id, reason, detail by tabs."),
    ] = None,
    dropped: Annotated[
        bool,
        typer.Option(
            "--dropped", help="List templates dropped or guessed in the text: kind, name, number, example by tabs."
        ),
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a report with figures: one file that loads nothing.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is in an index, how it was built, and how large it is; or what is not in it, and why."""
    from indexer.report import list_dropped, list_rejects, print_info, printable, summarise_manifest, to_json
    from schemas.manifest import read_manifest

    manifest = read_manifest(index)
    if html is not None:
        from indexer.report import write_report

        if rejects is not None or dropped or as_json:
            raise UsageError("--html writes the whole report", remedy="leave out --rejects, --dropped and --json")
        write_report(index, manifest, html)
        typer.echo(f"{html} is written", err=True)
    elif rejects is not None or dropped:
        if rejects is not None and dropped:
            raise UsageError("--rejects and --dropped are two lists", remedy="give one of them")
        rows: Iterator[dict[str, Any]] = (
            list_dropped(manifest) if rejects is None else list_rejects(index, manifest, rejects)
        )
        names = ("kind", "name", "number", "example") if dropped else ("id", "reason", "detail")
        for row in rows:
            words = (printable(str(row[name])) for name in names)
            typer.echo(to_json(row) if as_json else "\t".join(words))
    elif as_json:
        typer.echo(to_json(summarise_manifest(manifest), indent=1))
    else:
        print_info(_console(), index, manifest)


@app.command(epilog=f"\b\nExample:\n  mie-index verify enwiki && echo sound\n{_CODES}")
def verify(index: Index, as_json: AsJson = False) -> None:
    """Check every file, table and id of an index; exit with 4 if anything is wrong."""
    from indexer.report import find_faults, printable, to_json
    from schemas.display import shown_steps

    faults = []
    with shown_steps() as steps:
        for fault in find_faults(index, lambda what: steps.note(f"checking {what}")):
            faults.append(fault)
            if not as_json:
                steps.clear()
                typer.echo(printable(f"{fault.path}: {fault.problem}"))
    if as_json:
        typer.echo(to_json({"is_sound": not faults, "faults": [asdict(fault) for fault in faults]}, indent=1))
    if faults:
        raise IndexCorrupt(f"{len(faults)} fault(s)", path=index, remedy="build the index again with --overwrite")
    typer.echo("sound", err=True)


@app.command(
    epilog=f"\b\nExample:\n  mie-index show enwiki --doc 12#0\n  mie-index show enwiki --doc 'Tea leaf.jpg'\n{_CODES}"
)
def show(
    index: Index,
    doc: Annotated[str, typer.Option(help="Id of a page, paragraph or sentence, or the name of a file.")],
    as_json: AsJson = False,
) -> None:
    """Show a page, a paragraph, a sentence or a file."""
    from indexer.index import WikiIndex
    from indexer.report import find_document, printable, to_json

    found = find_document(WikiIndex(index), doc)
    if found is None:
        raise InputError(f"the index holds no {doc!r}", path=index, remedy="take an id from: mie-index query --json")
    if as_json:
        typer.echo(to_json(found, indent=1))
        return
    for name, value in found.items():
        for row in value if isinstance(value, list) else [value]:
            shown = "; ".join(f"{k}: {v}" for k, v in row.items()) if isinstance(row, dict) else row
            typer.echo(f"{name}: {printable(str(shown))}")


add_context_commands(app)
add_corpus_commands()
add_feature_commands(app)
add_serve_command(app)


def _console() -> Console:
    from rich.console import Console

    # Not a terminal: rich would take 80 columns, which cuts titles.
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_COLUMNS)


def main() -> None:
    """Run `mie-index`. The output is UTF-8 in every locale, because programs read it."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    exit_on_error(app)
