"""Engines that are refused before anything runs, and how a dry run describes the others."""

from __future__ import annotations

import pytest

from pipelines.beam import check_beam_options, describe_runner
from schemas.errors import UsageError

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "name", ["DaskRunner", "dask", "daskrunner", "apache_beam.runners.dask.dask_runner.DaskRunner"]
)
def test_dask_is_refused_because_it_loses_rows(name: str) -> None:
    with pytest.raises(UsageError, match="loses rows") as caught:
        check_beam_options(["--runner", name])
    assert "FlinkRunner" in str(caught.value.remedy)


@pytest.mark.parametrize("options", [["--runner=DirectRunner"], ["--runner", "direct"], ["--runner=PrismRunner"]])
def test_a_runner_that_would_fetch_a_program_is_refused(options: list[str]) -> None:
    with pytest.raises(UsageError, match="would fetch"):
        check_beam_options(options)


def test_prism_with_its_program_is_not_refused() -> None:
    check_beam_options(["--runner=PrismRunner", "--prism_location=prism"])


def test_dataflow_needs_an_output_that_its_workers_see() -> None:
    with pytest.raises(UsageError, match="no folder of this machine"):
        check_beam_options(["--runner=DataflowRunner"], "/data/enwiki")
    check_beam_options(["--runner=DataflowRunner"], "gs://bucket/enwiki")


def test_an_engine_is_described_by_its_address_workers_and_image() -> None:
    portable = ["--runner=PortableRunner", "--job_endpoint=127.0.0.1:8099", "--environment_type=EXTERNAL"]
    described = describe_runner([*portable, "--sdk_container_image=mie"])
    assert described["runner"] == "PortableRunner"
    assert described["address"] == "127.0.0.1:8099"
    assert described["workers"] == "EXTERNAL"
    assert described["container"] == "mie"
    assert describe_runner([])["runner"] == "this machine (FnApiRunner)"
    assert describe_runner(["--runner=FlinkRunner", "--flink_master=host:8081"])["address"] == "host:8081"
