"""Training speed: pieces per second of our loop beside a plain transformers token-classification loop.

Both train the same encoder on the same tweets with the same batch size, on one device. The plain loop is the usual
recipe: shuffled batches, DataCollatorForTokenClassification, AdamW, a linear head with cross entropy. Pieces are
counted without padding, so both are credited with the same work per epoch. Each runs in a process of its own, in turn,
so that the peak memory is its own too.

    python -m benchmarks.trainer_speed --tweets FOLDER [--contexts CACHE --sources pgim] [--samples 400] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from trainer.config import RunConfig, load_config
from trainer.inputs import Example, LabelSet, collate, order_for_training
from trainer.metrics import to_markdown
from trainer.model import Expert, make_expert
from trainer.model.heads import View
from trainer.training import Keeper, choose_device, encode_split, parameter_groups, read_split, train

Epoch = Callable[[], int]
"""Trains one epoch and returns the number of pieces that it read, without padding."""


@dataclass(frozen=True)
class Timing:
    """The speed of an epoch, by wall time and by processor time, and the peak memory of its process."""

    pieces_per_second: float
    pieces_per_processor_second: float
    peak_mib: float


def main() -> None:
    """Time both loops in turn, and print the medians."""
    arguments = parse_arguments()
    config = make_config(arguments)
    found: dict[str, list[Timing]] = {name: [] for name in LOOPS}
    for number in range(arguments.rounds):
        for name, loop in LOOPS.items():
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                found[name].append(pool.submit(measure, loop, config).result())
            row = found[name][-1]
            print(f"round {number + 1}: {name} {row.pieces_per_second:.0f} pieces/s", flush=True)
    print_table(config, found)


def measure(loop: Callable[..., Epoch], config: RunConfig) -> Timing:
    """Run an epoch of a loop in this process."""
    rows, labels = read_rows(config)
    device = choose_device(config.training)
    epoch = loop(config, labels, rows, device)
    wall, processor = time.perf_counter(), time.process_time()
    pieces = epoch()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Timing(pieces / wall, pieces / processor, peak)


def read_rows(config: RunConfig) -> tuple[tuple[Example, ...], LabelSet]:
    data = read_split(config, "train")
    labels = LabelSet.of(data.dataset)
    return encode_split(make_expert(config.encoder, config.model, labels), config, data).rows, labels


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tweets", type=Path, help="a folder that `mie-train data convert` wrote; else shared data")
    parser.add_argument("--contexts", default="", help="a cache of contexts")
    parser.add_argument("--sources", default="pgim")
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--encoder", default="offline:minilm")
    return parser.parse_args()


def make_config(arguments: argparse.Namespace) -> RunConfig:
    tweets = arguments.tweets or convert_shared()
    settings = [
        f"data.samples={tweets}",
        f"data.train_samples={arguments.samples}",
        f"training.batch_samples={arguments.batch}",
        "training.epochs=1",
        f"encoder.name={arguments.encoder}",
    ]
    if arguments.contexts:
        settings += [f"data.contexts={arguments.contexts}", f"data.sources={json.dumps(arguments.sources.split(','))}"]
        settings.append("encoder.max_length_pieces=288")
    return load_config("small-baseline", settings)


def convert_shared(shared: Path | None = None) -> Path:
    """Convert Twitter-2015 out of the folder of research data."""
    from schemas.text_files import find_split_files
    from trainer.data import convert_files

    source = (shared or Path(__file__).resolve().parents[2] / "shared" / "data") / "twitter2015"
    out = Path(tempfile.mkdtemp()) / "t15"
    convert_files(find_split_files(source), out, name="twitter2015")
    return out


def our_epoch(config: RunConfig, labels: LabelSet, rows: tuple[Example, ...], device: str) -> Epoch:
    """Prepare an epoch of `trainer.training.train`: length buckets, linear head, CRF, clipping."""
    torch.manual_seed(1)
    expert = make_expert(config.encoder, config.model, labels).to(device)
    optimizer = torch.optim.AdamW(parameter_groups(expert, config.training))

    def run() -> int:
        keeper = Keeper(lambda _: None, lambda _: None, lambda place, _: place)
        train(expert, optimizer, rows, (), (), config.training, keeper)
        return sum(len(row.ids) for row in rows)

    return run


def plain_epoch(config: RunConfig, labels: LabelSet, rows: tuple[Example, ...], device: str) -> Epoch:
    """Prepare an epoch of the usual loop: random batches, cross entropy on first pieces."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer, DataCollatorForTokenClassification

    from trainer.model import quiet_transformers, resolve_encoder

    torch.manual_seed(1)
    source, is_local = resolve_encoder(config.encoder.name)
    with quiet_transformers():
        model = AutoModelForTokenClassification.from_pretrained(
            source, local_files_only=is_local, num_labels=len(labels.names)
        ).to(device)
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=is_local)
    features: Any = [to_feature(row) for row in rows]
    loader: Any = torch.utils.data.DataLoader(
        features,
        batch_size=config.training.batch_samples,
        shuffle=True,
        collate_fn=DataCollatorForTokenClassification(tokenizer),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.training.encoder_lr)

    def run() -> int:
        pieces = 0
        model.train()
        for batch in loader:
            moved = {name: tensor.to(device) for name, tensor in batch.items()}
            model(**moved).loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            optimizer.zero_grad()
            pieces += int(moved["attention_mask"].sum())
        return pieces

    return run


