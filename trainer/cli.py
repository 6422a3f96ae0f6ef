"""The command `mie-train`: its options, their help, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from schemas.display import exit_on_error, shown_steps
from trainer.commands import data_commands

__all__ = ["app", "main"]

EXAMPLES = """
\b
Examples:
  mie-train data convert twitter2015 --set twitter2015 --out t15
  mie-train fit small-baseline data.samples=t15 --out runs/baseline
  mie-train fit small-text data.samples=t15 data.contexts=t15-contexts --out runs/text
  mie-train moe runs/baseline runs/text --out runs/mixture
  mie-train evaluate runs/mixture --split test
  mie-train predict runs/mixture posts.jsonl --index enwiki

\b
Words: a run is the folder of a trained expert, or of a mixture of experts. A data set is a folder that
`mie-train data convert` wrote. A context cache is a folder that `mie-index retrieve` or `mie-index contexts import`
wrote.

\b
Exit codes: 0 done; 1 the loss is not finite; 2 usage; 3 input; 4 a folder or the disk; 5 something is not installed;
130 interrupted. An interrupted fit goes on when the same command is given again.
"""

app = typer.Typer(
    help="Train experts on text with retrieved contexts, mix them, and predict.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data_commands, name="data")

Run = Annotated[Path, typer.Argument(metavar="RUN", help="The run of an expert or of a mixture.", show_default=False)]
Split = Annotated[str, typer.Option(metavar="SPLIT", help="train, dev or test.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a run that is already there.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", metavar="RUN", help="The run to write.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _example(*commands: str) -> str:
    """Return the end of a command's help; click keeps the line ends of a paragraph that begins with a backspace."""
    return "\n".join(["\b", "Example:", *(f"  {command}" for command in commands)])


@app.command(epilog=_example("mie-train presets"))
def presets() -> None:
    """List the presets: settings that come with the package, for `mie-train fit`."""
    from trainer.config import preset_names

    for name in preset_names():
        typer.echo(name)


@app.command(
    epilog=_example(
        "mie-train fit small-baseline data.samples=t15 --out runs/baseline",
        "mie-train fit runs/baseline/config.toml training.epochs=3 --seeds 1,2 --out runs/seeds",
        "mie-train fit small-text data.samples=t15 --print-config",
    )
)
def fit(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG", help="A .toml file, or a preset (see `mie-train presets`).", show_default=False
        ),
    ],
    settings: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings to change, as section.key=value.")
    ] = None,
    out: Out = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,...",
            help="Train a run for each seed, in a folder below --out, and give the mean of their scores.",
        ),
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print all settings, and train nothing.")
    ] = False,
    overwrite: Overwrite = False,
    is_continued: Annotated[
        bool,
        typer.Option("--continue", help="Go on with an interrupted run under other rates, epochs or precision."),
    ] = False,
) -> None:
    """Train an expert and score it; give the same command again to go on after an interrupt."""
    from schemas.errors import UsageError
    from trainer.config import load_config, to_toml

    loaded = load_config(config, settings or [], is_complete=not print_config)
    if print_config:
        typer.echo(to_toml(loaded), nl=False)
        return
    if out is None:
        raise UsageError("no run to write", remedy="add --out RUN")
    numbers = _parse_numbers(seeds) if seeds is not None else None
    from trainer.commands import fit_and_evaluate, fit_seeds

    with shown_steps() as steps:
        if numbers is None:
            facts = fit_and_evaluate(loaded, out, overwrite, steps.note, is_continued)
        else:
            facts = fit_seeds(loaded, out, numbers, overwrite, steps.note, is_continued)
    _print_json(facts)


@app.command(
    epilog=_example(
        "mie-train moe runs/baseline runs/text --out runs/mixture",
        "mie-train moe runs/baseline runs/text --gate token --out runs/token-gate",
    )
)
def moe(
    experts: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="The runs of two or more experts.", show_default=False)
    ],
    out: Out = None,
    gate: Annotated[
        str,
        typer.Option(metavar="GATE", help="fixed, sample, token or hard; auto is the best of them by cross-fitting."),
    ] = "auto",
    folds: Annotated[int, typer.Option(metavar="N", help="Folds of the cross-fitting.")] = 5,
    split: Annotated[
        str, typer.Option(metavar="SPLIT", help="The split on whose posteriors the gates are fitted.")
    ] = "dev",
    image_vectors: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Image vectors for the gates: a context cache with the image source, or Parquet (file, vector).",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Mix experts: fit each kind of gate to their posteriors, and keep the one that is to predict."""
    from dataclasses import asdict

    from schemas.errors import UsageError

    if out is None:
        raise UsageError("no run to write", remedy="add --out RUN")
    if gate not in ("auto", "fixed", "sample", "token", "hard"):
        raise UsageError(f"no gate {gate!r}", remedy="choose fixed, sample, token, hard or auto")
    from trainer.metrics import to_markdown
    from trainer.mixture import fit_mixture

    with shown_steps():
        facts = fit_mixture(
            experts,
            out,
            gate=None if gate == "auto" else gate,  # type: ignore[arg-type]
            split=split,
            folds=folds,
            vectors=str(image_vectors) if image_vectors else "",
            overwrite=overwrite,
        )
    if as_json:
        _print_json(asdict(facts))
        return
    typer.echo(
        to_markdown([f"{split}, held out", "F1"], [[k, f"{100 * v['f1']:.2f}"] for k, v in facts.scores.items()])
    )
    typer.echo(f"\nThe mixture predicts by the gate {facts.gate}.")


