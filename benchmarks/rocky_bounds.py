"""What the data of rocky allow: words, photo and both by linear probes; how far trust in the photo can go; who notices.

Trained are logistic regressions on the vectors of the feature store, and one linear map from photos to sentences. The
words are the posteriors of the finished baseline runs of `benchmarks.rocky`, and so are the spans. Strengths of the
penalties are chosen on dev, and probes are brought to log odds of the right height there.

    python -m benchmarks.rocky_bounds --work FOLDER [--seeds 1,2,3]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from benchmarks.rocky import SHARED
from benchmarks.rocky_data import make_data
from benchmarks.rocky_probes import Mention, Posts, embed_sentences, fit_logistic, fit_ridge, rank_pairs, read_posts
from schemas.entities import find_entities
from trainer.metrics import to_markdown
from trainer.mixture import expert_posteriors
from trainer.training import read_split

ENCODER = "offline:minilm"
DECAYS = (10.0, 100.0, 1e3, 1e4)
MAP_DECAYS = (1e3, 1e4, 3e4, 1e5)
TRUSTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5)
"""Exponents of what the photo says."""
BELIEFS = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
"""Log odds that a photo belongs to its text, before one looks."""
SHUFFLES = 5
Odds = dict[str, Tensor]
"""Log odds by split."""
Words = list[dict[Mention, float]]
"""Of each seed: the log odds of PER against MISC of each span that it finds."""


@dataclass(frozen=True)
class Photo:
    """What the photos say, in log odds for PER, each by split.

    Args:
        whole: probe of the whole photo, of each post [N].
        candidates: the candidate that looks most like somebody: person against animal, of each post [N].
        both: of the two [N].
        names: probe of the words that fit the photo, all that PromptMNER reads [N].
        gold: a probe of the region that overlaps the gold box most, of each mention [M].
    """

    whole: Odds
    candidates: Odds
    both: Odds
    names: Odds
    gold: Odds


def main() -> None:
    """Print the bounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="the folder of benchmarks.rocky")
    parser.add_argument("--rocky", type=Path, default=SHARED)
    parser.add_argument("--seeds", default="1,2,3", help="of the finished runs of words alone")
    arguments = parser.parse_args()
    posts = read_posts(make_data(arguments.work, arguments.rocky), arguments.rocky)
    runs = [arguments.work / f"seed-{seed}" / "baseline" for seed in arguments.seeds.split(",")]
    words = {split: [read_words(run, split) for run in runs] for split in ("dev", "test")}
    words = scale_words(words, posts["dev"])
    photo = probe_photos(posts)
    fits = match_photos(posts)
    print(f"    python -m benchmarks.rocky_bounds --work FOLDER --seeds {arguments.seeds}\n")
    print("F1 of PER and MISC in %, mean over the seeds of words alone.\n")
    print_parts(posts, words, photo)
    print_frontier(posts, words, photo, fits)


def read_words(run: Path, split: str) -> dict[Mention, float]:
    """Return the spans of PER or MISC that a run finds, with its log odds of PER at their first token."""
    member = expert_posteriors(run, split, lambda config: read_split(config, split))
    names, posterior = member.labels.names, member.posteriors
    person, animal = names.index("B-PER"), names.index("B-MISC")
    found, start = {}, 0
    for number, length in enumerate(posterior.lengths.tolist()):
        tags = [names[one] for one in posterior.classes[start : start + length].tolist()]
        for entity in find_entities(tags):
            if entity.type in ("PER", "MISC"):
                row = posterior.log_probs[start + entity.start]
                found[(number, entity.start, entity.end)] = float(row[person] - row[animal])
        start += length
    return found


def scale_words(words: dict[str, Words], dev: Posts) -> dict[str, Words]:
    """Return the log odds of words, brought to the right height on dev."""
    rows = [
        (odds, float(dev.types[key] == "PER")) for run in words["dev"] for key, odds in run.items() if key in dev.types
    ]
    inputs, targets = torch.tensor(rows).unbind(1)
    factor = float(fit_logistic(inputs[:, None], targets, 0.01).weight)
    return {split: [{key: factor * odds for key, odds in run.items()} for run in runs] for split, runs in words.items()}


