"""The filters and the sample that an address names, for pages and API."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Path, Query

from indexer.web.samples.filters import Filters

__all__ = ["ListFilters", "SampleFilters", "SampleId", "Split"]

SampleId = Annotated[str, Path(max_length=1000, description="Id of a sample.")]
Split = Annotated[str, Path(max_length=20, description="train, dev or test.")]


def _without_split(
    run: Annotated[str, Query(max_length=300, description="The run whose mistakes count.")] = "",
    against: Annotated[str, Query(max_length=300, description="The run that it is compared with.")] = "",
    kind: Annotated[str, Query(max_length=40, description="A kind of mistake, or right, ...")] = "",
    change: Annotated[str, Query(max_length=10, description="fixed, broken, better, worse or same.")] = "",
    type: Annotated[str, Query(max_length=300, description="Entity type or relation, gold or predicted.")] = "",  # noqa: A002
    window: Annotated[str, Query(max_length=20, description="with contexts or without contexts.")] = "",
    gate: Annotated[str, Query(max_length=300, description="The expert that the gate trusted most.")] = "",
    picture: Annotated[str, Query(max_length=10, description="with, missing or without.")] = "",
    q: Annotated[str, Query(max_length=300, description="Words of the post, in any case.")] = "",
    page: Annotated[int, Query(ge=1, le=1_000_000_000)] = 1,
) -> Filters:
    return Filters("", run, against, kind, change, type, window, gate, picture, q, page)


SampleFilters = Annotated[Filters, Depends(_without_split)]
"""The filters in the address of a sample, whose path names the split."""


def _with_split(
    others: SampleFilters, split: Annotated[str, Query(max_length=20, description="train, dev or test.")] = ""
) -> Filters:
    return replace(others, split=split)


ListFilters = Annotated[Filters, Depends(_with_split)]
"""The filters in the address of the list."""
