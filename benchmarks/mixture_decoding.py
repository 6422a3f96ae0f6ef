"""Decoding of a mixture: each token for itself, the likeliest sound sequence of tokens, or of the mixed chain.

The mixture is the plain average of the experts' posteriors, so that nothing is fitted. An expert alone is a mixture of
one: its chain is its CRF, decoded to sound sequences only.

    python -m benchmarks.mixture_decoding RUN_A RUN_B ... [--split dev]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from trainer.metrics import to_markdown
from trainer.mixture import Member, answer_mixed, answer_states, expert_posteriors, mix
from trainer.model.heads import likeliest_path
from trainer.training import read_split


def decode(members: Sequence[Member]) -> list[list[tuple[str, ...]]]:
    """Decode the average token by token, as a sound sequence of independent tokens, and as the mixed chain."""
    first = members[0]
    lengths = first.posteriors.lengths.tolist()
    weights = torch.full((len(first.posteriors.classes), len(members)), 1 / len(members))
    average = mix(torch.stack([member.posteriors.log_probs for member in members]), weights.log())
    before = average.roll(1, dims=0)  # of a sentence's first token it is of another sentence, which drops out
    independent = before[:, :, None] + average[:, None, :]
    return [
        answer_states(first, average.argmax(-1)),
        answer_states(first, likeliest_path(independent, lengths, first.labels.names)),
        answer_mixed(members, weights),
    ]


def main() -> None:
    """Print F1 of each expert and of their average by each decoding."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="run folders of experts on one data set")
    parser.add_argument("--split", default="dev")
    arguments = parser.parse_args()
    split = arguments.split
    members = [expert_posteriors(run, split, lambda config: read_split(config, split)) for run in arguments.runs]
    samples, task = members[0].data.samples, members[0].labels.task

    def f1(predicted: list[tuple[str, ...]]) -> str:
        return f"{100 * task.score(samples, predicted).f1:.2f}"

    rows = [
        [run.name, f1(answer_states(member)), *map(f1, decode([member]))]
        for run, member in zip(arguments.runs, members, strict=True)
    ]
    rows.append([" + ".join(run.name for run in arguments.runs), "-", *map(f1, decode(members))])
    print(f"F1 in % on {split}, {len(samples)} samples\n")
    heads = ["system", "CRF's Viterbi", "token by token", "sound sequence of tokens", "sound sequence of the chain"]
    print(to_markdown(heads, rows))


if __name__ == "__main__":
    main()
