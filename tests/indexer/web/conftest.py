"""Fixtures that tests of the inspector share: what it shows, the server, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser_eyes import Eyes, open_browser, open_eyes
from tests.support.inspector_house import House, Served, build_house

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def inspector_house(slice_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """An index, tweets, contexts and runs. Read them, never write to them."""
    return build_house(tmp_path_factory.mktemp("house"), slice_photos)


@pytest.fixture(scope="session")
def served(inspector_house: House) -> Iterator[Served]:
    """The inspector in a process of its own, with all that it can show."""
    with Served(inspector_house.command, inspector_house.root) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; of one file of tests, because its event loop must not run beside those of others."""
    with open_browser() as browser:
        yield browser


@pytest.fixture
def eyes(browser: Browser, served: Served) -> Iterator[Eyes]:
    """A page of the server."""
    with open_eyes(browser, served.url) as eyes:
        yield eyes
