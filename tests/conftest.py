"""Fixtures that several test files share: real dumps and data, or a skip that says what is absent."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("untimed")

SLICE_NAME = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the folder it stands in; doctests are unit tests."""
    for item in items:
        folder = item.path.parent.name
        item.add_marker(folder if folder in ("integration", "e2e") else "unit")


@pytest.fixture(scope="session")
def gensim_slice() -> Path:
    """A real English Wikipedia slice of 206 pages that the gensim package carries."""
    try:
        files = metadata.files("gensim") or []
    except metadata.PackageNotFoundError:
        pytest.skip("gensim is not installed: pip install '.[demo]'")
    for file in files:
        if file.name == SLICE_NAME:
            return Path(str(file.locate()))
    pytest.skip(f"this gensim carries no {SLICE_NAME}")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public research data beside the checkout."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no research data at {SHARED_DATA}")
    return SHARED_DATA
