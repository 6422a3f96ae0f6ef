"""The page of the job at size: what its stages found, beside the targets."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.watched import interpolate
from trainer.metrics import to_markdown

__all__ = ["PAGE", "RESULT", "Rates", "find_rates", "to_page"]

RESULT = Path(__file__).resolve().parent / "results" / "at_size.json"
PAGE = RESULT.with_suffix(".md")
Rates = dict[str, float]
WIKIPEDIA_GB = 100.0
STAGES = ("hash", "plan", "parse", "finish", "bm25 parts", "bm25")
JOB = ("parse", "finish")
FLAT, GROWTH_MB = 0.05, 50.0
"""Targets: two rates differ by no more than this share; a process whose peak moves by less does not grow."""


def find_rates(found: Mapping[str, Any]) -> Rates:
    """Return the rates that docs/scale.md is computed from.

    Args:
        found: the stages of `benchmarks.at_size`.
    """
    build, dump = found["build"], found["dump"]
    xml_mb, stages = dump["xml_bytes"] / 1e6, build["stages"]
    sentences = build["summary"]["sentences"]
    job_s = sum(stages[name]["processor_s"] for name in JOB)
    return {
        "job_mb_s": xml_mb / job_s,
        "index_sentences_s": sentences / max(0.01, stages["bm25"]["processor_s"]),
        "sentences_per_xml_mb": sentences / xml_mb,
        "tables_per_xml": build["table_bytes"] / dump["xml_bytes"],
        "bm25_per_xml": build["bm25_bytes"] / dump["xml_bytes"],
        "workers": float(found["workers"]),
        "job_wall_mb_s": xml_mb / sum(stages[name]["wall_s"] for name in JOB),
        "index_wall_sentences_s": sentences / stages["bm25"]["wall_s"],
        "xml_gb": xml_mb / 1e3,
        "load": float(build["load before"]),
    }


def tenths(build: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Return the share of the dump that was read in a second, and in a processor second, for each tenth of it.

    The first begins with the first byte that was read, so that the start of the workers is not in it.
    """
    rows = [tuple(row) for row in build["progress"]]
    most = max((done for _, _, done in rows), default=0)
    rows = [row for row, after in pairwise(rows) if after[2] > 0] + rows[-1:]
    cut = next((number for number, row in enumerate(rows) if row[2] >= most), len(rows))
    rows = rows[: cut + 1]
    if most == 0 or len(rows) < 3:
        return []
    by_wall, by_processor = ([(row[2] / most, row[column]) for row in rows] for column in (0, 1))
    found = []
    for number in range(10):
        low, high = number / 10, (number + 1) / 10
        wall = interpolate(by_wall, high) - interpolate(by_wall, low)
        processor = interpolate(by_processor, high) - interpolate(by_processor, low)
        found.append((0.1 / wall if wall else 0.0, 0.1 / processor if processor else 0.0))
    return found


def growth(process: Mapping[str, Any], until: float) -> tuple[float, float, float]:
    """Return the most resident MB of a process: in the second fifth of its time, in the last fifth, and in all."""
    rows = [row for row in process["memory"] if row[0] <= until]
    if len(rows) < 5:
        return 0.0, 0.0, max((row[1] for row in process["memory"]), default=0.0)
    fifth = len(rows) // 5
    return (
        max(row[1] for row in rows[fifth : 2 * fifth]),
        max(row[1] for row in rows[-fifth:]),
        max(row[1] for row in process["memory"]),
    )


def to_page(found: Mapping[str, Any]) -> str:
    """Return the page as Markdown."""
    dump, build, queries, cold = (found[name] for name in ("dump", "build", "queries", "cold start"))
    rates, summary, law = find_rates(found), build["summary"], dump["growth"]
    update, verified = found["update"], found["verify"]
    redirects, unread = summary["counts"]["redirect"], update["summary"]["taken_over"]["pages"]
    stages = {f"build: {name}": build["stages"][name] for name in STAGES if name in build["stages"]}
    stages |= {"verify": verified, "update": update}
    lines = [
        f"# The job at size: {dump['xml_bytes'] / 1e9:.2f} GB of XML\n",
        f"    python -m benchmarks.at_size --work FOLDER --megabytes {dump['xml_bytes'] / 1e6:.0f} --write\n",
        f"{found['machine']}, {found['workers']} workers; load before the build {build['load before']}.\n",
        f"{dump['pages']:,} pages: the real articles of gensim's slice again and again, under new titles and ids. Rare",
        "words of each copy are renamed, as many as Heaps' law asks for with the exponent of the real articles,",
        f"{law['exponent']}: {law['expected']:,} different words by the law, {law['made']:,} in the dump,",
        f"{law['different']:,} in one copy; {_count(queries['terms'])} terms in the text index.\n",
        "| stage | wall s | processor s |\n|---|---:|---:|",
        f"| write both dumps | {dump['wall_s']:,.0f} | |",
        *(f"| {name} | {row['wall_s']:,.1f} | {row['processor_s']:,.1f} |" for name, row in stages.items()),
        "",
        _disk(found),
        "\nUpdate: one page in a hundred has another revision and one more sentence. Of the",
        f"{summary['pages_read']:,} pages {unread:,} were not parsed again; the {redirects:,} redirects always are.\n",
        "## Targets\n",
        to_markdown(["what", "target", "found", "met"], _targets(found, rates)),
        "\n## Rate over the dump\n",
        "MB of XML a second, by the tenth of the dump; of wall time, and of processor time of all processes.\n",
        _rate_table(build, dump["xml_bytes"] / 1e6),
        "\n## Memory of each process\n",
        _memory_table(build),
        f"\nA tweet is asked in {queries['p50_ms']:.2f} ms (p95 {queries['p95_ms']:.2f}):",
        f"{queries['queries']:,} tweets of {queries['words']:.1f} tokens, one by one, after two rounds of them.",
        f"A new process answers in {cold['median_s']:.2f} s with {cold['memory_mb']:.0f} MB, and in",
        f"{cold['from_disk_s']:.2f} s where no file of the index is in memory.",
    ]
    return "\n".join(lines)