@app.command(
    epilog=_example(
        "mie-train predict runs/mixture posts.jsonl --index enwiki --out predictions.jsonl",
        "mie-train predict runs/text t15 --split test --contexts t15-contexts --conll predictions.conll",
    )
)
def predict(
    run: Run,
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="A .jsonl file of posts, or a data set.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="The .jsonl file to write; without it, stdout.")
    ] = None,
    split: Split = "test",
    contexts: Annotated[
        list[Path] | None, typer.Option(metavar="FOLDER", help="A context cache; may be given several times.")
    ] = None,
    index: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Retrieve the contexts from this index now.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The folder of the images; without it, the folder of the .jsonl file."),
    ] = None,
    image_vectors: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Image vectors for the gate of a mixture; without it, those of the context caches or the index.",
        ),
    ] = None,
    conll: Annotated[Path | None, typer.Option(metavar="FILE", help="Write columns of tokens and tags too.")] = None,
) -> None:
    """Predict entities or relations of new samples."""
    from trainer.commands import PredictInputs, predict_rows, write_conll, write_jsonl

    inputs = PredictInputs(tuple(contexts or ()), index, images, image_vectors)
    with shown_steps() as steps:
        rows = predict_rows(run, source, split, inputs, steps.note)
    if conll is not None:
        write_conll(conll, rows)
    if out is not None:
        write_jsonl(out, rows)
    else:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))


@app.command(epilog=_example("mie-train evaluate runs/mixture --split test"))
def evaluate(run: Run, split: Split = "test", as_json: AsJson = False) -> None:
    """Score a run on a labelled split, and write its predictions and its report."""
    from trainer.commands import evaluate_run

    with shown_steps():
        values = evaluate_run(run, split)
    if as_json:
        _print_json(values)
    else:
        typer.echo((run / "predictions" / f"{split}.scores.md").read_text(encoding="utf-8"), nl=False)


@app.command(
    epilog=_example(
        "mie-train report runs/mixture",
        "mie-train report runs/baseline runs/text runs/mixture --html report.html",
    )
)
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Evaluated runs.", show_default=False)],
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The page to write; without it, report.html in the folder of a single run."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the scores of a run, or of several side by side, and write a page with figures: one HTML file."""
    from schemas.display import check_page_path, write_page
    from trainer.reports import name_runs, report_run, report_runs, report_to_page

    named = name_runs(runs)
    texts = {name: report_run(folder) for name, folder in named.items()}
    path = html or (runs[0] / "report.html" if len(named) == 1 else None)
    if path is not None:
        check_page_path(path)
        write_page(path, report_to_page(named))
        typer.echo(f"{path} is written", err=True)
    if as_json:
        values = {name: json.loads((folder / "report.json").read_text("utf-8")) for name, folder in named.items()}
        _print_json(values if len(named) > 1 else values.popitem()[1])
    else:
        typer.echo(report_runs(named) if len(named) > 1 else texts.popitem()[1], nl=False)


@app.command(epilog=_example("mie-train compare runs/mixture runs/baseline --split test"))
def compare(
    run_a: Annotated[Path, typer.Argument(metavar="RUN_A", help="An evaluated run.", show_default=False)],
    run_b: Annotated[Path, typer.Argument(metavar="RUN_B", help="An evaluated run.", show_default=False)],
    split: Split = "test",
    resamples: Annotated[int, typer.Option(metavar="N", help="Resamples of the bootstrap.")] = 2000,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the bootstrap.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Compare two evaluated runs by the paired bootstrap over their samples."""
    from dataclasses import asdict

    from trainer.reports import compare_runs

    comparison = compare_runs(run_a, run_b, split, resamples, seed)
    if as_json:
        _print_json(asdict(comparison))
        return
    typer.echo(f"{run_a}: F1 {100 * comparison.f1_a:.2f}\n{run_b}: F1 {100 * comparison.f1_b:.2f}")
    low, high = 100 * comparison.low, 100 * comparison.high
    typer.echo(f"difference {100 * comparison.difference:+.2f}, 95 % of resamples in [{low:+.2f}, {high:+.2f}]")
    size = f"{comparison.resamples} resamples of {comparison.samples} samples"
    typer.echo(f"p = {comparison.p_value:.4f} (two-sided, {size})")


@app.command(epilog=_example("mie-train ablate runs/text --k 0,1,3"))
def ablate(
    run: Run,
    split: Split = "dev",
    ks: Annotated[
        str, typer.Option("--k", metavar="N,N,...", help="Numbers of contexts per source to try.")
    ] = "0,1,3,5,10",
    seed: Annotated[int, typer.Option(metavar="N", help="Seed by which contexts go to other samples.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Score a run with fewer contexts, with the contexts of other samples, and with one source off."""
    from dataclasses import asdict

    numbers = _parse_numbers(ks)
    from trainer.commands import ablate_run, ablations_to_markdown

    with shown_steps():
        rows = ablate_run(run, split, numbers, seed)
    if as_json:
        _print_json([asdict(row) for row in rows])
    else:
        typer.echo(ablations_to_markdown(rows))


def _parse_numbers(text: str) -> list[int]:
    from schemas.errors import UsageError

    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"{text!r} is no list of whole numbers", remedy="write 1,2,3") from error
    if min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise UsageError(f"{text!r} has a negative number, or the same number twice", remedy="write 1,2,3")
    return numbers


def _print_json(values: Any) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False, indent=1))


def main() -> None:
    """Run the command; an error of ours ends it with one line and its exit code."""
    exit_on_error(app)


if __name__ == "__main__":
    main()
