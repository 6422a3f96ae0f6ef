"""Fixtures that tests of the inspector share: what it shows, and the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from inspector_house import House, Served, build_house


@pytest.fixture(scope="session")
def inspector_house(slice_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """An index, tweets, contexts and runs. Read them, never write to them."""
    return build_house(tmp_path_factory.mktemp("house"), slice_photos)


@pytest.fixture(scope="session")
def served(inspector_house: House) -> Iterator[Served]:
    """The inspector in a process of its own, with all that it can show."""
    with Served(inspector_house.command, inspector_house.root) as served:
        yield served
