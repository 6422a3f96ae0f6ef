"""The command `mie-train`: its options and their help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from schemas.exits import exit_on_error
from trainer.data_cli import data

__all__ = ["app", "main"]

app = typer.Typer(
    help="Train experts on text with retrieved contexts, mix them, and predict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data, name="data")


@app.command()
def presets() -> None:
    """List the shipped settings."""
    from trainer.config import preset_names

    for name in preset_names():
        typer.echo(name)


@app.command()
def fit(
    config: Annotated[str, typer.Argument(help="A TOML file, or a preset (see `mie-train presets`).", show_default=False)],
    settings: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Settings to change.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The run folder to write.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Several runs, for instance 1,2,3: mean and deviation.")] = None,
    print_config: Annotated[bool, typer.Option("--print-config", help="Print all settings and end.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a run with other settings.")] = False,
) -> None:
    """Train an expert; give the same command again to go on after an interrupt."""
    from schemas.errors import UsageError
    from trainer.config import load_config, to_toml

    loaded = load_config(config, settings or [])
    if print_config:
        typer.echo(to_toml(loaded), nl=False)
        return
    if out is None:
        raise UsageError("no run folder", remedy="add --out FOLDER")
    from trainer.runs import fit as fit_run

    facts = fit_run(loaded, out, overwrite, talk=lambda text: typer.echo(text, err=True))
    typer.echo(json.dumps(facts, indent=1))


def main() -> None:
    """Run the command; errors of ours end with one line and their exit code."""
    exit_on_error(app)


if __name__ == "__main__":
    main()
