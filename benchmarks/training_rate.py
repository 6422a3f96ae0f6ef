"""Training rate and peak memory by precision: an epoch of the baseline on tweets, on the GPU where there is one.

    python -m benchmarks.training_rate [--tweets FOLDER] [--samples 400] [--precisions bf16,fp32] [--json FILE]

Each precision runs in a process of its own, after a short run that warms it up. Peak memory is the GPU's allocated
memory, or the resident memory of the process on a CPU.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch

from benchmarks.trainer_speed import convert_shared, our_epoch, read_rows
from trainer.config import RunConfig, load_config
from trainer.metrics import to_markdown
from trainer.training import choose_device

WARM_UP = 2
"""Batches before the clock starts."""


def main() -> None:
    """Measure each precision, and print the table."""
    arguments = parse_arguments()
    tweets = arguments.tweets or convert_shared(arguments.shared)
    found = {}
    for precision in arguments.precisions.split(","):
        settings = [f"data.samples={tweets}", f"data.train_samples={arguments.samples}", "training.epochs=1"]
        settings += [f"training.batch_samples={arguments.batch}", f"encoder.name={arguments.encoder}"]
        config = load_config("small-baseline", [*settings, f"training.precision={precision}"])
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            found[precision] = pool.submit(measure, config).result()
    device = next(iter(found.values()))["device"]
    print(f"\n{arguments.samples} tweets, batch {arguments.batch}, {arguments.encoder}, {device}\n")
    rows = [[name, f"{row['pieces_s']:,.0f}", f"{row['peak_mib']:,.0f}"] for name, row in found.items()]
    print(to_markdown(["precision", "pieces/s", "peak memory, MiB"], rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tweets", type=Path, help="a folder that `mie-train data convert` wrote; else shared data")
    parser.add_argument("--shared", type=Path, help="the folder of research data")
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--encoder", default="offline:minilm")
    parser.add_argument("--precisions", default="bf16,fp32")
    parser.add_argument("--json", type=Path, help="write what was found to this file, too")
    return parser.parse_args()


def measure(config: RunConfig) -> dict[str, Any]:
    """Train an epoch, and return its rate, the peak memory and the device."""
    rows, labels = read_rows(config)
    device = choose_device(config.training)
    our_epoch(config, labels, rows[: WARM_UP * config.training.batch_samples], device)()
    epoch = our_epoch(config, labels, rows, device)
    is_gpu = device == "cuda"
    if is_gpu:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    pieces = epoch()
    if is_gpu:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "pieces_s": pieces / seconds,
        "peak_mib": torch.cuda.max_memory_allocated() / 2**20 if is_gpu else resident,
        "device": torch.cuda.get_device_name() if is_gpu else "CPU",
    }


if __name__ == "__main__":
    main()
