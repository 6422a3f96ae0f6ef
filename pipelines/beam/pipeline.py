"""Run one stage as a Beam pipeline, on this machine or on an engine, and wait for it."""

from __future__ import annotations

import pipelines.beam.quiet_import  # noqa: F401  # isort: skip

import logging
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipelines.beam.carried_errors import carried_error
from pipelines.beam.engines import to_options
from pipelines.beam.local_workers import LocalWorkers
from pipelines.stages import RunOptions
from schemas.errors import MieError

__all__ = ["run_pipeline"]


def run_pipeline(
    label: str,
    elements: Sequence[Any],
    transform: beam.PTransform,
    options: RunOptions,
    workers: LocalWorkers,
    *,
    parallel: int,
) -> None:
    """Run one stage and wait for it: where Beam's options name a --runner, there; otherwise on this machine.

    Args:
        label: of the stage.
        elements: what the transform reads.
        transform: the stage.
        options: number of workers, and Beam's options.
        workers: starts worker processes of this machine.
        parallel: shards that can run at the same time; more processes than that are not started.

    Raises:
        MieError: what a worker raised, with its class and fields.
    """
    runner, beam_options = None, to_options(options.beam)[0]
    if beam_options.view_as(StandardOptions).runner is None:
        runner, beam_options = _run_here(options, workers, max(1, min(options.workers, parallel)))
    try:
        with workers.raising_if_lost(), beam.Pipeline(runner=runner, options=beam_options) as pipeline:
            _ = pipeline | f"List what to {label}" >> beam.Create(elements) | f"Stage {label}" >> transform
    except MieError:
        raise
    except Exception as error:
        ours = carried_error(str(error))
        if ours is None:
            raise
        raise ours from error


def _run_here(options: RunOptions, workers: LocalWorkers, processes: int) -> tuple[FnApiRunner, PipelineOptions]:
    """Return the runner of this machine, by its class because Beam's default would fetch another one first."""
    beam_options = PipelineOptions(flags=[*options.beam, "--direct_num_workers", str(processes)])
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)  # it logs every failure, and raises it as well
    # Without an environment Beam works in this process, and no worker has to start
    return FnApiRunner(default_environment=workers.environment() if processes > 1 else None), beam_options