def _count(number: int) -> str:
    return f"{number:,}" if number >= 0 else "an unknown number of"


def _disk(found: Mapping[str, Any]) -> str:
    dump, build, update = found["dump"], found["build"], found["update"]
    most = 2 * dump["packed_bytes"] + build["table_bytes"] + build["bm25_bytes"] + update["most_bytes"]
    sizes = (dump["packed_bytes"], build["table_bytes"], build["bm25_bytes"], build["most_bytes"], most)
    packed, tables, text, building, all_ = (f"{size / dump['xml_bytes']:.2f}" for size in sizes)
    return (
        f"Disk, bytes for a byte of XML: dump {packed}, tables {tables}, text index {text}; at most {building} while "
        f"it is built, and {all_} with both dumps and the earlier index while the update is built."
    )


def _targets(found: Mapping[str, Any], rates: Rates) -> list[Sequence[str]]:
    build, queries = found["build"], found["queries"]
    by_tenth = [processor for _, processor in tenths(build)]
    flat = abs(by_tenth[-1] / by_tenth[0] - 1) if by_tenth and by_tenth[0] else float("nan")
    until = _parse_end(build)
    grown = [growth(process, until) for process in build["processes"]]
    most = max((late - early for early, late, _ in grown), default=0.0)
    hours = WIKIPEDIA_GB * 1e3 / rates["job_wall_mb_s"] / 3600
    hours += WIKIPEDIA_GB * 1e3 * rates["sentences_per_xml_mb"] / rates["index_wall_sentences_s"] / 3600
    sentences = build["summary"]["sentences"]
    rows: list[tuple[str, str, str, bool]] = [
        ("rate of the last tenth against the first, a processor second", "5 %", f"{100 * flat:.1f} %", flat <= FLAT),
        ("growth of a process while the dump is read", f"{GROWTH_MB:.0f} MB", f"{most:.0f} MB", most <= GROWTH_MB),
        ("XML to Parquet, a core", "8 MB/s", f"{rates['job_mb_s']:.2f} MB/s", rates["job_mb_s"] >= 8),
        (
            "sentences into BM25, a second", "120,000", f"{rates['index_wall_sentences_s']:,.0f}",
            rates["index_wall_sentences_s"] >= 120_000,
        ),
        ("sentences", "30,000,000", f"{sentences:,}", sentences >= 30_000_000),
        ("query, p95", "10 ms", f"{queries['p95_ms']:.2f} ms", queries["p95_ms"] < 10),
        (f"text of {WIKIPEDIA_GB:.0f} GB on these cores, at these rates", "2.5 h", f"{hours:.2f} h", hours <= 2.5),
    ]  # fmt: skip
    return [(what, target, value, "yes" if is_met else "no") for what, target, value, is_met in rows]


def _parse_end(build: Mapping[str, Any]) -> float:
    before = STAGES[: STAGES.index("parse") + 1]
    return sum(row["wall_s"] for name, row in build["stages"].items() if name in before)


def _rate_table(build: Mapping[str, Any], xml_mb: float) -> str:
    rows = [
        [str(number), f"{wall * xml_mb:.2f}", f"{processor * xml_mb:.2f}"]
        for number, (wall, processor) in enumerate(tenths(build), start=1)
    ]
    return to_markdown(["tenth", "wall", "processor"], rows)


def _memory_table(build: Mapping[str, Any]) -> str:
    until = _parse_end(build)
    rows = []
    for process in build["processes"]:
        early, late, most = growth(process, until)
        lived = process["memory"][-1][0] - process["started"]
        cells = [f"{early:.0f}", f"{late:.0f}"] if early else ["-", "-"]
        rows.append([process["role"], f"{lived:,.0f}", *cells, f"{most:.0f}", f"{process['processor_s']:,.0f}"])
    heads = ["process", "lived s", "MB early in the parse", "MB at its end", "most MB", "processor s"]
    return (
        to_markdown(heads, rows)
        + f"\n\n{build['short_processes']} processes that lived for less than 5 % of it are left out."
    )


def read_result() -> dict[str, Any]:
    """Read the result file."""
    found: dict[str, Any] = json.loads(RESULT.read_text(encoding="utf-8"))
    return found
