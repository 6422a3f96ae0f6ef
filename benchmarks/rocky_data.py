"""The data of the benchmark rocky, by the commands of a user: set, index with photos, contexts, feature stores."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.vital_dump import read_photos, write_dump
from schemas.context_cache import CACHE_NAME
from schemas.dataset import DATASET_NAME
from schemas.feature_store import FEATURES_NAME
from schemas.manifest import MANIFEST_NAME

__all__ = ["RockyData", "make_data"]

ENCODER = "efficientnet-lite0"
SPLITS = ("train", "dev", "test")


@dataclass(frozen=True)
class RockyData:
    """Where the data of the benchmark lie.

    Args:
        samples: the converted set.
        contexts: the cache with the sources text and image.
        stores: feature stores by name: features (whole pictures and the annotators' boxes), frames, prompts.
    """

    samples: Path
    contexts: Path
    stores: dict[str, Path]


def make_data(work: Path, rocky: Path) -> RockyData:
    """Make what is not there yet.

    Args:
        work: the folder to make it in.
        rocky: the folder of the posts, photos and boxes.
    """
    work.mkdir(parents=True, exist_ok=True)
    data = RockyData(
        work / "samples", work / "contexts", {name: work / name for name in ("features", "frames", "prompts")}
    )
    files = [word for split in SPLITS for word in (f"--{split}", str(rocky / f"{split}.jsonl"))]
    convert = ["mie-train", "data", "convert", *files, "--format", "jsonl", "--labels", "PER,MISC,LOC"]
    _run([*convert, "--set", "rocky", "--out"], data.samples, DATASET_NAME)
    _make_index(work, rocky, data)
    regions = [word for split in SPLITS for word in ("--regions", str(rocky / f"regions_{split}.jsonl"))]
    views = {
        "features": ["--view", "whole", "--view", "regions", "--most-regions", "16", *regions],
        "frames": ["--view", "focal", *regions],
        "prompts": ["--view", "prompts"],
    }
    make = ["mie-index", "features", str(data.samples), "--images", str(rocky / "images"), "--encoder", ENCODER]
    for name, options in views.items():
        _run([*make, *options, "--out"], data.stores[name], FEATURES_NAME)
    return data


def _make_index(work: Path, rocky: Path, data: RockyData) -> None:
    """Build an index of the vital articles with their photos, and retrieve the contexts of both sources from it."""
    dump, index = work / "vital.xml.bz2", work / "index"
    if not (data.contexts / CACHE_NAME).exists() and not dump.exists():
        write_dump(dump, read_photos(rocky / "kb.tsv"))
    build = ["beam", "run", "build_wiki_index", "--dump", str(dump), "--images", str(rocky / "kb_images")]
    retrieve = ["mie-index", "retrieve", str(data.samples), "--index", str(index), "--images", str(rocky / "images")]
    if not (data.contexts / CACHE_NAME).exists():
        _run([*build, "--encoder", ENCODER, "--output"], index, MANIFEST_NAME)
    _run([*retrieve, "--out"], data.contexts, CACHE_NAME)


def _run(command: list[str], out: Path, proof: str) -> None:
    """Run a command that ends with its output folder, unless a file proves that it was finished."""
    if (out / proof).exists():
        return
    full = [*command, str(out)]
    print(f"$ {shlex.join(full)}", file=sys.stderr, flush=True)
    program = Path(sys.executable).with_name(full[0])
    done = subprocess.run([str(program), *full[1:]], check=False, stdout=sys.stderr)
    if done.returncode:
        raise SystemExit(done.returncode)
