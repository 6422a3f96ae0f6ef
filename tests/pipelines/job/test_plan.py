"""The shard plan: consecutive streams, about equal sizes, the same for any number of workers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.dump import Stream
from pipelines.job import find_inputs, plan_shards
from pipelines.job.plan import MIN_SHARDS, SHARD_BYTES, group_streams
from schemas.errors import InputError, UsageError
from tests.support.dumps import DumpPage, write_dump

PAGES = [DumpPage(f"Page {number}", "Text.") for number in range(8)]


def streams_of(lengths: list[int]) -> list[Stream]:
    starts = [sum(lengths[:at]) for at in range(len(lengths))]
    return [Stream("a.bz2", start, length, "bz2") for start, length in zip(starts, lengths, strict=True)]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=60), st.integers(1, 20))
def test_every_stream_is_in_one_shard_in_order(lengths: list[int], shards: int) -> None:
    streams = streams_of(lengths)
    groups = group_streams(streams, shards)
    assert [stream for group in groups for stream in group] == streams
    assert all(groups) and len(groups) <= min(shards, len(streams))


def test_shards_are_of_about_equal_size() -> None:
    groups = group_streams(streams_of([10] * 100), 4)
    assert [len(group) for group in groups] == [25, 25, 25, 25]


def test_a_large_stream_is_a_shard_of_its_own() -> None:
    groups = group_streams(streams_of([1, 1, 1000, 1, 1]), 5)
    assert [[stream.length for stream in group] for group in groups] == [[1, 1], [1000], [1, 1]]


def test_a_small_dump_of_many_streams_gives_work_to_many_cores() -> None:
    assert len(group_streams(streams_of([100] * 200))) == MIN_SHARDS


def test_a_large_dump_has_shards_of_bounded_size() -> None:
    groups = group_streams(streams_of([2**20] * 4096))
    assert len(groups) == 64
    assert max(sum(stream.length for stream in group) for group in groups) <= SHARD_BYTES + 2**20


def test_no_stream_gives_no_shard() -> None:
    assert group_streams([]) == []


def test_a_limited_build_has_one_shard(tmp_path: Path) -> None:
    dump = write_dump(tmp_path, PAGES)
    assert len(plan_shards([dump], None, is_limited=True).shards) == 1
    assert len(plan_shards([dump], None, is_limited=False).shards) > 1


def test_the_plan_covers_every_byte_of_the_inputs(tmp_path: Path) -> None:
    dump = write_dump(tmp_path, PAGES)
    plan = plan_shards([dump], None, is_limited=False)
    assert plan.size_bytes == dump.stat().st_size
    assert plan.digest() == plan_shards([dump], None, is_limited=False).digest()
    assert plan.digest() != plan_shards([dump], None, is_limited=True).digest()


def test_no_dump_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no dump"):
        find_inputs([], None)


def test_a_missing_dump_is_an_input_error() -> None:
    with pytest.raises(InputError, match="no such file"):
        find_inputs(["absent.xml.bz2"], None)


def test_an_index_belongs_to_one_dump(tmp_path: Path) -> None:
    paths = [str(write_dump(tmp_path, PAGES, kind)) for kind in ("xml", "bz2")]
    with pytest.raises(UsageError, match="one dump"):
        find_inputs(paths, "index.txt.bz2")
