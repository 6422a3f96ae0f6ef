"""Pictures a second from files to vectors on disk: the embed stage beside a plain DataLoader loop with the same model.

The ways take turns (--rounds). The medians of wall time, processor time (children included) and rate are printed, and
for the embed stage the time of decoding, preprocessing, encoding and writing. The loop does what clip-retrieval's
inference does: a Dataset opens, decodes and preprocesses, batches go through open_clip's model, and the vectors are
saved. That package itself is not run, because it needs NumPy below 2 and older transformers.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from indexer.encoders import ImageEncoder, make_encoder, parse_spec
from pipelines.images import FolderSource, GuardedDecoder, SourceChain
from pipelines.stages import embed_shard
from pipelines.storage import WorkFolder

WAYS = ("embed", "embed_per_core", "loop", "loop_workers")
TITLES = {
    "embed": "embed stage, 1 worker",
    "embed_per_core": "embed stage, a worker per core",
    "loop": "DataLoader loop, 0 workers",
    "loop_workers": "DataLoader loop, a worker per core",
}
BATCH_IMAGES = 32


class Clock:
    """Adds up the seconds of wrapped calls, by name; a part runs in one thread."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.last_encode = 0.0

    def wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a call that is timed."""

        def timed(*arguments: Any) -> Any:
            start = time.perf_counter()
            try:
                return call(*arguments)
            finally:
                now = time.perf_counter()
                self.seconds[name] = self.seconds.get(name, 0.0) + now - start
                if name == "encode":
                    self.last_encode = now

        return timed


class Photos(torch.utils.data.Dataset[torch.Tensor]):
    """Files as the plain loop reads them."""

    def __init__(self, paths: list[Path], preprocess: Callable[[Image.Image], torch.Tensor]) -> None:
        self.paths, self.preprocess = paths, preprocess

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> torch.Tensor:
        with Image.open(self.paths[number]) as image:
            return self.preprocess(image.convert("RGB"))


def plain_network(spec: str, encoder: ImageEncoder) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return open_clip's model of the same weights as it is; of the stand-in, the encoder's own."""
    parsed = parse_spec(spec)
    if parsed.kind != "clip":
        return encoder.network
    import open_clip

    network: Callable[[torch.Tensor], torch.Tensor]
    network = open_clip.create_model(parsed.name, pretrained=parsed.weights, weights_only=True).eval().encode_image
    return network


def run_loop(encoder: ImageEncoder, network: Callable[..., Any], folder: Path, workers: int) -> dict[str, float]:
    """Encode the files of a folder as a plain loop does, and save the vectors."""
    dataset = Photos(sorted(folder.iterdir()), encoder.preprocess)
    loader = torch.utils.data.DataLoader(dataset, batch_size=BATCH_IMAGES, num_workers=workers)
    found = []
    with torch.inference_mode():
        for pixels in loader:
            vectors = network(pixels)
            found.append(torch.nn.functional.normalize(vectors, dim=-1).numpy())
    np.save(folder.parent / "vectors.npy", np.concatenate(found))
    return {}


def _finished(network: Callable[[torch.Tensor], torch.Tensor], pixels: torch.Tensor) -> torch.Tensor:
    """Return the vectors once the GPU has computed them: it works on while Python goes on."""
    vectors = network(pixels)
    if vectors.is_cuda:
        torch.cuda.synchronize()
    return vectors


def run_embed(encoder: ImageEncoder, folder: Path, names: list[str]) -> dict[str, float]:
    """Encode files as a worker of the job does; return the seconds of each part."""
    clock = Clock()
    timed = replace(
        encoder,
        preprocess=clock.wrap("preprocess", encoder.preprocess),
        network=clock.wrap("encode", partial(_finished, encoder.network)),
    )
    source = SourceChain((FolderSource(str(folder)),))
    source.open()
    decoder = GuardedDecoder()
    with tempfile.TemporaryDirectory() as work:
        decode = clock.wrap("decode", decoder.decode)
        result = embed_shard(0, 0, names, source, timed, WorkFolder(Path(work)), decode=decode)
        clock.seconds["write"] = time.perf_counter() - clock.last_encode
    decoder.close()
    if result.images.encoded != len(names):
        raise ValueError(f"{result.images} of {len(names)} files")
    return clock.seconds


def work(way: str, spec: str, device: str, folder: Path, part: int, parts: int, barrier: Any, results: Any) -> None:
    """Load the model, wait for the other processes, encode a part of the files, and put the times into `results`."""
    cores = os.cpu_count() or 1
    is_embed = way.startswith("embed")
    encoder = make_encoder(spec, device=device, threads=1 if is_embed else cores)
    names = sorted(path.name for path in folder.iterdir())[part::parts]
    network = encoder.network if is_embed else plain_network(spec, encoder)
    with torch.inference_mode():
        network(torch.stack([encoder.prepare(Image.new("RGB", (64, 64), "teal"))] * 2).to(device))
    barrier.wait()
    start, cpu = time.perf_counter(), cpu_seconds()
    if is_embed:
        seconds = run_embed(encoder, folder, names)
    else:
        seconds = run_loop(encoder, network, folder, cores if way == "loop_workers" else 0)
    results.put({"wall": time.perf_counter() - start, "cpu": cpu_seconds() - cpu, **seconds})


