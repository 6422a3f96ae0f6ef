"""The commands `mie-train score` and `bound`: predictions of any system beside gold, and answers without a grounder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from trainer.options import AsJson, BoxFiles, Grounding, Split, example

__all__ = ["scoring_commands"]

scoring_commands = typer.Typer()


@scoring_commands.command(
    epilog=example(
        "mie-train score t15 runs/mixture/predictions/test.jsonl",
        "mie-train score t15 runs/mixture/predictions/test.jsonl --counting e2e",
    )
)
def score(
    gold: Annotated[
        Path,
        typer.Argument(metavar="GOLD", help="A data set, or RiVEG's file of gold entities (.txt).", show_default=False),
    ],
    predictions: Annotated[
        Path,
        typer.Argument(
            metavar="PREDICTIONS",
            help="A .jsonl file of `predict` or `evaluate`, or RiVEG's file of predicted entities (.txt).",
            show_default=False,
        ),
    ],
    split: Split = "test",
    given: Grounding = None,
    counting: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="ours, or a published way: riveg (surfaces, gold used up), e2e (best matching), tiger (its P and R), "
            "eega (undirected, doubled).",
        ),
    ] = "ours",
    strict: Annotated[
        bool, typer.Option("--strict", help="A region must overlap by more than half, not by half.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score predictions that stand in a file, of this or of another system."""
    from trainer.commands.score_files import score_files
    from trainer.metrics import score_to_json, scores_to_markdown

    def note(text: str) -> None:
        typer.echo(text, err=True)

    how: Any = counting  # checked there
    scores = score_files(gold, predictions, split, given or (), how, is_strict=strict, talk=note)
    if as_json:
        values = {name: score_to_json(value) for name, value in scores.items()}
        typer.echo(json.dumps(values, ensure_ascii=False, indent=1))
    else:
        typer.echo(scores_to_markdown(scores, counting))


@scoring_commands.command(
    epilog=example(
        "mie-train bound gmner --answer gold --out gold.jsonl",
        "mie-train bound gmner --answer whole --boxes gmner/xml --out whole.jsonl",
    )
)
def bound(
    samples: Annotated[Path, typer.Argument(metavar="SAMPLES", help="A data set with boxes.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The .jsonl file.", show_default=False)],
    answer: Annotated[
        str, typer.Option(metavar="NAME", help="gold (the first gold box), whole (the whole picture) or useless.")
    ] = "gold",
    split: Split = "test",
    boxes: BoxFiles = None,
) -> None:
    """Write decisions for `--grounding` that need no grounder: the bounds between which one lies."""
    from trainer.commands.score_files import write_bound

    lines = write_bound(samples, out, answer, split, boxes)  # type: ignore[arg-type]
    typer.echo(f"{out}: boxes for {lines} mentions", err=True)