def probe_photos(posts: dict[str, Posts]) -> Photo:
    """Fit the probes on the training set."""
    train, dev = posts["train"], posts["dev"]
    whole = _fit_best(
        train.vectors[train.of_post, 0], train.is_person, {s: p.vectors[:, 0] for s, p in posts.items()}, dev
    )
    names = _probe_names(posts)
    best = {split: part.best_columns for split, part in posts.items()}
    crops = {split: part.vectors[part.of_post, best[split]] for split, part in posts.items()}
    overlap = torch.stack(list(train.overlaps.values())).amax(1) >= 0.5
    gold = _fit_best(crops["train"][overlap], train.is_person[overlap], crops, dev, of_mentions=True)
    sides = _side_odds(posts)
    difference = {split: (rows[:, 0] - rows[:, 1]) for split, rows in sides.items()}
    joint = {split: torch.cat([whole[split][:, None], rows], 1) for split, rows in sides.items()}
    return Photo(whole, _settle(difference, dev), _settle(joint, dev), names, _settle(gold, dev, of_mentions=True))


def _probe_names(posts: dict[str, Posts]) -> Odds:
    """Return the log odds of each post [N] by the words of the bank that fit its photo."""
    train, dev = posts["train"], posts["dev"]
    mean, deviation = train.names.mean(0), train.names.std(0) + 1e-6
    rows = {split: (part.names - mean) / deviation for split, part in posts.items()}
    return _settle(_fit_best(rows["train"][train.of_post], train.is_person, rows, dev), dev)


def _side_odds(posts: dict[str, Posts]) -> Odds:
    """Return how much the likeliest person, and the likeliest animal, among the candidates look like one [N, 2]."""
    train = posts["train"]
    kinds: dict[tuple[str, int], int] = {}
    rows: dict[tuple[str, int], Tensor] = {}
    for (number, _, _), kind, overlaps in zip(train.types, train.types.values(), train.overlaps.values(), strict=True):
        for column in range(1, len(overlaps)):
            if train.present[number, column]:
                key = (train.images[number], column)
                rows[key] = train.vectors[number, column]
                kinds[key] = kinds.get(key, 0) or (("PER", "MISC").index(kind) + 1) * int(overlaps[column] >= 0.5)
    inputs, sides = torch.stack(list(rows.values())), torch.tensor(list(kinds.values()))
    found = {split: torch.zeros(len(part.images), 2) for split, part in posts.items()}
    for side in (0, 1):
        model = fit_logistic(inputs, (sides == side + 1).float(), 1e3)
        for split, part in posts.items():
            odds = model(part.vectors[:, 1:])[..., 0].masked_fill(~part.present[:, 1:], -torch.inf)
            found[split][:, side] = odds.amax(1)
    return found


def _fit_best(inputs: Tensor, targets: Tensor, rows: Odds, dev: Posts, of_mentions: bool = False) -> Odds:
    """Return the log odds of rows, by the probe with the penalty that is best on dev."""
    best, right = {}, -1.0
    for decay in DECAYS:
        model = fit_logistic(inputs, targets, decay)
        odds = {split: model(part)[:, 0] for split, part in rows.items()}
        of_dev = odds["dev"] if of_mentions else odds["dev"][dev.of_post]
        share = float(((of_dev > 0) == (dev.is_person > 0)).float().mean())
        if share > right:
            best, right = odds, share
    return best


def _settle(odds: Odds, dev: Posts, of_mentions: bool = False) -> Odds:
    """Return log odds [N] of evidence [N] or [N, E], joined and brought to the right height on dev."""
    columns = {split: part if part.ndim > 1 else part[:, None] for split, part in odds.items()}
    model = fit_logistic(columns["dev"] if of_mentions else columns["dev"][dev.of_post], dev.is_person, 1.0)
    return {split: model(part)[:, 0] for split, part in columns.items()}


