"""The report of a run, or of several beside each other, as one HTML file with curves, scores, gates and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.display import Html, bar_figure, facts, figure, line_figure, part, section, table, to_page
from schemas.run_files import (
    MIXTURE_FACTS,
    LogRow,
    MixtureFacts,
    RunFacts,
    ScoreRow,
    Scores,
    read_log,
    read_mixture_facts,
    read_run_facts,
    read_scores,
    read_settings,
    scores_path,
)
from trainer.reports.gates import gate_section
from trainer.reports.text import compare_runs, evaluated_splits

__all__ = ["name_runs", "report_to_page"]

_SCORE_HEADER = ["precision", "recall", "F1", "right", "predicted", "gold"]
_MOST_LINES = 6


@dataclass(frozen=True)
class _Run:
    """A run folder read: what an expert has and a mixture has not is empty, and the other way round."""

    name: str
    folder: Path
    scores: dict[str, Scores]
    log: list[LogRow]
    facts: RunFacts
    settings: dict[str, dict[str, Any]]
    mixture: MixtureFacts | None

    @property
    def epochs(self) -> list[LogRow]:
        return [row for row in self.log if row.kind == "epoch"]


def name_runs(folders: list[Path]) -> dict[str, Path]:
    """Name runs by their folders: by as many of the last parts of their paths as tell them apart.

    >>> list(name_runs([Path("/a/seed-1/text"), Path("/a/seed-2/text")]))
    ['seed-1/text', 'seed-2/text']
    """
    paths = list(dict.fromkeys(folder.resolve() for folder in folders))
    most = max(len(path.parts) for path in paths)
    for count in range(1, most + 1):
        names = ["/".join(path.parts[-count:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return dict(zip(names, paths, strict=True))


def report_to_page(runs: Mapping[str, Path]) -> str:
    """Return the report of one run, or of several with a comparison before them.

    Args:
        runs: folders by the name to show.

    Raises:
        InputError: a run was not evaluated.
        IndexCorrupt: a file of a run is damaged.
    """
    read = [_read(name, folder) for name, folder in runs.items()]
    if len(read) == 1:
        kind = "Mixture" if read[0].mixture else "Run"
        return to_page(f"{kind} {read[0].name}", *_parts(read[0]))
    each = [
        part("details", part("summary", run.name), part("div", *_parts(run), class_="stack"), class_="card")
        for run in read
    ]
    return to_page(f"{len(read)} runs", *_comparison(read), section("Each run", *each))


def _read(name: str, folder: Path) -> _Run:
    mixture = read_mixture_facts(folder) if (folder / MIXTURE_FACTS).is_file() else None
    scores = {split: read_scores(scores_path(folder, split)) for split in evaluated_splits(folder)}
    if mixture is not None:
        return _Run(name, folder, scores, [], RunFacts(), {}, mixture)
    log, settings = read_log(folder / "metrics.jsonl"), read_settings(folder / "config.toml")
    return _Run(name, folder, scores, log, read_run_facts(folder / "run.json"), settings, None)


def _parts(run: _Run) -> list[Html]:
    parts = [_summary(run), _curves(run)]
    parts += [_scores(split, scores) for split, scores in run.scores.items()]
    if run.mixture is not None:
        parts.append(gate_section(run.folder, run.mixture, list(run.scores)))
    return [found for found in [*parts, _settings(run)] if found]


def _summary(run: _Run) -> Html:
    known = run.facts
    about: dict[str, object] = {}
    if run.mixture is not None:
        about["Mixture of"] = ", ".join(Path(name).name for name in run.mixture.experts)
        about["Gate"] = f"{run.mixture.gate}, fitted on {run.mixture.split}"
    else:
        data, encoder = run.settings.get("data", {}), run.settings.get("encoder", {})
        about["Data set"] = f"{known.dataset} ({known.task})"
        about["Contexts"] = ", ".join(map(str, data.get("sources", []))) or "none (baseline)"
        about["Encoder"] = encoder.get("name", "")
        about["Best dev F1"] = f"{_percent(known.best_dev_f1)} in epoch {known.best_epoch}" if known.best_epoch else ""
        about["Steps"] = f"{known.steps:,} in {known.epochs} epochs" if known.steps else ""
    for split, scores in run.scores.items():
        about[f"F1 on {split}"] = part("strong", _percent(scores.main.f1 if scores.main else None))
    return part("div", facts(about), class_="card")


def _curves(run: _Run) -> Html:
    rows = run.epochs
    if not rows:
        return Html("")
    drawn = [_line_card("Loss", {run.name: rows}, "loss"), _line_card("F1 on dev", {run.name: rows}, "dev_f1")]
    speeds = {row.epoch: row for row in run.log if row.kind == "speed"}
    lines = []
    for row in rows:
        speed = speeds.get(row.epoch)
        time = [f"{speed.seconds or 0:,.0f}", f"{speed.pieces_per_second or 0:,.0f}"] if speed else ["", ""]
        name = f"{row.epoch} (best)" if row.is_best and row.epoch == run.facts.best_epoch else row.epoch
        loss = "" if row.loss is None else f"{row.loss:.4f}"
        lines.append([name, f"{row.step:,}", loss, _percent(row.dev_f1), *time])
    shown = table("Epochs", ["epoch", "step", "loss", "dev F1 (%)", "seconds", "pieces a second"], lines)
    windows = [
        [split, f"{w.windows:,}", f"{w.mean_pieces:.1f}", f"{w.contexts:,}", _percent(w.truncation_rate), w.cut_tokens]
        for split, w in run.facts.windows.items()
    ]
    header = ["split", "windows", "pieces each", "contexts", "left out (%)", "tokens cut"]
    cards = [part("div", found, class_="card") for found in (shown, table("Windows", header, windows)) if found]
    return section("Training", part("div", *filter(None, drawn), class_="grid"), *cards)


def _line_card(title: str, runs: Mapping[str, list[LogRow]], what: str) -> Html:
    """Draw a curve for each run with two epochs or more; of a single point there is nothing to draw."""
    scale, label = (100, "F1 (%)") if what == "dev_f1" else (1, what)
    lines = {
        name: [(row.epoch, scale * value) for row in rows if (value := getattr(row, what)) is not None]
        for name, rows in runs.items()
    }
    lines = {name: points for name, points in list(lines.items())[:_MOST_LINES] if len(points) > 1}
    return figure(title, line_figure(title, lines, x_label="epoch", y_label=label)) if lines else Html("")


def _scores(split: str, scores: Scores) -> Html:
    main = scores.main
    if main is None:
        return Html("")
    drawn = Html("")
    if main.by_class:
        title = f"F1 by class on {split}"
        values = {name: 100 * row.f1 for name, row in _by_size(main.by_class)}
        drawn = figure(title, bar_figure(title, {"": values}, x_label="F1 (%)", digits=1))
    classes = [["all", *_cells(main)], *([name, *_cells(row)] for name, row in _by_size(main.by_class))]
    others = [[name, *_cells(row)] for name, row in scores.rows.items() if row is not main]
    cards = [
        table(f"By class on {split} (%, and counts)", ["class", *_SCORE_HEADER], classes),
        table(f"Slices of {split}, and other counting", ["slice", *_SCORE_HEADER], others),
    ]
    inner = [part("div", card, class_="card") for card in cards if card]
    return section(f"Scores on {split}", drawn, *inner)


def _settings(run: _Run) -> Html:
    cards = [
        part("div", part("h3", name), facts({key: _told(value) for key, value in values.items()}), class_="card stack")
        for name, values in run.settings.items()
    ]
    if run.mixture is not None:
        digests = {Path(n).name: d[:16] for n, d in zip(run.mixture.experts, run.mixture.digests, strict=False)}
        about = {"Folds": run.mixture.folds, "Image vectors": Path(run.mixture.image_vectors).name, **digests}
        cards.append(part("div", part("h3", "Experts, and how their weights begin"), facts(about), class_="card stack"))
    if run.facts.versions:
        versions = facts(dict(sorted(run.facts.versions.items())))
        cards.append(part("div", part("h3", "versions"), versions, class_="card stack"))
    return section("Settings and versions", part("div", *cards, class_="grid"))


def _comparison(runs: list[_Run]) -> list[Html]:
    splits = [split for split in ("test", "dev", "train") if any(split in run.scores for run in runs)]
    parts = [_overview(runs, splits)]
    curves = {run.name: run.epochs for run in runs if run.epochs}
    drawn = [_line_card("F1 on dev", curves, "dev_f1"), _line_card("Loss", curves, "loss")]
    for split in splits:
        mains = {run.name: run.scores[split].main for run in runs[:_MOST_LINES] if split in run.scores}
        bars = {
            name: {kind: 100 * row.f1 for kind, row in _by_size(main.by_class)}
            for name, main in mains.items()
            if main is not None and main.by_class
        }
        if len(bars) > 1:
            title = f"F1 by class on {split}"
            drawn.append(figure(title, bar_figure(title, bars, x_label="F1 (%)", digits=1)))
    told = Html("")
    if len(runs) > _MOST_LINES:
        told = part("p", f"Figures show the first {_MOST_LINES} runs.", class_="muted")
    return [*parts, section("Beside each other", told, part("div", *filter(None, drawn), class_="grid"))]


def _overview(runs: list[_Run], splits: list[str]) -> Html:
    first, rows = runs[0], []
    for run in runs:
        mains = {split: scores.main for split, scores in run.scores.items()}
        rows.append([run.name, *(_percent(main.f1 if (main := mains.get(split)) else None) for split in splits)])
    shown = table("F1 (%)", ["run", *splits], rows)
    differences = [row for run in runs[1:] for row in _difference(first, run)]
    header = ["run", "on", "difference", "from", "to", "p"]
    compared = table(
        f"F1 beyond that of {first.name}: paired bootstrap, 95 % of 2,000 resamples", header, differences, words=2
    )
    return part("div", *(part("div", card, class_="card") for card in (shown, compared) if card), class_="stack")


def _difference(first: _Run, run: _Run) -> list[list[object]]:
    """Compare on the first split that both were evaluated on with the same samples; nothing where there is none."""
    from schemas.errors import InputError

    for split in ("test", "dev"):
        if split in first.scores and split in run.scores:
            try:
                found = compare_runs(run.folder, first.folder, split)
            except InputError:
                continue
            values = [f"{100 * value:+.2f}" for value in (found.difference, found.low, found.high)]
            return [[run.name, split, *values, f"{found.p_value:.4f}"]]
    return []


def _by_size(classes: Mapping[str, ScoreRow]) -> list[tuple[str, ScoreRow]]:
    return sorted(classes.items(), key=lambda item: -item[1].gold)


def _cells(row: ScoreRow) -> list[object]:
    shares = [_percent(value) for value in (row.precision, row.recall, row.f1)]
    return [*shares, *(f"{count:,}" for count in (row.right, row.predicted, row.gold))]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"


def _told(value: object) -> str:
    """Write a setting for people: of a path its last name.

    >>> _told(["a/b", "c"]), _told(True), _told(8e-05), _told([])
    ('b, c', 'yes', '8e-05', 'none')
    """
    if isinstance(value, list):
        return ", ".join(_told(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return Path(value).name if isinstance(value, str) and value else str(value)
