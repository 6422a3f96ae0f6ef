"""Computes hours, dollars and disk for the whole English Wikipedia.

Rates of the job, the tables and the text index are those of the result file of benchmarks/at_size.py; prices, sizes,
and the rates that it does not measure are inputs in docs/scale.toml.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

from benchmarks.at_size_page import find_rates, read_result

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- computed: python -m benchmarks.scale --write -->", "<!-- end of what is computed -->"
INPUTS, PAGE = ROOT / "docs" / "scale.toml", ROOT / "docs" / "scale.md"
Rates = dict[str, dict[str, float]]


def main() -> None:
    """Print the table, or write it into docs/scale.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rates", type=Path, default=INPUTS, help="the inputs, as TOML")
    parser.add_argument("--write", action="store_true", help="put the table into docs/scale.md")
    arguments = parser.parse_args()
    if arguments.write:
        write_page()
    else:
        print("\n".join(to_lines(read_inputs(arguments.rates))))


def read_inputs(path: Path = INPUTS) -> Rates:
    """Read the inputs, and the rates that were measured; a rate that the inputs have themselves counts."""
    inputs: Rates = tomllib.loads(path.read_text(encoding="utf-8"))
    inputs["rates"] = find_rates(read_result()) | inputs["rates"]
    return inputs


def with_table(page: str, inputs: Rates) -> str:
    """Return the page with the table of inputs between its marks."""
    head, tail = page[: page.index(START) + len(START)], page[page.index(END) :]
    return "\n".join([head, *to_lines(inputs), tail])


