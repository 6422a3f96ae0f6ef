"""Engines that the job may run on: which it refuses and why, and which need something said first."""

from __future__ import annotations

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
    """Parse Beam's own options; give those that it does not know as well."""
    options = PipelineOptions(flags=list(beam_options))
    known = PipelineOptions(flags=[]).get_all_options(drop_default=False)
    given = [word.partition("=")[0] for word in beam_options if word.startswith("--")]
    names = {"--" + name for name in known} | {"--no_" + name for name in known}
    return options, [word for word in given if word not in names and word.replace("-", "_") not in names]


def runner_of(options: PipelineOptions) -> str | None:
    """Name the runner among Beam's options as Beam would find it: by class name, in any case; None: none is named.

    >>> runner_of(to_options(["--runner", "dask"])[0]), runner_of(to_options([])[0])
    ('DaskRunner', None)
    """
    given = options.view_as(StandardOptions).runner
    if given is None:
        return None
    name = str(given).rpartition(".")[2]
    known = {path.rpartition(".")[2].lower(): path.rpartition(".")[2] for path in StandardOptions.ALL_KNOWN_RUNNERS}
    known |= {name.lower(): name for name in REFUSED}
    found = known.get(name.lower()) or known.get(name.lower() + "runner") or name
    return _SAME_AS.get(found, found)


def check_beam_options(beam_options: Sequence[str], output: str = "") -> None:
    """Refuse, before anything runs, options that Beam does not know and engines that would fail or lose rows.

    Args:
        beam_options: what stands behind --.
        output: where the index goes: Dataflow's workers share no folder.

    Raises:
        UsageError: saying which and why.
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
    """Say for a dry run where the job would run: runner, address, kind of worker, container."""
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
    return None if master in (None, "[auto]") else master
