"""Evaluated run folders as text: the scores of all splits of a run, and runs beside each other. Loads no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from schemas.errors import InputError
from schemas.manifest import write_json_atomically
from schemas.predictions import Prediction, predictions_path, read_predictions
from schemas.run_files import MIXTURE_FACTS, read_mixture_facts, read_scores, scores_path
from trainer.inputs import answer_from_json
from trainer.metrics import (
    Comparison,
    Counts,
    RecordKey,
    compare_paired,
    entity_counts,
    record_counts,
    relation_counts,
    to_markdown,
)
from trainer.reports.regions import REGION_HEADER, region_rows
from trainer.training import read_facts, read_run_config, writing

__all__ = ["compare_runs", "evaluated_splits", "gate_table", "report_run", "report_runs"]


def evaluated_splits(folder: Path) -> list[str]:
    """Return the splits on which a run was evaluated, of dev, test and train.

    Raises:
        InputError: the run was evaluated on none.
    """
    splits = [name for name in ("dev", "test", "train") if scores_path(folder, name).is_file()]
    if not splits:
        raise InputError("nothing was evaluated yet", path=folder, remedy="mie-train evaluate RUN --split test")
    return splits


def report_run(folder: Path) -> str:
    """Write the scores of all evaluated splits to `report.md` and `report.json`, and return the Markdown.

    Raises:
        InputError: nothing was evaluated yet.
    """
    splits = evaluated_splits(folder)
    parts = [f"# {folder.resolve().name}", "", *_about(folder)]
    values = {}
    for split in splits:
        path = scores_path(folder, split)
        read_scores(path)  # only for its error, which names a damaged file
        parts += ["", f"## {split}", "", path.with_suffix(".md").read_text(encoding="utf-8").strip()]
        if regions := region_rows(folder, split):
            parts += ["", f"### Regions on {split}", "", to_markdown(REGION_HEADER, regions)]
        values[split] = json.loads(path.read_text(encoding="utf-8"))
    text = "\n".join(parts) + "\n"
    with writing(folder):
        (folder / "report.md").write_text(text, encoding="utf-8")
        write_json_atomically(folder / "report.json", values)
    return text


def report_runs(runs: Mapping[str, Path]) -> str:
    """Return the main F1 of several runs, by split, as a Markdown table.

    Args:
        runs: folders by the name to show.

    Raises:
        InputError: a run was not evaluated.
    """
    splits = {name: evaluated_splits(folder) for name, folder in runs.items()}
    columns = [split for split in ("dev", "test", "train") if any(split in found for found in splits.values())]
    rows = []
    for name, folder in runs.items():
        mains = [read_scores(scores_path(folder, split)).main if split in splits[name] else None for split in columns]
        rows.append([name, *("" if main is None else f"{100 * main.f1:.2f}" for main in mains)])
    return to_markdown(["F1", *columns], rows) + "\n"


def compare_runs(a: Path, b: Path, split: str, resamples: int = 2000, seed: int = 1) -> Comparison:
    """Compare two evaluated runs by the paired bootstrap over samples.

    Raises:
        InputError: a run was not evaluated on the split, or the two differ in samples or gold labels.
    """
    rows_a, rows_b = (read_predictions(predictions_path(folder, split)) for folder in (a, b))
    gold_a, gold_b = (
        [(row.sample_id, row.gold, row.gold_entities, row.gold_relations) for row in rows] for rows in (rows_a, rows_b)
    )
    if gold_a != gold_b:
        raise InputError("the two runs were evaluated on other samples or labels", path=b, place=split)
    return compare_paired(_counts(rows_a), _counts(rows_b), resamples, seed)


def gate_table(scores: Mapping[str, float]) -> str:
    """Return F1 of experts and gates as a Markdown table.

    >>> print(gate_table({"gate fixed": 0.5}))
    | system | F1 |
    |---|---:|
    | gate fixed | 50.00 |
    """
    return to_markdown(["system", "F1"], [[name, f"{100 * value:.2f}"] for name, value in scores.items()])


def _counts(rows: Sequence[Prediction]) -> list[Counts]:
    """Count what is right, predicted and gold of each sample: relations, entities of tags, or records."""
    if rows and rows[0].relation is not None:
        return relation_counts([str(row.gold) for row in rows], [str(row.relation) for row in rows])
    if rows and (rows[0].gold_entities is not None or rows[0].gold_relations is not None):
        return _record_counts(rows)
    return entity_counts([row.gold or () for row in rows], [row.tags or () for row in rows])


def _record_counts(rows: Sequence[Prediction]) -> list[Counts]:
    """Count facts of joint data, else entities by all that the gold ones have: type, fine type, region."""
    gold = [
        answer_from_json({"entities": _values(row.gold_entities), "relations": _values(row.gold_relations)})
        for row in rows
    ]
    found = [answer_from_json({"entities": _values(row.entities), "relations": _values(row.relations)}) for row in rows]
    if rows[0].relations is not None:
        return record_counts([row.relations for row in gold], [row.relations for row in found])
    has_fine = any(entity.fine is not None for row in found for entity in row.entities)
    has_boxes = any(entity.boxes for row in found for entity in row.entities)
    key: RecordKey = "span+type+fine+region" if has_fine and has_boxes else "span+type+region"
    if has_fine and not has_boxes:
        key = "span+type+fine"
    return record_counts([row.entities for row in gold], [row.entities for row in found], key)


def _values(rows: Sequence[Any] | None) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows or ()]


def _about(folder: Path) -> list[str]:
    """Return the lines that say what the run is: a mixture and its gates, or an expert and its windows."""
    if (folder / MIXTURE_FACTS).is_file():
        mixture = read_mixture_facts(folder)
        names = ", ".join(Path(name).name for name in mixture.experts)
        rows = {name: row["f1"] for name, row in mixture.scores.items()}
        title = f"Gates by {mixture.folds}-fold cross-fitting on {mixture.split}:"
        return [f"Mixture of {names}; gate {mixture.gate}.", "", title, "", gate_table(rows)]
    config = read_run_config(folder)
    facts = read_facts(folder)
    lines = [
        f"Expert on {', '.join(config.data.sources) or 'no contexts (baseline)'}; encoder {config.encoder.name}; "
        f"seed {config.training.seed}; best dev F1 {100 * facts.get('best_dev_f1', 0):.2f} "
        f"in epoch {facts.get('best_epoch', 0)}."
    ]
    for split, counts in facts.get("windows", {}).items():
        rate = f"{100 * counts['truncation_rate']:.1f} % of {counts['contexts']} contexts left out"
        lines.append(
            f"Windows of {split}: {counts['mean_pieces']:.1f} pieces, {rate}, {counts.get('cut_contexts', 0)} cut, "
            f"{counts['cut_tokens']} tokens cut."
        )
        for source, ranks in counts.get("ranks", {}).items():
            parts = [f"{rank}: {'/'.join(map(str, row))}" for rank, row in enumerate(ranks, start=1)]
            lines.append(f"Contexts of {source} read whole/cut/left out, by rank: {'; '.join(parts)}.")
    return lines
