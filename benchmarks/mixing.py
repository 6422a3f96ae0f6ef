"""Ways to mix two taggers, on their kept posteriors: calibration, voting by spans, minimum risk, stacking.

    python -m benchmarks.mixing --runs WORK/seed-1,WORK/seed-2 --experts baseline,pgim

Nothing of test is fitted: temperatures, thresholds and the stacked classifier come from dev, and the dev column is
cross-fitted (5 folds). Candidates of voting and stacking are the spans that some expert gives 0.02 or more. A stack of
one expert shows how much of a stack's gain is no mixture's: it judges that expert's spans anew.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.candidate_spans import Span, Split, entities_of, read
from benchmarks.cells import percent
from schemas.entities import find_entities
from schemas.run_files import read_mixture_facts
from trainer.commands import evaluate_run, main_f1
from trainer.metrics import to_markdown
from trainer.mixture import Member, answer_mixed, fit_mixture, spans_f1, take_spans

FOLDS, SAMPLED = 5, 24


def main() -> None:
    """Print F1 of each way, with how far it stands above the better expert and on the way to the oracle."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", required=True, help="folders with a run of each expert, one per seed, by commas")
    parser.add_argument("--experts", default="baseline,pgim", help="names of two runs in each folder")
    arguments = parser.parse_args()
    folders, names = [Path(part) for part in arguments.runs.split(",")], arguments.experts.split(",")
    columns = [table_of(folder, names) for folder in folders]
    best = [max(column[f"expert {name}"][1] for name in names) for column in columns]
    oracle = [column["oracle by sample"][1] for column in columns]
    lines = []
    for way in columns[0]:
        dev, test = ([column[way][side] for column in columns] for side in (0, 1))
        gains = [value - bound for value, bound in zip(test, best, strict=True)]
        share = sum(gains) / max(1e-9, sum(o - b for o, b in zip(oracle, best, strict=True)))
        lines.append(
            [way, percent(dev), percent(test), f"{100 * sum(gains) / len(gains):+.2f}", f"{100 * share:.0f} %"]
        )
    print(f"{' + '.join(names)}, {len(folders)} seeds, entity F1 in %, mean ± deviation\n")
    print(to_markdown(["way", "dev, held out", "test", "above the better expert", "of the way to the oracle"], lines))


