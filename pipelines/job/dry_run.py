"""A dry run: what a build would read, how it would run and what it would write, without doing any of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from pipelines.beam import check_beam_options, describe_runner
from pipelines.job.plan import find_inputs, plan_shards
from pipelines.job.wiki import find_wiki
from pipelines.stages import BuildRequest
from pipelines.storage import RemoteFile, open_output, size_of

__all__ = ["describe_build", "to_lines"]

OUTPUT_PER_INPUT = {"bz2": 2.9, "gz": 2.3, "xml": 0.8}
"""Bytes of tables and text index per byte of dump, by compression; an estimate. Source: the 206-page enwiki slice."""


def describe_build(request: BuildRequest) -> dict[str, Any]:
    """Return what would be read, how it would be split and run, and how large the output would be, by estimate.

    The inputs are searched for streams but not hashed: whether the index at the output is up to date stays unknown.

    Raises:
        InputError: a dump cannot be used.
        UsageError: the output must not be written.
    """
    check_beam_options(request.options.beam, str(request.output))
    output = open_output(request.output)
    output.check(overwrite=True)
    paths = find_inputs(request.dumps, request.dump_index)
    wiki = find_wiki(paths, any_wiki=request.options.any_wiki)
    plan = plan_shards(paths, request.dump_index, is_limited=request.settings.limit_pages is not None)
    kinds = {stream.path: stream.compression for shard in plan.shards for stream in shard}
    size = sum(size_of(path) * OUTPUT_PER_INPUT[kinds[str(path)]] for path in paths)
    return {
        "status": "dry_run",
        "inputs": [{"path": str(path), "size_bytes": size_of(path)} for path in paths],
        "streams": plan.streams,
        "shards": len(plan.shards),
        "stages": _stages(request),
        "workers": request.options.workers,
        "engine": describe_runner(request.options.beam),
        "output": str(request.output),
        "output_state": output.state(),
        "estimated_output_bytes": None if request.settings.limit_pages else int(size),
        "free_bytes": _free_bytes(request.output),
        "images": None if request.images is None else ",".join(request.images.specs),
        "notes": wiki.notes(),
        "settings": wiki.settle(request.settings).to_config(),
    }


def _stages(request: BuildRequest) -> list[dict[str, str]]:
    """Return each stage with the steps of its pipeline, or with what the driver does alone."""
    has_parts = request.options.has_engine or isinstance(request.output, RemoteFile)
    graph = {
        "parse": "streams | group by shard | parse shard -> pages, sentences, paragraphs, images, rejects",
        "finish": "shards | spread | drop repeated ids, resolve links",
    }
    if request.images:
        steps = "images tables | spread | names | key by shard | group by shard"
        graph["embed"] = f"{steps} | {request.images.step} -> embeddings"
    if has_parts:
        graph["bm25-part"] = "shards | spread | index sentences of a shard"
    graph["bm25"] = "driver: merge the parts" if has_parts else "driver: index all sentences"
    if request.images:
        if has_parts:
            graph["faiss-part"] = "embedding shards | spread | encode vectors of a shard"
        graph["faiss"] = "driver: merge the parts" if has_parts else "driver: index all vectors"
    return [{"stage": name, "graph": steps} for name, steps in graph.items()]


def _free_bytes(output: Path | RemoteFile) -> int | None:
    """Return the free space of the disk of the output; None for a URL."""
    if isinstance(output, RemoteFile):
        return None
    # The folder need not exist yet, so the disk is that of the nearest parent that does.
    return shutil.disk_usage(next(parent for parent in (output, *output.absolute().parents) if parent.is_dir())).free


def to_lines(plan: dict[str, Any]) -> list[str]:
    """Return a described build as lines for people."""
    lines = [f"input     {row['path']} ({row['size_bytes'] / 1e6:,.1f} MB)" for row in plan["inputs"]]
    size, free = plan["estimated_output_bytes"], plan["free_bytes"]
    about = "unknown" if size is None else f"about {size / 1e6:,.1f} MB"
    lines += [
        f"streams   {plan['streams']:,} in {plan['shards']:,} shards, {plan['workers']} workers",
        *(f"stage     {stage['stage']}: {stage['graph']}" for stage in plan["stages"]),
        "engine    " + ", ".join(f"{name} {value}" for name, value in plan["engine"].items() if value),
        f"images    {plan['images'] or 'none: no image index'}",
        f"output    {plan['output']} ({plan['output_state']})",
        f"size      {about}" + ("" if free is None else f", {free / 1e6:,.0f} MB free"),
    ]
    lines += [f"setting   {name} = {value}" for name, value in sorted(plan["settings"].items())]
    lines += [f"note      {note}" for note in plan["notes"]]
    return [*lines, "nothing was built (--dry-run)"]
