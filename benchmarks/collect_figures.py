"""Collects the figures of all result files into the packaged `trainer/figures.json`, which `mie-train systems` shows.

python -m benchmarks.collect_figures
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.result_files import read_results
from schemas.manifest import write_json_atomically

TARGET = Path(__file__).resolve().parents[1] / "trainer" / "figures.json"


def collect_figures() -> dict[str, list[dict[str, Any]]]:
    """Return the figures of each system, by the number of its row."""
    figures: dict[str, list[dict[str, Any]]] = {}
    for result in read_results():
        figures.setdefault(str(result.number), []).extend(asdict(figure) for figure in result.figures)
    return figures


def main() -> None:
    """Write the packaged file."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    write_json_atomically(TARGET, collect_figures())
    print(TARGET)


if __name__ == "__main__":
    main()
