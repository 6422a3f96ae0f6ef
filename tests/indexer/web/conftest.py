"""Fixtures that tests of the inspector share: what it shows, the server, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import Window, open_browser, open_window
from tests.support.inspector_folders import InspectorFolders, Served, build_folders

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def inspector_folders(slice_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> InspectorFolders:
    """Index, tweets, contexts and runs. Read them, never write to them."""
    return build_folders(tmp_path_factory.mktemp("inspector"), slice_photos)


@pytest.fixture(scope="session")
def served(inspector_folders: InspectorFolders) -> Iterator[Served]:
    """The inspector in a process of its own, with all that it can show."""
    with Served(inspector_folders.command, inspector_folders.root) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; of one file of tests, because its event loop must not run beside those of others."""
    with open_browser() as browser:
        yield browser


@pytest.fixture
def window(browser: Browser, served: Served) -> Iterator[Window]:
    """A page of the server."""
    with open_window(browser, served.url) as window:
        yield window
