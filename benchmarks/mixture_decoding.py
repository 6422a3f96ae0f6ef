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

from schemas.records import Sample
from trainer.inputs import LabelSet
from trainer.metrics import to_markdown
from trainer.mixture import Posteriors, expert_posteriors, label_mixed, label_states, mix
from trainer.model.heads import likeliest_path
from trainer.training import read_split, score_labels


def decode(
    labels: LabelSet, posteriors: Sequence[Posteriors], samples: Sequence[Sample]
) -> list[list[tuple[str, ...]]]:
    """Decode the average token by token, as a sound sequence of independent tokens, and as the mixed chain."""
    lengths = posteriors[0].lengths.tolist()
    weights = torch.full((len(posteriors[0].classes), len(posteriors)), 1 / len(posteriors))
    average = mix(torch.stack([part.log_probs for part in posteriors]), weights.log())
    before = average.roll(1, dims=0)  # of a sentence's first token it is of another sentence, which drops out
    independent = before[:, :, None] + average[:, None, :]
    return [
        label_states(labels, average.argmax(-1), lengths, samples),
        label_states(labels, likeliest_path(independent, lengths, labels.names), lengths, samples),
        label_mixed(labels, posteriors, weights, samples),
    ]


def main() -> None:
    """Print F1 of each expert and of their average by each decoding."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="run folders of experts on one data set")
    parser.add_argument("--split", default="dev")
    arguments = parser.parse_args()
    read = [expert_posteriors(run, arguments.split, lambda c: read_split(c, arguments.split)) for run in arguments.runs]
    posteriors, samples, labels = [row[1] for row in read], read[0][0].samples, read[0][2]

    def f1(predicted: list[tuple[str, ...]]) -> str:
        return f"{100 * score_labels(labels, samples, predicted).f1:.2f}"

    rows = [
        [
            run.name,
            f1(label_states(labels, part.classes, part.lengths.tolist(), samples)),
            *map(f1, decode(labels, [part], samples)),
        ]
        for run, part in zip(arguments.runs, posteriors, strict=True)
    ]
    rows.append([" + ".join(run.name for run in arguments.runs), "-", *map(f1, decode(labels, posteriors, samples))])
    print(f"F1 in % on {arguments.split}, {len(samples)} samples\n")
    heads = ["system", "CRF's Viterbi", "token by token", "sound sequence of tokens", "sound sequence of the chain"]
    print(to_markdown(heads, rows))


if __name__ == "__main__":
    main()
