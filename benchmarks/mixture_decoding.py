"""Decoding of a mixture: each token for itself, or the likeliest sound sequence, beside each expert's own Viterbi.

The mixture is the plain average of the experts' posteriors, so that nothing is fitted.

    python -m benchmarks.mixture_decoding RUN_A RUN_B ... [--split dev]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from trainer.loop import score_labels
from trainer.runs import read_split
from trainer.score_tables import to_markdown
from trainer.systems import expert_posteriors, label_mixed, label_states


def main() -> None:
    """Print F1 of each expert and of their average by each decoding."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="run folders of experts on one data set")
    parser.add_argument("--split", default="dev")
    arguments = parser.parse_args()
    read = [expert_posteriors(run, arguments.split, lambda c: read_split(c, arguments.split)) for run in arguments.runs]
    posteriors, samples, labels = [row[1] for row in read], read[0][0].samples, read[0][2]
    lengths = posteriors[0].lengths.tolist()

    def f1(predicted: list[tuple[str, ...]]) -> str:
        return f"{100 * score_labels(labels, samples, predicted).f1:.2f}"

    def row(name: str, log_probs: torch.Tensor, viterbi: str) -> list[str]:
        alone = label_states(labels, log_probs.argmax(-1), lengths, samples)
        return [name, viterbi, f1(alone), f1(label_mixed(labels, log_probs, lengths, samples))]

    rows = [
        row(run.name, part.log_probs, f1(label_states(labels, part.classes, lengths, samples)))
        for run, part in zip(arguments.runs, posteriors, strict=True)
    ]
    average = torch.logsumexp(torch.stack([part.log_probs for part in posteriors]), 0)
    rows.append(row(" + ".join(run.name for run in arguments.runs), average, "-"))
    print(f"F1 in % on {arguments.split}, {len(samples)} samples\n")
    print(to_markdown(["system", "CRF's Viterbi", "posteriors, token by token", "posteriors, sound path"], rows))


if __name__ == "__main__":
    main()
