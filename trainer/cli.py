"""The command `mie-train`: which commands there are, and what they print."""

from __future__ import annotations

import json
from typing import Any

import typer

import trainer.options as opt
from schemas.display import exit_on_error, shown_steps
from trainer.commands import data_commands, scoring_commands
from trainer.generation import generation_commands

__all__ = ["app", "main"]

app = typer.Typer(
    help="Train experts on text with retrieved contexts, mix them, and predict.",
    epilog=opt.EXAMPLES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data_commands, name="data")
app.add_typer(scoring_commands)
app.add_typer(generation_commands)


@app.command(epilog=opt.example("mie-train presets"))
def presets() -> None:
    """List the presets: settings that come with the package, for `mie-train fit`."""
    from trainer.config import preset_names

    for name in preset_names():
        typer.echo(name)


@app.command(epilog=opt.example("mie-train systems", "mie-train systems MoRe --json"))
def systems(name: opt.SystemName = None, as_json: opt.AsJson = False) -> None:
    """List the published systems that stand here: their parts, presets, departures and figures."""
    from trainer.systems import find_systems, systems_to_json, systems_to_text

    found = find_systems(name)
    if as_json:
        _print_json(systems_to_json(found))
    else:
        typer.echo(systems_to_text(found))


@app.command(
    epilog=opt.example(
        "mie-train fit small-baseline data.samples=t15 --out runs/baseline",
        "mie-train fit runs/baseline/config.toml training.epochs=3 --seeds 1,2 --out runs/seeds",
        "mie-train fit small-text data.samples=t15 --print-config",
    )
)
def fit(
    config: opt.Config,
    settings: opt.Settings = None,
    out: opt.NewRun = None,
    seeds: opt.Seeds = None,
    print_config: opt.PrintConfig = False,
    overwrite: opt.Overwrite = False,
    is_continued: opt.IsContinued = False,
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
    numbers = opt.parse_numbers(seeds) if seeds is not None else None
    from trainer.commands import fit_and_evaluate, fit_seeds

    with shown_steps() as steps:
        if numbers is None:
            facts = fit_and_evaluate(loaded, out, overwrite, steps.note, is_continued)
        else:
            facts = fit_seeds(loaded, out, numbers, overwrite, steps.note, is_continued)
    _print_json(facts)


@app.command(
    epilog=opt.example(
        "mie-train moe runs/baseline runs/text --out runs/mixture",
        "mie-train moe runs/baseline runs/text --gate token --out runs/token-gate",
        "mie-train moe runs/baseline runs/text --gate stack --out runs/stack",
    )
)
def moe(
    experts: opt.Experts,
    out: opt.NewRun = None,
    gate: opt.Gate = "auto",
    share: opt.RouteShare = None,
    folds: opt.Folds = 5,
    split: opt.GateSplit = "dev",
    image_vectors: opt.GateVectors = None,
    overwrite: opt.Overwrite = False,
    as_json: opt.AsJson = False,
) -> None:
    """Mix experts: fit each kind of gate to their posteriors, and keep the one that is to predict."""
    from dataclasses import asdict

    from schemas.errors import UsageError

    if out is None:
        raise UsageError("no run to write", remedy="add --out RUN")
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
            share=share,
        )
    if as_json:
        _print_json(asdict(facts))
        return
    rows = [[name, f"{100 * score['f1']:.2f}"] for name, score in facts.scores.items()]
    typer.echo(to_markdown([f"{split}, held out", "F1"], rows))
    typer.echo(f"\nThe mixture predicts by the gate {facts.gate}.")