def match_photos(posts: dict[str, Posts]) -> Odds:
    """Return how well each photo (column) fits each text (row), by split, in log odds at even chances [N, N]."""
    sentences = {split: embed_sentences(part.sentences, ENCODER) for split, part in posts.items()}
    mean = sentences["train"].mean(0)
    photos = {}
    for split, part in posts.items():
        regions = part.vectors[:, 1:].sum(1) / part.present[:, 1:].sum(1, keepdim=True).clamp(min=1)
        photos[split] = torch.cat([part.vectors[:, 0], regions], 1)
    best, rank = {}, 0.0
    for decay in MAP_DECAYS:
        weights = fit_ridge(photos["train"], sentences["train"] - mean, decay)
        cosines = {split: _cosines(sentences[split] - mean, photos[split] @ weights) for split in ("dev", "test")}
        found = rank_pairs(*_pairs(cosines["dev"], posts["dev"]))
        if found > rank:
            best, rank = cosines, found
    for split, rows in best.items():
        share = 100 * rank_pairs(*_pairs(rows, posts[split]))
        print(f"A post's own photo fits its text better than another one, on {split}: {share:.1f} % of pairs (AUC)\n")
    own, others = _pairs(best["dev"], posts["dev"])
    inputs = torch.cat([own.repeat(len(others) // len(own)), others])[:, None]
    targets = torch.cat([torch.ones(len(inputs) - len(others)), torch.zeros(len(others))])
    model = fit_logistic(inputs, targets, 0.01)
    return {split: model(rows[..., None])[..., 0] for split, rows in best.items()}


def _cosines(texts: Tensor, photos: Tensor) -> Tensor:
    return torch.nn.functional.cosine_similarity(texts[:, None], photos[None], dim=-1)


def _pairs(scores: Tensor, posts: Posts) -> tuple[Tensor, Tensor]:
    """Return the scores of each text and its photo, and of each text and the photos of other posts."""
    numbers = {image: number for number, image in enumerate(posts.images)}
    of_post = torch.tensor([numbers[image] for image in posts.images])
    return scores.diagonal(), scores[of_post[:, None] != of_post[None]]


def score(posts: Posts, words: Words, odds: Sequence[dict[Mention, float]]) -> float:
    """Return F1 of PER and MISC in %, the mean over seeds, where a span of positive log odds is PER."""
    found = []
    for run, of_run in zip(words, odds, strict=True):
        right = sum(posts.types.get(span) == ("PER" if of_run[span] > 0 else "MISC") for span in run)
        found.append(200 * right / (len(run) + len(posts.types)))
    return fmean(found)


def join(words: Words, photo: Tensor, trust: float = 1.0, with_words: bool = True) -> list[dict[Mention, float]]:
    """Return the log odds of each span: those of words, and of the post's photo [N] times a trust."""
    return [{span: with_words * odds + trust * float(photo[span[0]]) for span, odds in run.items()} for run in words]


def print_parts(posts: dict[str, Posts], words: dict[str, Words], photo: Photo) -> None:
    """Print what each part can tell, alone and with words."""
    table = []
    views = {
        "names of what it shows (PromptMNER)": photo.names,
        "whole photo": photo.whole,
        "candidates": photo.candidates,
        "both": photo.both,
    }
    for name, odds in (("words", None), *views.items()):
        cells = []
        for split, runs in words.items():
            nothing = torch.zeros(len(posts[split].images))
            alone = join(runs, nothing) if odds is None else join(runs, odds[split], with_words=False)
            cells += [score(posts[split], runs, alone)]
            cells += [score(posts[split], runs, join(runs, nothing if odds is None else odds[split]))]
        table.append([name, *(f"{cell:.1f}" for cell in cells)])
    cells = []
    for split, runs in words.items():
        gold = dict(zip(posts[split].types, photo.gold[split].tolist(), strict=True))
        for share in (False, True):
            odds_ = [{span: share * odds + gold.get(span, 0.0) for span, odds in run.items()} for run in runs]
            cells.append(score(posts[split], runs, odds_))
    table.append(["region of the gold box (oracle)", *(f"{cell:.1f}" for cell in cells)])
    print(to_markdown(["what", "dev, alone", "dev, with words", "test, alone", "test, with words"], table))


def print_frontier(posts: dict[str, Posts], words: dict[str, Words], photo: Photo, fits: Odds) -> None:
    """Print what a reader reaches with true and with exchanged photos, by its trust; blind, and if it notices."""
    torch.manual_seed(1)
    table: list[list[str]] = []
    orders = {s: [torch.randperm(len(posts[s].images)) for _ in range(SHUFFLES)] for s in words}
    own = {split: torch.arange(len(posts[split].images)) for split in words}
    for trust in TRUSTS:
        cells = []
        for split, runs in words.items():
            said = [join(runs, photo.both[split][order], trust) for order in (own[split], *orders[split])]
            scores = [score(posts[split], runs, odds) for odds in said]
            cells += [scores[0], fmean(scores[1:])]
        table.append([f"blind, trust {trust:g}", *(f"{cell:.1f}" for cell in cells)])
    for belief in BELIEFS:
        cells = []
        for split, runs in words.items():
            scores = []
            for order in (own[split], *orders[split]):
                share = torch.sigmoid(fits[split][own[split], order] + belief)
                person = share * torch.sigmoid(photo.both[split][order]) + (1 - share) * 0.5
                scores.append(score(posts[split], runs, join(runs, person.logit())))
            cells += [scores[0], fmean(scores[1:])]
        table.append([f"notices, belief {belief:g}", *(f"{cell:.1f}" for cell in cells)])
    print(f"\nWords and photo (both probes) together; shuffled photos: mean of {SHUFFLES} orders\n")
    print(to_markdown(["reader", "dev, true", "dev, shuffled", "test, true", "test, shuffled"], table))


if __name__ == "__main__":
    main()