def to_feature(row: Example) -> dict[str, list[int]]:
    labels = [-100] * len(row.ids)
    for position, target in zip(row.positions, row.targets or (), strict=True):
        labels[position] = target
    return {"input_ids": list(row.ids), "attention_mask": [1] * len(row.ids), "labels": labels}


def padding_share(rows: tuple[Example, ...], config: RunConfig, bucket: bool) -> float:
    """Return the share of the pieces in the batches that are padding."""
    lengths = [len(row.ids) for row in rows]
    order = order_for_training(lengths, config.training.batch_samples, 1, 0, bucket=bucket)
    sizes = [collate([rows[i] for i in part], 0).ids.numel() for part in order]
    return 1 - sum(lengths) / sum(sizes)


def time_posteriors(expert: Expert) -> float:
    """Return the milliseconds for the log marginals of 64 sentences of 40 tokens."""
    logits, mask = torch.randn(64, 40, len(expert.labels.names)), torch.ones(64, 40, dtype=torch.bool)
    view = View(logits, mask, logits)  # the posterior does not read the states
    expert.head.posterior(view)
    started = time.perf_counter()
    for _ in range(5):
        expert.head.posterior(view)
    return 200 * (time.perf_counter() - started)


def print_table(config: RunConfig, found: dict[str, list[Timing]]) -> None:
    rows, labels = read_rows(config)
    with torch.no_grad():
        milliseconds = time_posteriors(make_expert(config.encoder, config.model, labels))
    print(f"\n{len(rows)} samples, batch {config.training.batch_samples}, {config.encoder.name}, ", end="")
    print(f"{choose_device(config.training)}, {torch.get_num_threads()} threads, ", end="")
    print(f"medians of {len(found[OURS])} rounds, each in a new process\n")
    lines = []
    for name, timings in found.items():
        share = 100 * padding_share(rows, config, bucket=name == OURS)
        values = [median(timings, field) for field in ("pieces_per_second", "pieces_per_processor_second", "peak_mib")]
        lines.append([name, *(f"{value:.0f}" for value in values), f"{share:.1f} %"])
    heads = ["loop", "pieces/s", "pieces per processor second", "peak memory, MiB", "padding"]
    print(to_markdown(heads, lines))
    wall, processor = (
        median(found[OURS], field) / median(found[PLAIN], field)
        for field in ("pieces_per_second", "pieces_per_processor_second")
    )
    print(f"\nRatio of medians: {wall:.2f} by wall time, {processor:.2f} by processor time. ", end="")
    print(f"Log marginals of 64 x 40 tokens: {milliseconds:.1f} ms.")


def median(timings: list[Timing], field: str) -> float:
    return float(statistics.median(getattr(timing, field) for timing in timings))


OURS, PLAIN = "ours, with CRF", "plain transformers"
LOOPS = {OURS: our_epoch, PLAIN: plain_epoch}

if __name__ == "__main__":
    main()