@app.command(
    epilog=opt.example(
        "mie-train predict runs/mixture posts.jsonl --index enwiki --out predictions.jsonl",
        "mie-train predict runs/text t15 --split test --contexts t15-contexts --conll predictions.conll",
    )
)
def predict(
    run: opt.Run,
    source: opt.Source,
    out: opt.NewPredictions = None,
    split: opt.Split = "test",
    contexts: opt.ContextCaches = None,
    index: opt.Index = None,
    images: opt.PredictImages = None,
    image_vectors: opt.Vectors = None,
    features: opt.FeatureStores = None,
    regions: opt.PredictRegions = None,
    given: opt.Grounding = None,
    conll: opt.Conll = None,
    rerank: opt.Rerank = None,
    uncertain: opt.Uncertain = None,
) -> None:
    """Predict entities or relations of new samples."""
    from trainer.commands import PredictInputs, predict_rows, uncertain_entities, write_conll, write_jsonl

    lists = [tuple(paths or ()) for paths in (contexts, features, regions, given)]
    inputs = PredictInputs(lists[0], index, images, image_vectors, lists[1], lists[2], rerank, lists[3])
    with shown_steps() as steps:
        rows = predict_rows(run, source, split, inputs, steps.note)
    if conll is not None:
        write_conll(conll, rows)
    if uncertain is not None:
        write_jsonl(uncertain, uncertain_entities(rows))
    if out is not None:
        write_jsonl(out, rows)
    else:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))


@app.command(epilog=opt.example("mie-train evaluate runs/mixture --split test"))
def evaluate(run: opt.Run, split: opt.Split = "test", given: opt.Grounding = None, as_json: opt.AsJson = False) -> None:
    """Score a run on a labelled split, and write its predictions and its report."""
    from trainer.commands import evaluate_run

    with shown_steps():
        values = evaluate_run(run, split, given or ())
    if as_json:
        _print_json(values)
    else:
        path = run / "predictions" / f"{split}{'-grounded' if given else ''}.scores.md"
        typer.echo(path.read_text(encoding="utf-8"), nl=False)


@app.command(
    epilog=opt.example(
        "mie-train report runs/mixture",
        "mie-train report runs/baseline runs/text runs/mixture --html report.html",
    )
)
def report(
    runs: opt.EvaluatedRuns,
    html: opt.NewPage = None,
    as_json: opt.AsJson = False,
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


@app.command(epilog=opt.example("mie-train compare runs/mixture runs/baseline --split test"))
def compare(
    run_a: opt.RunA,
    run_b: opt.RunB,
    split: opt.Split = "test",
    resamples: opt.Resamples = 2000,
    seed: opt.Seed = 1,
    as_json: opt.AsJson = False,
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


@app.command(epilog=opt.example("mie-train ablate runs/text --k 0,1,3"))
def ablate(
    run: opt.Run,
    split: opt.Split = "dev",
    ks: opt.Ks = "0,1,3,5,10",
    seed: opt.Seed = 1,
    as_json: opt.AsJson = False,
) -> None:
    """Score a run with fewer contexts, with the contexts of other samples, and with one source off."""
    from dataclasses import asdict

    numbers = opt.parse_numbers(ks)
    from trainer.commands import ablate_run, ablations_to_markdown

    with shown_steps():
        rows = ablate_run(run, split, numbers, seed)
    if as_json:
        _print_json([asdict(row) for row in rows])
    else:
        typer.echo(ablations_to_markdown(rows))


@app.command(
    epilog=opt.example(
        "mie-train few-shot runs/prototypes mnre --shots 1,5", "mie-train few-shot runs/re mnre --split dev,test"
    )
)
def few_shot(
    run: opt.Run,
    samples: opt.Samples,
    split: opt.Splits = "test",
    ways: opt.Ways = 5,
    shots: opt.Shots = "1,5",
    queries: opt.Queries = 5,
    episodes: opt.Episodes = 500,
    seed: opt.Seed = 1,
    as_json: opt.AsJson = False,
) -> None:
    """Ask an expert for relations of which it sees a few examples, by the nearest prototype; nothing is trained."""
    from dataclasses import asdict

    numbers = opt.parse_numbers(shots)
    from trainer.commands import few_shot_accuracy, few_shots_to_markdown

    with shown_steps():
        rows = few_shot_accuracy(run, samples, split.split(","), ways, numbers, queries, episodes, seed)
    if as_json:
        _print_json([asdict(row) for row in rows])
    else:
        typer.echo(few_shots_to_markdown(rows))


def _print_json(values: Any) -> None:
    typer.echo(json.dumps(values, ensure_ascii=False, indent=1))


def main() -> None:
    """Run the command; an error of ours ends it with one line and its exit code."""
    exit_on_error(app)


if __name__ == "__main__":
    main()
