"""Measures fetching pictures by name from folder, tar, Parquet and ZIM, beside decoding one."""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from indexer.encoders import decode_image
from pipelines.images import GuardedDecoder, Missing
from pipelines.job import make_image_source
from tests.support.picture_stores import WRITERS, write_parquet  # so that tests and figures mean the same forms


def main() -> int:
    """Write COPIES pictures in each form, fetch them in random order, and return 1 if one differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path, help="folder of JPEG files to make copies of")
    parser.add_argument("--copies", type=int, default=5_000)
    arguments = parser.parse_args()
    photos = [path.read_bytes() for path in sorted(arguments.photos.glob("*.jpg"))[:50]]
    small = [data[:40_000] for data in photos]  # about the size of a thumbnail; only their bytes count here
    pictures = {f"Picture {number:06d}.jpg": small[number % len(small)] for number in range(arguments.copies)}
    names = random.Random(0).sample(sorted(pictures), len(pictures))
    print(f"{len(pictures):,} pictures, {sum(map(len, pictures.values())) / 1e6:,.0f} MB")
    print("| source | index once, processor | names/s | fetch, wall | fetch, processor |")
    print("|---|---:|---:|---:|---:|")
    wrong = 0
    forms = {**WRITERS, "parquet": partial(write_parquet, row_group_size=100)}
    for form, write in forms.items():
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XDG_CACHE_HOME"] = folder
            source = make_image_source(write(Path(folder), pictures))
            start_s = _processor_s()
            source.open()
            index_s = _processor_s() - start_s
            wall_s, start_s = time.perf_counter(), _processor_s()
            for name in names:
                data = source.fetch(name)
                wrong += isinstance(data, Missing) or data != pictures[name]
            wall_s, fetch_s = time.perf_counter() - wall_s, _processor_s() - start_s
        each = [f"{value / len(names) * 1e3:.3f} ms" for value in (wall_s, fetch_s)]
        print(
            f"| {form} | {index_s:.2f} s | {len(names) / max(index_s, 1e-9):,.0f} | {each[0]} | {each[1]} |", flush=True
        )
    _print_decoding(photos)
    return int(wrong > 0)


def _print_decoding(photos: list[bytes]) -> None:
    """Print the processor time of decoding a photo, in this process and in the guarded child (both processes)."""
    for place in ("in this process", "in the guarded child"):
        guarded = GuardedDecoder()
        decode = guarded.decode if "child" in place else decode_image
        decode(photos[0])
        start_s = _processor_s() + _child_s(guarded)
        for data in photos * 4:
            decode(data)
        seconds = _processor_s() + _child_s(guarded) - start_s
        guarded.close()
        print(f"decoding {place}: {seconds / len(photos) / 4 * 1e3:.2f} ms of processor time a photo")


def _child_s(decoder: GuardedDecoder) -> float:
    """Return the processor time of the child, in steps of 10 ms; 0 if there is none."""
    child = decoder._guard._child
    if child is None:
        return 0.0
    fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _processor_s() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


if __name__ == "__main__":
    sys.exit(main())
