"""Training speed: pieces per second of our loop beside a plain transformers token-classification loop.

Both train the same encoder on the same tweets with the same batch size, on one device. The plain loop is the usual
recipe: shuffled batches, DataCollatorForTokenClassification, AdamW, a linear head with cross entropy. Pieces are
counted without padding, so both are credited with the same work per epoch.

    python benchmarks/trainer_speed.py --tweets FOLDER [--contexts CACHE --sources pgim] [--samples 400] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from trainer.batches import collate, order_for_training
from trainer.config import RunConfig, load_config
from trainer.examples import Example
from trainer.experts import Expert, make_expert
from trainer.labels import LabelSet
from trainer.loop import Keeper, choose_device, parameter_groups, train
from trainer.runs import encode_split, read_split


def main() -> None:
    """Time both loops in turn, and print the medians."""
    arguments = parse_arguments()
    config = make_config(arguments)
    data = read_split(config, "train")
    labels = LabelSet.of(data.dataset)
    expert = make_expert(config.encoder, config.model, labels)
    rows = encode_split(expert, config, data).rows
    device = choose_device(config.training)
    ours, plain = [], []
    for number in range(arguments.rounds):
        ours.append(time_ours(config, labels, rows, device))
        plain.append(time_plain(config, labels, rows, device))
        print(f"round {number + 1}: ours {ours[-1]:.0f}, plain {plain[-1]:.0f} pieces/s", flush=True)
    print_table(rows, config, ours, plain, device)


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
        settings.append("encoder.max_length_pieces=200")
    return load_config("small-baseline", settings)


def convert_shared() -> Path:
    from schemas.text_files import find_split_files
    from trainer.samples import convert

    source = Path(__file__).resolve().parents[2] / "shared" / "data" / "twitter2015"
    out = Path(tempfile.mkdtemp()) / "t15"
    convert(find_split_files(source), out, name="twitter2015")
    return out


def time_ours(config: RunConfig, labels: LabelSet, rows: tuple[Example, ...], device: str) -> float:
    """Pieces per second of an epoch of `trainer.loop.train`: length buckets, linear head, CRF, clipping."""
    torch.manual_seed(1)
    expert = make_expert(config.encoder, config.model, labels).to(device)
    optimizer = torch.optim.AdamW(parameter_groups(expert, config.training))
    speeds: list[float] = []

    def log(row: dict[str, Any]) -> None:
        if row["kind"] == "speed":
            speeds.append(row["pieces_per_second"])

    train(expert, optimizer, rows, (), (), config.training, Keeper(log, lambda _: None, lambda place, _: place))
    return speeds[0]


def time_plain(config: RunConfig, labels: LabelSet, rows: tuple[Example, ...], device: str) -> float:
    """Pieces per second of an epoch of the usual loop: random batches, cross entropy on first pieces."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer, DataCollatorForTokenClassification

    from trainer.encoder import quiet_transformers, resolve_encoder

    torch.manual_seed(1)
    source, is_local = resolve_encoder(config.encoder.name)
    with quiet_transformers():
        model = AutoModelForTokenClassification.from_pretrained(
            source, local_files_only=is_local, num_labels=len(labels.names)
        ).to(device)
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=is_local)
    features = [to_feature(row) for row in rows]
    collator = DataCollatorForTokenClassification(tokenizer)
    loader = torch.utils.data.DataLoader(
        features, batch_size=config.training.batch_samples, shuffle=True, collate_fn=collator
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.training.encoder_lr)
    model.train()
    pieces, started = 0, time.perf_counter()
    for batch in loader:
        moved = {name: tensor.to(device) for name, tensor in batch.items()}
        loss = model(**moved).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        optimizer.zero_grad()
        pieces += int(moved["attention_mask"].sum())
    return pieces / (time.perf_counter() - started)


def to_feature(row: Example) -> dict[str, list[int]]:
    labels = [-100] * len(row.ids)
    for position, target in zip(row.positions, row.targets or (), strict=True):
        labels[position] = target
    return {"input_ids": list(row.ids), "attention_mask": [1] * len(row.ids), "labels": labels}


def padding_share(rows: tuple[Example, ...], config: RunConfig, bucket: bool) -> float:
    """Share of the pieces in the batches that are padding."""
    lengths = [len(row.ids) for row in rows]
    order = order_for_training(lengths, config.training.batch_samples, 1, 0, bucket=bucket)
    sizes = [collate([rows[i] for i in part], 0).ids.numel() for part in order]
    return 1 - sum(lengths) / sum(sizes)


def time_posteriors(expert: Expert) -> float:
    """Milliseconds for the log marginals of 64 sentences of 40 tokens."""
    logits, mask = torch.randn(64, 40, len(expert.labels.names)), torch.ones(64, 40, dtype=torch.bool)
    expert.head.log_posterior(logits, mask)
    started = time.perf_counter()
    for _ in range(5):
        expert.head.log_posterior(logits, mask)
    return 200 * (time.perf_counter() - started)


def print_table(
    rows: tuple[Example, ...], config: RunConfig, ours: list[float], plain: list[float], device: str
) -> None:
    labels = LabelSet("ner", ("O", *(f"{p}-{k}" for k in ("PER", "LOC", "ORG", "OTHER") for p in "BI")))
    with torch.no_grad():
        milliseconds = time_posteriors(make_expert(config.encoder, config.model, labels))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{len(rows)} samples, batch {config.training.batch_samples}, {config.encoder.name}, {device}, ", end="")
    print(f"{torch.get_num_threads()} threads, {len(ours)} rounds\n")
    print("| loop | pieces/s (median) | least | most | padding |\n|---|---:|---:|---:|---:|")
    for name, speeds, bucket in (("ours, with CRF", ours, True), ("plain transformers", plain, False)):
        share = 100 * padding_share(rows, config, bucket)
        print(f"| {name} | {statistics.median(speeds):.0f} | {min(speeds):.0f} | {max(speeds):.0f} | {share:.1f} % |")
    print(f"\nratio of medians {statistics.median(ours) / statistics.median(plain):.2f}; ", end="")
    print(f"log marginals of 64 x 40 tokens in {milliseconds:.1f} ms; peak memory of the process {peak:.0f} MiB")


if __name__ == "__main__":
    main()