def write_page() -> None:
    """Put the table into docs/scale.md."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), read_inputs()), encoding="utf-8")


def hours_of_cores(inputs: Rates) -> dict[str, float]:
    """Return the core-hours of each step that all cores share, and the hours of each step that one core does."""
    dump, rates = inputs["dump"], inputs["rates"]
    xml_mb, packed_mb = dump["xml_gb"] * 1000, dump["compressed_gb"] * 1000
    sentences = xml_mb * rates["sentences_per_xml_mb"]
    return {
        "hash": packed_mb / rates["hash_mb_s"] / 3600,
        "find streams": packed_mb / rates["scan_mb_s"] / 3600,
        "job": xml_mb / rates["job_mb_s"] / 3600,
        "index text": sentences / rates["index_sentences_s"] / 3600,
        "merge text": sentences / rates["merge_sentences_s"] / 3600,
        "encode pictures": dump["pictures"] / rates["encode_pictures_s"] / 3600,
    }


def disk_gb(inputs: Rates, *, with_pictures: bool) -> float:
    """Return the gigabytes of a finished index."""
    dump, rates = inputs["dump"], inputs["rates"]
    vectors = dump["pictures"] * rates["vector_bytes"] / 1e9 if with_pictures else 0.0
    return dump["xml_gb"] * (rates["tables_per_xml"] + rates["bm25_per_xml"]) + vectors


def wall_hours(steps: dict[str, float], cores: float, efficiency: float) -> float:
    """Return the hours of a text index: one core hashes, finds streams and merges; all cores share the rest."""
    return serial_hours(steps) + shared_hours(steps) / (cores * efficiency)


def serial_hours(steps: dict[str, float]) -> float:
    """Return the hours of the steps that one core does."""
    return steps["hash"] + steps["find streams"] + steps["merge text"]


def shared_hours(steps: dict[str, float]) -> float:
    """Return the core-hours of the steps that all cores share."""
    return steps["job"] + steps["index text"]


def dataflow(inputs: Rates, steps: dict[str, float]) -> tuple[float, float, str]:
    """Return hours and dollars on Dataflow, and the arithmetic of the dollars in words."""
    engine, price, rates = inputs["dataflow"], inputs["prices"], inputs["rates"]
    cores = engine["workers"] * engine["vcpu"]
    busy = shared_hours(steps) / (cores * rates["parallel_efficiency"])
    busy += engine["jobs"] * engine["start_min"] / 60
    driver = serial_hours(steps)
    worker_hour = engine["vcpu"] * price["vcpu_hour"] + engine["memory_gb"] * price["memory_gb_hour"]
    worker_hour += price["disk_gb_worker"] * price["disk_gb_hour"]
    shuffled_gb = 0.1  # names and offsets: the rows themselves are never shuffled
    dollars = engine["workers"] * busy * worker_hour + shuffled_gb * price["shuffle_gb"]
    dollars += (busy + driver) * engine["driver_dollars_hour"]
    line = (
        f"{engine['workers']:.0f} workers x {busy:.2f} h x ${worker_hour:.3f} + {busy + driver:.1f} h of a driver "
        f"x ${engine['driver_dollars_hour']:.2f} = ${dollars:.0f}; the output then costs "
        f"${disk_gb(inputs, with_pictures=False) * price['storage_gb_month']:.2f} a month in the store"
    )
    return busy + driver, dollars, line


def to_lines(inputs: Rates) -> list[str]:
    """Return the table and the arithmetic as lines of Markdown."""
    steps, rates, dump = hours_of_cores(inputs), inputs["rates"], inputs["dump"]
    laptop, machine = inputs["laptop"]["cores"], inputs["machine"]["cores"]
    few = rates["workers"]
    on = {
        f"{few:.0f} cores, as measured on": (wall_hours(steps, few, rates["parallel_efficiency"]), 0.0),
        f"laptop, {laptop:.0f} cores": (wall_hours(steps, laptop, rates["parallel_efficiency"]), 0.0),
        f"one machine, {machine:.0f} cores": (
            wall_hours(steps, machine, rates["parallel_efficiency"]),
            inputs["machine"]["dollars_hour"],
        ),
    }
    hours, dollars, line = dataflow(inputs, steps)
    disk, with_pictures = disk_gb(inputs, with_pictures=False), disk_gb(inputs, with_pictures=True)
    building = disk + dump["xml_gb"] * rates["bm25_per_xml"]  # the parts, beside what they are merged to
    lines = [
        f"Text index of {dump['xml_gb']:.0f} GB of XML ({dump['compressed_gb']:.0f} GB as bz2):",
        "",
        "| where | hours | dollars | disk, GB: dump + build |",
        "|---|---:|---:|---:|",
    ]
    for name, (wall, price) in on.items():
        cost = f"{wall * price:.0f}" if price else "-"
        lines.append(f"| {name} | {wall:.1f} | {cost} | {dump['compressed_gb']:.0f} + {building:.0f} |")
    name = f"Dataflow, {inputs['dataflow']['workers']:.0f} workers of {inputs['dataflow']['vcpu']:.0f} vCPU"
    work = building + dump["xml_gb"] * rates["tables_per_xml"]  # as parsed and as finished
    lines.append(f"| {name} | {hours:.1f} | {dollars:.0f} | {dump['compressed_gb']:.0f} + {work:.0f} in the store |")
    lines += ["", "| step | core-hours | from |", "|---|---:|---|"]
    sources = {
        "hash": f"{dump['compressed_gb']:.0f} GB / {rates['hash_mb_s']:.0f} MB/s; one core",
        "find streams": f"{dump['compressed_gb']:.0f} GB / {rates['scan_mb_s']:.0f} MB/s; one core",
        "job": f"to Parquet: {dump['xml_gb']:.0f} GB / {rates['job_mb_s']:.2f} MB/s",
        "index text": f"{dump['xml_gb'] * rates['sentences_per_xml_mb'] / 1000:.0f} million sentences / "
        f"{rates['index_sentences_s']:,.0f} a second",
        "merge text": f"the same / {rates['merge_sentences_s']:,.0f} a second; one core, of the driver",
        "encode pictures": f"{dump['pictures'] / 1e6:.0f} million / {rates['encode_pictures_s']:.0f} a second; "
        f"adds {with_pictures - disk:.1f} GB",
    }
    lines += [f"| {step} | {steps[step]:.2f} | {source} |" for step, source in sources.items()]
    return [
        *lines,
        "",
        f"Hours = hash + find streams + merge text + (job + index text) / (cores x {rates['parallel_efficiency']}); "
        f"for the laptop {serial_hours(steps):.2f} + {shared_hours(steps):.2f} / "
        f"({laptop:.0f} x {rates['parallel_efficiency']}).",
        f"Dataflow: {line}.",
        f"The build that was measured had {rates['xml_gb']:.2g} GB, on {rates['workers']:.0f} cores with a load of "
        f"{rates['load']:.0f} before it: other work beside it makes the rates too low.",
    ]


if __name__ == "__main__":
    main()
