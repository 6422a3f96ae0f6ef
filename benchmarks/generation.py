"""Systems that write their answer: pointer decoders beside taggers on the same encoder and budget, and with regions.

What is finished is not done again: give the same command to go on after an interrupt. Each part stands alone.

    python -m benchmarks.generation --work FOLDER [--parts gmner,rocky] [--seeds 1,2,3] [--systems index]

Every row of a table has the same encoder, epochs and samples. Runs go seed by seed, so that an early end leaves whole
tables of fewer seeds; a figure names those that it is a mean of. Rows that a call does not train, but that an earlier
one did, stand in its tables too. Figures go to result files.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.cells import percent
from benchmarks.generation_runs import Scores, run_one
from benchmarks.generation_tables import METRICS, PHOTOS, TABLES, Row, Table
from benchmarks.result_files import RESULTS, SystemResult, make_control, make_figure, write_result
from benchmarks.twitter2015 import SHARED
from schemas.manifest import write_json_atomically
from trainer.metrics import to_markdown
from trainer.systems import Control

PAGE = RESULTS.parent / "generation.md"
MARK = "<!-- written by benchmarks.generation -->"
Found = dict[str, dict[int, Scores]]
"""Name of a row -> seed -> F1 by score."""


def main() -> None:
    """Make the data, train what is missing, print the tables and write figures and page."""
    arguments = parse_arguments()
    parts = arguments.parts.split(",")
    seeds = list(map(int, arguments.seeds.split(",")))
    for seed in seeds:
        for part in parts:
            for row in TABLES[part].rows:
                if seed <= TABLES[part].seeds and (not arguments.systems or row.name in arguments.systems.split(",")):
                    scores = run_one(arguments, TABLES[part], row, seed)
                    keep(arguments.work, part, row.name, seed, scores)
            print(to_table(part, read_found(arguments.work, part), arguments), flush=True)
            if not arguments.no_results:
                write_results(part, read_found(arguments.work, part), arguments)
    if not arguments.no_results:
        write_page(arguments)


def keep(work: Path, part: str, name: str, seed: int, scores: Scores) -> None:
    """Keep the scores of a run beside those of earlier calls."""
    found = read_found(work, part)
    found.setdefault(name, {})[seed] = scores
    write_json_atomically(work / "scores" / f"{part}.json", found)


def read_found(work: Path, part: str) -> Found:
    """Read the scores of all runs of a part."""
    file = work / "scores" / f"{part}.json"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        return {}
    rows = json.loads(file.read_text(encoding="utf-8"))
    return {name: {int(seed): scores for seed, scores in sorted(each.items())} for name, each in rows.items()}


def write_results(part: str, found: Found, arguments: argparse.Namespace) -> None:
    """Write the result file of each system of a table."""
    table = TABLES[part]
    for row in table.rows:
        values = found.get(row.name, {})
        if not row.number or not values:
            continue
        figures, data = [], table.title
        if sum(other.number == row.number for other in table.rows) > 1:
            data = f"{table.title}: {row.name}"
        for metric in table.metrics:
            by_seed = _of(values, metric)
            if by_seed:
                control = _control(table, row, found, metric, by_seed)
                name = METRICS[metric]
                figures.append(make_figure(data, name, by_seed, _command(part, arguments), control))
        detail = {name: {str(seed): scores for seed, scores in each.items()} for name, each in found.items()}
        write_result(SystemResult(row.number, row.name.replace(" ", "-"), table.title, tuple(figures), detail))


def _control(table: Table, row: Row, found: Found, metric: str, by_seed: dict[int, float]) -> Control | None:
    """Return what a figure is compared with, over the seeds that both have."""
    beside = _of(found.get(row.control, {}), metric)
    name = row.control
    if not row.control and table.photos:
        name, beside = "shuffled photos", _of(found[row.name], f"{metric}, shuffled photos")
    same = [value for seed, value in beside.items() if seed in by_seed]
    return make_control(name, same) if same else None


def _of(values: dict[int, Scores], metric: str) -> dict[int, float]:
    return {seed: scores[metric] for seed, scores in values.items() if metric in scores}


def _command(part: str, arguments: argparse.Namespace) -> str:
    further = f" --epochs {arguments.epochs}" if arguments.epochs else ""
    further += "".join(f" --setting {text}" for text in arguments.setting)
    return f"python -m benchmarks.generation --work FOLDER --parts {part}{further}"


def to_table(part: str, found: Found, arguments: argparse.Namespace) -> str:
    """Return a table as Markdown: F1 on test in per cent, the mean over the seeds and its deviation."""
    table = TABLES[part]
    names = [f"{metric}{photos}" for metric in table.metrics for photos in _photos(table)]
    body = []
    for row in table.rows:
        values = found.get(row.name, {})
        if values:
            cells = [percent(_of(values, name).values()) for name in names]
            body.append([row.name, " ".join(map(str, values)), *cells])
    head = f"## {table.title}\n\n`{_command(part, arguments)}`, {arguments.epochs or table.epochs} epochs.\n"
    return f"{head}\n{to_markdown(['system', 'seeds', *map(_title, names)], body)}\n"


def _title(name: str) -> str:
    metric, _, photos = name.partition(", ")
    title = {"default": "entity F1", "all": "entity F1"}.get(metric, metric)
    return f"{title}, {photos}" if photos else title


def _photos(table: Table) -> tuple[str, ...]:
    return ("", *(f", {photos} photos" for photos in PHOTOS[1:])) if table.photos else ("",)


def write_page(arguments: argparse.Namespace) -> None:
    """Write the tables of all parts that have runs in this folder; what stands above the first table stays."""
    parts = {part: read_found(arguments.work, part) for part in TABLES}
    tables = [to_table(part, found, arguments) for part, found in parts.items() if found]
    above = (
        PAGE.read_text(encoding="utf-8").partition(MARK)[0]
        if PAGE.exists()
        else "# Systems that write their answer\n\n"
    )
    PAGE.write_text("\n".join([f"{above}{MARK}\n", *tables]), encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep data and runs in")
    parser.add_argument("--shared", type=Path, default=SHARED, help="the folder of research data")
    parser.add_argument("--parts", default=",".join(TABLES), help=f"parted by commas: {', '.join(TABLES)}")
    parser.add_argument("--seeds", default="1,2,3", help="a part without photos stops at 2")
    parser.add_argument("--systems", default="", help="these rows alone, parted by commas")
    parser.add_argument("--epochs", type=int, default=0, help="in place of those of each part")
    parser.add_argument("--train", type=int, default=0, help="training samples in place of those of each part")
    parser.add_argument("--dev", type=int, default=0, help="dev samples in place of those of each part")
    parser.add_argument("--setting", action="append", default=[], help="further key=value for all systems")
    parser.add_argument("--no-results", action="store_true", help="print tables alone, for a try")
    return parser.parse_args()


if __name__ == "__main__":
    main()
