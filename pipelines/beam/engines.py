"""Engines (Beam's runners) that the job may run on: which it refuses and why, and which need an option."""

from __future__ import annotations

import pipelines.beam.quiet_import  # noqa: F401  # isort: skip

from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, StandardOptions, WorkerOptions

from schemas.errors import UsageError

__all__ = ["REFUSED", "check_beam_options", "describe_runner", "runner_of", "to_options"]

REFUSED = {
    "DaskRunner": (
        "DaskRunner loses rows and calls the job done: what a step emits when its bundle ends never arrives "
        "(0 of 1,000 rows)",
        "take --runner FlinkRunner or DataflowRunner, or leave --runner out: this machine runs the job",
    ),
    "DirectRunner": (
        "DirectRunner would fetch another runner first",
        "leave --runner out: this machine runs the job",
    ),
}
"""Runner -> why it is refused, and what to do instead. Source: docs/decisions/0014 (measured with Beam 2.77)."""

_LOCAL = "this machine (FnApiRunner)"
_SAME_AS = {"SwitchingDirectRunner": "DirectRunner"}


def to_options(beam_options: Sequence[str]) -> tuple[PipelineOptions, list[str]]:
    """Parse Beam's own options.

    Returns:
        The options, and the names of those that Beam does not know (it would ignore them silently).
    """
    options = PipelineOptions(flags=list(beam_options))
    known = PipelineOptions(flags=[]).get_all_options(drop_default=False)
    names_used = [word.partition("=")[0] for word in beam_options if word.startswith("--")]
    names = {"--" + name for name in known} | {"--no_" + name for name in known}
    return options, [word for word in names_used if word not in names and word.replace("-", "_") not in names]


def runner_of(options: PipelineOptions) -> str | None:
    """Return the class name of the runner among Beam's options; None if there is none.

    Beam finds a runner by its class name in upper or lower case, with or without "Runner", and so does this.

    >>> runner_of(to_options(["--runner", "dask"])[0]), runner_of(to_options([])[0])
    ('DaskRunner', None)
    """
    runner = options.view_as(StandardOptions).runner
    if runner is None:
        return None
    name = str(runner).rpartition(".")[2]  # a class may be named with its module
    known = {path.rpartition(".")[2].lower(): path.rpartition(".")[2] for path in StandardOptions.ALL_KNOWN_RUNNERS}
    known |= {name.lower(): name for name in REFUSED}
    found = known.get(name.lower()) or known.get(name.lower() + "runner") or name
    return _SAME_AS.get(found, found)


def check_beam_options(beam_options: Sequence[str], output: str = "") -> None:
    """Refuse, before anything runs, options that Beam does not know and engines that would fail or lose rows.

    Args:
        beam_options: what stands behind --.
        output: path or URL of the index: Dataflow's workers see no folder of this machine.

    Raises:
        UsageError: an option or a runner is refused.
    """
    options, unknown = to_options(beam_options)
    if unknown:
        raise UsageError(
            f"Beam has no option {unknown[0]!r}", remedy="see Beam's pipeline options; ours come before --"
        )
    runner = runner_of(options)
    if runner in REFUSED:
        reason, remedy = REFUSED[runner]
        raise UsageError(reason, remedy=remedy)
    if runner == "PrismRunner" and not options.get_all_options().get("prism_location"):
        raise UsageError(
            "PrismRunner without --prism_location would fetch a program first",
            remedy="build it (docs/engines.md) and give --prism_location FILE",
        )
    if runner == "DataflowRunner" and "://" not in output:
        raise UsageError(
            "Dataflow's workers see no folder of this machine",
            path=output or None,
            remedy="give --output and --dump under gs://",
        )


def describe_runner(beam_options: Sequence[str]) -> dict[str, str | None]:
    """Return where the job would run, for a dry run: runner, address, kind of worker, container, region."""
    options, _ = to_options(beam_options)
    values = options.get_all_options()
    portable = options.view_as(PortableOptions)
    return {
        "runner": runner_of(options) or _LOCAL,
        "address": portable.job_endpoint or _flink_master(values),
        "workers": portable.environment_type,
        "container": options.view_as(WorkerOptions).sdk_container_image,
        "region": values.get("region"),
    }


def _flink_master(values: dict[str, str]) -> str | None:
    master = values.get("flink_master")
    return None if master in (None, "[auto]") else master  # "[auto]" is Beam's default and no address