def table_of(folder: Path, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """Return F1 on dev and on test of each way, for the runs of a seed."""
    dev, test = (read(folder, names, split) for split in ("dev", "test"))
    rows = {}
    for number, name in enumerate(names):
        rows[f"expert {name}"] = (spans_f1(dev.gold, dev.decoded[number]), spans_f1(test.gold, test.decoded[number]))
    rows["oracle by sample"] = (spans_f1(dev.gold, oracle(dev)), spans_f1(test.gold, oracle(test)))
    even = [1 / len(names)] * len(names)
    rows["plain average"] = (spans_f1(dev.gold, mixed(dev, even)), spans_f1(test.gold, mixed(test, even)))
    for way, fit in (("calibrated average", fit_temperatures), ("voting by spans", fit_votes)):
        rows[way] = (
            spans_f1(dev.gold, cross_fitted(dev, fit)),
            spans_f1(test.gold, fit(dev, list(range(len(dev.gold))))(test)),
        )
    level = rows["plain average"][0]
    rows["minimum risk"] = (spans_f1(dev.gold, least_risk(dev, level)), spans_f1(test.gold, least_risk(test, level)))
    rows["stack of both"] = stacked(folder, names)
    for name in names:
        rows[f"stack of {name} alone"] = stacked(folder, [name])
    return rows


def stacked(folder: Path, names: Sequence[str]) -> tuple[float, float]:
    """Return F1 on dev, held out, and on test of a stack of runs, as `mie-train moe --gate stack` fits it."""
    out = folder / f"stack-{'-'.join(names)}"
    if not (out / "mixture.json").exists():
        fit_mixture([folder / name for name in names], out, gate="stack")
    return read_mixture_facts(out).scores["gate stack"]["f1"], main_f1(evaluate_run(out, "test"))


def oracle(part: Split) -> list[set[Span]]:
    """Take each sample's answer from the expert with the fewest errors there."""
    return [min(answers, key=lambda a: len(a ^ gold)) for gold, *answers in zip(part.gold, *part.decoded, strict=True)]


def mixed(part: Split, weights: Sequence[float], temperatures: Sequence[float] = ()) -> list[set[Span]]:
    """Decode the chain of the mixed posteriors, each expert's divided by its temperature."""
    members = []
    for member, temperature in zip(part.members, temperatures or [1.0] * len(part.members), strict=True):
        own = member.posteriors
        assert own.log_pairs is not None
        pairs = (own.log_pairs.flatten(1) / temperature).log_softmax(1).view_as(own.log_pairs)
        log_probs = (own.log_probs / temperature).log_softmax(1)
        members.append(
            member._replace(posteriors=type(own)(**{**vars(own), "log_pairs": pairs, "log_probs": log_probs}))
        )
    rows = torch.tensor(weights).expand(len(members[0].posteriors.classes), -1)
    return entities_of(answer_mixed(members, rows))


def cross_fitted(part: Split, fit: Callable[[Split, list[int]], Callable[[Split], list[set[Span]]]]) -> list[set[Span]]:
    """Predict each sample with what was fitted to the other folds."""
    found: list[set[Span]] = [set() for _ in part.gold]
    for fold in range(FOLDS):
        rest = [number for number in range(len(part.gold)) if number % FOLDS != fold]
        predicted = fit(part, rest)(part)
        for number in range(fold, len(part.gold), FOLDS):
            found[number] = predicted[number]
    return found


def fit_temperatures(part: Split, chosen: list[int]) -> Callable[[Split], list[set[Span]]]:
    """Choose each expert's temperature by the likelihood of the gold tags."""
    mask = torch.isin(part.members[0].posteriors.sample_numbers(), torch.tensor(chosen))
    found = []
    for member in part.members:
        gold = [member.labels.names.index(tag) for sample in member.data.samples for tag in sample.tags or ()]
        own, right = member.posteriors.log_probs[mask], torch.tensor(gold)[mask]
        losses = {
            t / 10: float(torch.nn.functional.nll_loss((own / (t / 10)).log_softmax(1), right)) for t in range(5, 31)
        }
        found.append(min(losses, key=losses.__getitem__))
    return lambda other: mixed(other, [1 / len(found)] * len(found), found)


def fit_votes(part: Split, chosen: list[int]) -> Callable[[Split], list[set[Span]]]:
    """Choose the threshold on the mean probability of a span."""

    def vote(other: Split, threshold: float) -> list[set[Span]]:
        scores = [{span: sum(row) / len(row) for span, row in found.items()} for found in other.chances]
        return [take_spans(found, threshold) for found in scores]

    best = _best_threshold(part, chosen, lambda threshold: vote(part, threshold))
    return lambda other: vote(other, best)


def _best_threshold(part: Split, chosen: Sequence[int], decode: Callable[[float], list[set[Span]]]) -> float:
    def score(threshold: float) -> float:
        predicted = decode(threshold)
        return spans_f1([part.gold[i] for i in chosen], [predicted[i] for i in chosen])

    return max((step / 20 for step in range(4, 15)), key=score)


def least_risk(part: Split, level: float) -> list[set[Span]]:
    """Take the answer with the best expected share in F1 against samples of both chains, of these and those decoded.

    Args:
        part: the split.
        level: the F1 that is expected, F. A micro F1 above F needs more of 2 right - F (predicted + gold) than 0.
    """
    torch.manual_seed(1)  # here: what was fitted before, or found fitted, does not change what is drawn
    drawn = [[_draw(steps) for steps in _steps(member)] for member in part.members]
    found = []
    for number in range(len(part.gold)):
        paths = [path for member in drawn for path in member[number]]
        tags = [[part.members[0].labels.names[tag] for tag in path] for path in paths]
        answers = [frozenset((row.start, row.end, row.type) for row in find_entities(names)) for names in tags]
        candidates: set[frozenset[Span]] = {*answers, *(frozenset(own[number]) for own in part.decoded)}
        worth = {
            answer: sum(2 * len(answer & other) for other in answers) / len(answers) - level * len(answer)
            for answer in candidates
        }
        found.append(set(max(worth.items(), key=lambda pair: (pair[1], sorted(pair[0])))[0]))
    return found


def _steps(member: Member) -> Sequence[Tensor]:
    pairs = member.posteriors.log_pairs
    assert pairs is not None
    return torch.split((pairs - pairs.logsumexp(-1, keepdim=True)).exp(), member.posteriors.lengths.tolist())


def _draw(steps: Tensor) -> list[list[int]]:
    """Draw SAMPLED paths of a chain of p(tag | tag before) [T, K, K]."""
    tags = torch.multinomial(steps[0, 0], SAMPLED, replacement=True)
    paths = [tags]
    for step in steps[1:]:
        tags = torch.multinomial(step[tags], 1)[:, 0]
        paths.append(tags)
    return torch.stack(paths, dim=1).tolist()


if __name__ == "__main__":
    main()
