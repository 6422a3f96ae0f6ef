"""The commands around models that write: `mie-train instruct`, `tune`, `generate` and `answers`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from trainer.options import AsJson, Overwrite, Seed, Split, example

__all__ = ["generation_commands"]

generation_commands = typer.Typer()
_Samples = Annotated[
    Path,
    typer.Argument(metavar="SAMPLES", help="A folder of samples, of `mie-train data convert`.", show_default=False),
]
_Format = Annotated[
    str,
    typer.Option(
        "--format", metavar="FORMAT",
        help="index, phrase, umie, sel, jmere, boxes, reamo or choices; else the usual one of the task.",
    ),
]  # fmt: skip


@generation_commands.command(
    epilog=example(
        "mie-train instruct t15 --out train.jsonl",
        "mie-train instruct t15 --format umie --contexts t15-contexts --source text --split test --out test.jsonl",
    )
)
def instruct(
    samples: _Samples,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.", show_default=False)],
    split: Split = "train",
    format_: _Format = "",
    contexts: Annotated[
        list[Path] | None, typer.Option(metavar="FOLDER", help="Contexts of the samples; may be given again.")
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(metavar="SOURCE", help="A source of contexts for the prompts.")
    ] = None,
    per_source: Annotated[int, typer.Option(metavar="N", min=1, help="Contexts of each source at most.")] = 1,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """Write prompts and answers of a split as lines of JSON, for any program that trains on instructions."""
    from schemas.errors import UsageError
    from trainer.generation.pairs import InstructInputs, instruct_rows, write_rows

    if out.exists() and not overwrite:
        raise UsageError("there is a file already", path=out, remedy="add --overwrite, or give another --out")
    folders = tuple(str(folder) for folder in contexts or ())
    inputs = InstructInputs(samples, split, format_, folders, tuple(source or ()), per_source, seed)
    rows, left_out = instruct_rows(inputs)
    write_rows(rows, out)
    typer.echo(json.dumps({"rows": len(rows), "left_out": left_out}))


@generation_commands.command(
    epilog=example(
        "mie-train tune train.jsonl --model flan-t5 --out tuned",
    )
)
def tune(
    file: Annotated[
        Path, typer.Argument(metavar="PAIRS", help="Lines of JSON of `mie-train instruct`.", show_default=False)
    ],
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="A folder or name of a model of transformers.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="The model to write.", show_default=False)],
    epochs: Annotated[int, typer.Option(metavar="N", min=1, help="Times that all rows are read.")] = 3,
    lr: Annotated[float, typer.Option(metavar="RATE", min=0.0, help="Learning rate at the start.")] = 3e-4,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of a step.")] = 8,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """Train a pretrained model that writes, from text to text or from a text on, on prompts and answers.

    Then `mie-train generate` answers with the folder that is written here.
    """
    from schemas.errors import UsageError
    from trainer.generation.tuned import TuneSettings, tune_generator

    if out.exists() and not overwrite:
        raise UsageError("there is something already", path=out, remedy="add --overwrite, or give another --out")
    settings = TuneSettings(epochs=epochs, lr=lr, batch_rows=batch, seed=seed)
    facts = tune_generator(file, model, out, settings, talk=lambda line: typer.echo(line, err=True))
    typer.echo(json.dumps({"rows": facts["rows"], "losses": facts["losses"]}))


@generation_commands.command(
    epilog=example(
        "mie-train generate t15 --model flan-t5 --format umie --out answers.jsonl",
    )
)
def generate(
    samples: _Samples,
    model: Annotated[
        str, typer.Option(metavar="MODEL", help="A folder or name of a model of transformers.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The file to write.", show_default=False)],
    split: Split = "test",
    format_: _Format = "",
    beams: Annotated[int, typer.Option(metavar="N", min=1, help="Answers that are kept in the search.")] = 1,
    is_free: Annotated[bool, typer.Option("--free", help="Write without the grammar of the format.")] = False,
    seed: Seed = 0,
    overwrite: Overwrite = False,
) -> None:
    """Let a pretrained model answer the prompts of a split, as lines of JSON for `mie-train answers`."""
    from schemas.errors import UsageError
    from trainer.generation.generated import generate_rows
    from trainer.generation.pairs import InstructInputs, write_rows

    if out.exists() and not overwrite:
        raise UsageError("there is a file already", path=out, remedy="add --overwrite, or give another --out")
    inputs = InstructInputs(samples, split, format_, seed=seed)
    rows = list(generate_rows(inputs, model, beams, is_free=is_free))
    write_rows(rows, out)
    typer.echo(json.dumps({"rows": len(rows)}))


@generation_commands.command(epilog=example("mie-train answers t15 answers.jsonl --format umie"))
def answers(
    samples: _Samples,
    file: Annotated[
        Path, typer.Argument(metavar="ANSWERS", help="Lines of JSON with id and answer.", show_default=False)
    ],
    split: Split = "test",
    format_: _Format = "",
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Score answers that another program generated, and count their faults."""
    from trainer.generation.scored_answers import score_answers
    from trainer.metrics import score_to_json, scores_to_markdown

    scored = score_answers(samples, file, format_, split, seed)
    if as_json:
        values = {name: score_to_json(score) for name, score in scored.scores.items()}
        typer.echo(json.dumps({"scores": values, "faults": scored.faults, "lacking": scored.lacking}, indent=1))
        return
    typer.echo(scores_to_markdown(scored.scores, split))
    told = ", ".join(f"{name} {count}" for name, count in scored.faults.items()) or "none"
    typer.echo(f"faults: {told}; samples without an answer: {scored.lacking}")
