"""Speed of a training step with a visual prefix of 16 tokens, beside a step without any, in turn in one process.

Processor time of one thread; medians and the least of each. Random pieces and features: only sizes matter.

    python -m benchmarks.prefix_step [--steps 15] [--pieces 40] [--precision fp32]
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from trainer.config import RunConfig, load_config
from trainer.inputs import Batch, Features, LabelSet
from trainer.metrics import to_markdown
from trainer.model import Expert, make_expert
from trainer.training import parameter_groups, precision_context

LABELS = LabelSet("ner", ("O", "B-LOC", "I-LOC", "B-MISC", "I-MISC", "B-PER", "I-PER"))


def main() -> None:
    """Time steps of both kinds in turn, and print the table."""
    arguments = parse_arguments()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    config = load_config("small-hvpnet", [f"training.precision={arguments.precision}"], is_complete=False)
    expert = make_expert(config.encoder, config.model, LABELS).train()
    optimizer = torch.optim.AdamW(parameter_groups(expert, config.training))
    batches = {"without": make_batch(arguments, 0), "with": make_batch(arguments, arguments.prefix)}
    times: dict[str, list[float]] = {name: [] for name in batches}
    for number in range(arguments.steps + 2):
        for name, batch in batches.items():
            seconds = take_step(expert, optimizer, batch, config)
            if number >= 2:  # the first steps make room in memory
                times[name].append(seconds)
    rows = [[name, f"{statistics.median(row):.4f}", f"{min(row):.4f}"] for name, row in times.items()]
    ratios = [pick(times["with"]) / pick(times["without"]) for pick in (statistics.median, min)]
    print(f"{arguments.batch} samples of {arguments.pieces} pieces, {arguments.prefix} prefix tokens, ", end="")
    print(f"{arguments.precision}, {arguments.steps} steps of each, processor seconds of one thread\n")
    print(to_markdown(["prefix", "median", "least"], [*rows, ["ratio", *(f"{ratio:.3f}" for ratio in ratios)]]))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--pieces", type=int, default=40)
    parser.add_argument("--prefix", type=int, default=16)
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16"))
    return parser.parse_args()


def make_batch(arguments: argparse.Namespace, prefix: int) -> Batch:
    """Return a batch of random pieces, with so many features of a sample; 0 for a batch without pictures."""
    samples, pieces = arguments.batch, arguments.pieces
    ids = torch.randint(1000, 2000, (samples, pieces))
    mask = torch.ones(samples, pieces, dtype=torch.bool)
    mask[: samples // 2, -pieces // 5 :] = False  # as in a real batch, windows differ in length
    tokens = pieces // 2
    positions = torch.arange(1, tokens + 1).expand(samples, -1)
    there = torch.ones(samples, tokens, dtype=torch.bool)
    features = None
    if prefix:
        present = torch.ones(samples, prefix, dtype=torch.bool)
        view = torch.zeros(prefix, dtype=torch.long)
        features = Features(torch.randn(samples, prefix, 1280), present, None, view, None)
    return Batch(ids, mask, ids, mask, positions, there, torch.zeros(samples, tokens, dtype=torch.long), features)


def take_step(expert: Expert, optimizer: torch.optim.Optimizer, batch: Batch, config: RunConfig) -> float:
    """Take a step as the training loop does, and return its processor seconds."""
    started = time.process_time()
    with precision_context(config.training, "cpu"):
        loss = expert.losses(batch).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(expert.parameters(), config.training.max_gradient_norm)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return time.process_time() - started


if __name__ == "__main__":
    main()
