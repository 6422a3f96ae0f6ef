"""What a build would do, without doing any of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from pipelines.output_folder import OutputFolder
from pipelines.plan import find_inputs, plan_shards
from pipelines.settings import BuildRequest

__all__ = ["describe_build", "to_lines"]

OUTPUT_PER_INPUT = {"bz2": 2.9, "gz": 2.3, "xml": 0.8}
"""Bytes of tables and text index per byte of dump, by compression; an estimate. Source: the 206-page enwiki slice."""


def describe_build(request: BuildRequest) -> dict[str, Any]:
    """Say what would be read, how it would be cut and run, and about how large the output would be.

    Nothing is written. The inputs are searched for streams, not hashed, so this does not tell whether the index
    at the output is this one.

    Raises:
        InputError: a dump cannot be used.
        UsageError: the output must not be written.
    """
    output = OutputFolder(request.output)
    output.check(overwrite=True)
    paths = find_inputs(request.dumps, request.dump_index)
    plan = plan_shards(paths, request.dump_index, is_limited=request.settings.limit_pages is not None)
    kinds = {stream.path: stream.compression for shard in plan.shards for stream in shard}
    size = sum(path.stat().st_size * OUTPUT_PER_INPUT[kinds[str(path)]] for path in paths)
    stages = ["parse", "finish", *(["embed"] if request.images else []), "bm25", *(["faiss"] if request.images else [])]
    return {
        "status": "dry_run",
        "inputs": [{"path": str(path), "size_bytes": path.stat().st_size} for path in paths],
        "streams": plan.streams,
        "shards": len(plan.shards),
        "stages": stages,
        "workers": request.options.workers,
        "output": str(request.output),
        "output_state": output.state(),
        "estimated_output_bytes": None if request.settings.limit_pages else int(size),
        "free_bytes": shutil.disk_usage(_existing_parent(request.output)).free,
        "images": None if request.images is None else request.images.spec,
        "settings": request.settings.to_config(),
    }


def _existing_parent(path: Path) -> Path:
    """Give the nearest folder that exists."""
    return next(parent for parent in (path, *path.absolute().parents) if parent.is_dir())


def to_lines(plan: dict[str, Any]) -> list[str]:
    """Write a described build for people."""
    lines = [f"input     {row['path']} ({row['size_bytes'] / 1e6:,.1f} MB)" for row in plan["inputs"]]
    size = plan["estimated_output_bytes"]
    about = "unknown" if size is None else f"about {size / 1e6:,.1f} MB"
    lines += [
        f"streams   {plan['streams']:,} in {plan['shards']:,} shards, {plan['workers']} workers",
        f"stages    {', '.join(plan['stages'])}",
        f"images    {plan['images'] or 'none: no image index'}",
        f"output    {plan['output']} ({plan['output_state']})",
        f"size      {about}, {plan['free_bytes'] / 1e6:,.0f} MB free",
    ]
    lines += [f"setting   {name} = {value}" for name, value in sorted(plan["settings"].items())]
    return [*lines, "nothing was built (--dry-run)"]