def cpu_seconds() -> float:
    """Return the processor time of this process and its ended children, user and system."""
    uses = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(use.ru_utime + use.ru_stime for use in uses)


def run_way(way: str, spec: str, folder: Path, device: str = "cpu") -> dict[str, float]:
    """Run one way in new processes; the wall time is that of the slowest, other times are sums."""
    context = multiprocessing.get_context("spawn")
    parts = (os.cpu_count() or 1) if way == "embed_per_core" else 1
    barrier, results = context.Barrier(parts), context.SimpleQueue()
    processes = [
        context.Process(target=work, args=(way, spec, device, folder, part, parts, barrier, results))
        for part in range(parts)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        sys.exit(f"{TITLES[way]} failed")
    found = [results.get() for _ in processes]
    keys = sorted({key for one in found for key in one} - {"wall"})
    return {"wall": max(one["wall"] for one in found)} | {key: sum(one.get(key, 0) for one in found) for key in keys}


def main() -> None:
    """Run every way in each round, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="folder of JPEG photos (default: the demo's)")
    parser.add_argument("--encoder", default="efficientnet-lite0", help="or open_clip:ARCH:random for random weights")
    parser.add_argument("--copies", type=int, default=1, help="of each photo, each with other bytes")
    parser.add_argument("--rounds", type=int, default=3, help="every way runs once in each")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cuda: of the embed stage alone")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.device != "cpu" and not all(way.startswith("embed") for way in arguments.ways):
        parser.error("--device cuda is for --ways embed: the plain loop encodes on the CPU")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos"
        count = copy_photos(arguments.photos or demo_photos(Path(temporary) / "demo"), folder, arguments.copies)
        spec = with_weights(arguments.encoder, Path(temporary))
        runs: dict[str, list[dict[str, float]]] = {way: [] for way in arguments.ways}
        for _ in range(arguments.rounds):
            for way, found in runs.items():
                found.append(run_way(way, spec, folder, arguments.device))
    print_runs(arguments.encoder, count, runs, is_json=arguments.json)


def print_runs(encoder: str, count: int, runs: dict[str, list[dict[str, float]]], *, is_json: bool) -> None:
    """Print the medians."""
    medians = {
        way: {key: statistics.median(one[key] for one in found) for key in found[0]} for way, found in runs.items()
    }
    if is_json:
        print(json.dumps({"encoder": encoder, "photos": count, "medians": medians}))
        return
    print(f"{count} photos, {encoder}, {os.cpu_count()} cores, medians of {len(next(iter(runs.values())))} rounds")
    print(f"{'way':36} {'photos/s':>8} {'wall ms':>8} {'cpu ms':>8}")
    for way, found in medians.items():
        wall, cpu = 1000 * found["wall"] / count, 1000 * found["cpu"] / count
        print(f"{TITLES[way]:36} {count / found['wall']:8.1f} {wall:8.1f} {cpu:8.1f}")
    for way in ("loop", "loop_workers"):
        for ours in ("embed", "embed_per_core"):
            if way in medians and ours in medians:
                wall, cpu = (
                    statistics.median(peer[key] / own[key] for peer, own in zip(runs[way], runs[ours], strict=True))
                    for key in ("wall", "cpu")
                )
                print(f"{TITLES[way]} / {TITLES[ours]}, median of rounds: wall {wall:.2f}, cpu {cpu:.2f}")
    for way, found in medians.items():
        parts = [f"{name} {1000 * found[name] / count:.1f}" for name in PARTS if name in found]
        if parts:
            print(f"{TITLES[way]}, ms of wall time a photo in each part: {', '.join(parts)}")


PARTS = ("decode", "preprocess", "encode", "write")


def copy_photos(source: Path, folder: Path, copies: int) -> int:
    """Copy the JPEG files; bytes after the end of a JPEG change nothing but its hash."""
    folder.mkdir()
    paths = sorted(path for path in source.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    for number, path in enumerate(paths):
        for copy in range(copies):
            (folder / f"P{number:05d} {copy:03d}.jpg").write_bytes(path.read_bytes() + b"%d" % copy)
    return len(paths) * copies


def with_weights(spec: str, folder: Path) -> str:
    """Write random weights to a file and return the spec that loads them: speed does not depend on their values."""
    parsed = parse_spec(spec)
    if parsed.weights != "random":
        return spec
    import open_clip
    from safetensors.torch import save_file

    path = folder / "random.safetensors"
    save_file(open_clip.create_model(parsed.name).state_dict(), path)
    return str(replace(parsed, weights=str(path)))


def demo_photos(folder: Path) -> Path:
    """Collect the demo's photos from installed packages."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs" / "demo"))
    from collect_photos import collect_photos

    collect_photos(folder)
    return folder


if __name__ == "__main__":
    main()
