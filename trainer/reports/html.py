"""The report of one run, or of several beside each other, as one HTML page; its layout is in the folder `templates`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from schemas.display import render_template
from trainer.reports.comparison import comparison_values
from trainer.reports.run_record import read_run
from trainer.reports.run_values import run_values

__all__ = ["report_to_page"]


def report_to_page(runs: Mapping[str, Path]) -> str:
    """Return the report of one run, or of several with a comparison before them.

    Args:
        runs: folders by the name to show.

    Raises:
        InputError: a run was not evaluated.
        IndexCorrupt: a file of a run is damaged.
    """
    records = [read_run(name, folder) for name, folder in runs.items()]
    shown = [run_values(record) for record in records]
    if len(records) == 1:
        kind = "Mixture" if records[0].mixture else "Run"
        title = f"{kind} {records[0].name}"
        return render_template("trainer.reports", "run_page.html", title=title, run=shown[0])
    title = f"{len(records)} runs"
    compared = comparison_values(records)
    return render_template("trainer.reports", "runs_page.html", title=title, runs=shown, **compared)
