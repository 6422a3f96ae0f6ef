"""A photo that does not fit is left out: answers of a system that reads it, mixed with those of words alone by the fit.

p = m p(system) + (1 - m) p(words), where m says how likely the photo belongs to the text: from the cosine of the
sentence, as the encoder gives it before any training, and of what a linear map of the photo expects
(`benchmarks.rocky_bounds`). Nothing is trained again. The belief before one looks is the same for all systems: the one
with the best F1 on dev, the mean of true and shuffled photos and of all systems.

    python -m benchmarks.rocky_doubt --work FOLDER [--systems hvpnet,maf] [--seeds 1,2,3]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from benchmarks.cells import percent
from benchmarks.rocky import SHARED
from benchmarks.rocky_bounds import BELIEFS, match_photos
from benchmarks.rocky_data import RockyData, make_data
from benchmarks.rocky_probes import read_posts
from benchmarks.rocky_scores import OF_PHOTO, change_pictures, scores_by_type
from benchmarks.rocky_systems import VISUAL, configure
from trainer.metrics import score_entities, to_markdown
from trainer.mixture import Member, expert_posteriors
from trainer.training import read_split

SPLITS, PICTURES = ("dev", "test"), ("true", "shuffled")


Scores = dict[tuple[float | None, str, str], float]
"""F1 of PER and MISC in [0, 1], by belief (None: the system's own answers), split and pictures."""


@dataclass(frozen=True)
class Found:
    """What a run reaches."""

    name: str
    seed: int
    scores: Scores


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="the folder of benchmarks.rocky")
    parser.add_argument("--rocky", type=Path, default=SHARED)
    parser.add_argument("--systems", default=",".join(VISUAL))
    parser.add_argument("--seeds", default="1,2,3")
    arguments = parser.parse_args()
    data = make_data(arguments.work, arguments.rocky)
    options = f"--systems {arguments.systems} --seeds {arguments.seeds}"
    print(f"    python -m benchmarks.rocky_doubt --work FOLDER {options}\n")
    fits = match_photos(read_posts(data, arguments.rocky))
    found, words = [], []
    for seed in (int(seed) for seed in arguments.seeds.split(",")):
        runs = arguments.work / f"seed-{seed}"
        alone = {split: read_member(runs / "baseline", split, "true", seed) for split in SPLITS}
        of_words: Scores = {(None, split, "true"): score(one.posteriors.log_probs, one) for split, one in alone.items()}
        words.append(Found("words", seed, of_words))
        finished = [name for name in arguments.systems.split(",") if (runs / name / "report.json").exists()]
        found += [doubt(name, runs / name, seed, alone, fits, data) for name in finished]
    if found:
        print_table(found, words)


def read_member(run: Path, split: str, pictures: str, seed: int) -> Member:
    """Return the posteriors of a run; those with the true photos are kept in its folder."""
    return expert_posteriors(
        run, split, lambda config: change_pictures(read_split(config, split), pictures, seed), cache=pictures == "true"
    )


def doubt(name: str, run: Path, seed: int, alone: dict[str, Member], fits: dict[str, Tensor], data: RockyData) -> Found:
    """Return the scores of a run, mixed with words alone by each belief."""
    scores: Scores = {}
    for split in SPLITS:
        for pictures in PICTURES:
            member = read_member(run, split, pictures, seed)
            fit = fits[split].gather(1, photo_of_posts(data, split, pictures, seed)[:, None])[:, 0]
            scores[None, split, pictures] = score(member.posteriors.log_probs, member)
            for belief in BELIEFS:
                share = torch.sigmoid(fit + belief).repeat_interleave(member.posteriors.lengths)[:, None]
                seen, read = member.posteriors.log_probs.exp(), alone[split].posteriors.log_probs.exp()
                scores[belief, split, pictures] = score(share * seen + (1 - share) * read, member)
    return Found(name, seed, scores)


def photo_of_posts(data: RockyData, split: str, pictures: str, seed: int) -> Tensor:
    """Return for each post a post whose own photo is the one that it is given [N]."""
    features = read_split(configure("hvpnet", data, []), split).features
    assert features is not None
    own = features.rows[:, 0]
    given = own if pictures == "true" else features.of_others(seed).rows[:, 0]
    return (given[:, None] == own[None, :]).int().argmax(1)


def score(probabilities: Tensor, member: Member) -> float:
    """Return F1 of PER and MISC of the likeliest tag of each token, of [M, K] in any monotone scale."""
    names, tags, start = member.labels.names, [], 0
    classes = probabilities.argmax(1).tolist()
    for length in member.posteriors.lengths.tolist():
        tags.append([names[one] for one in classes[start : start + length]])
        start += length
    gold = [sample.tags or () for sample in member.data.samples]
    return scores_by_type(score_entities(gold, tags))[OF_PHOTO]


def choose_belief(found: Iterable[Found]) -> float:
    """Return the belief with the best mean F1 on dev."""
    rows = list(found)
    return max(BELIEFS, key=lambda one: fmean(row.scores[one, "dev", kind] for row in rows for kind in PICTURES))


def print_table(found: list[Found], words: list[Found]) -> None:
    """Print F1 of each system, as it is and with doubt."""
    belief = choose_belief(found)
    keys = [(one, split, kind) for split in SPLITS for one in (None, belief) for kind in PICTURES]
    table = [["words", _seeds(words), *(_cell(words, (None, split, "true")) for _, split, _ in keys)]]
    for name in dict.fromkeys(row.name for row in found):
        rows = [row for row in found if row.name == name]
        table.append([name, _seeds(rows), *(_cell(rows, key) for key in keys)])
    heads = [f"{split}, {kind}{'' if one is None else ', doubt'}" for one, split, kind in keys]
    print(f"F1 of {OF_PHOTO} in %, likeliest tag of each token; belief {belief:+g} in log odds, chosen on dev\n")
    print(to_markdown(["system", "seeds", *heads], table))


def _seeds(rows: list[Found]) -> str:
    return ", ".join(str(row.seed) for row in rows)


def _cell(rows: list[Found], key: tuple[float | None, str, str]) -> str:
    return percent((row.scores[key] for row in rows), digits=1)


if __name__ == "__main__":
    main()
