"""Fixtures that several test files share: real dumps and data, or a skip that says what is absent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("untimed")

SLICE_NAME = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as unit tests those that name no other layer; doctests are among them."""
    for item in items:
        if not any(item.iter_markers("integration")) and not any(item.iter_markers("e2e")):
            item.add_marker("unit")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep tests, and the commands that they run, out of the user's cache."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


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


@pytest.fixture(scope="session")
def slice_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's photos: real pictures of some of the slice's articles."""
    folder = tmp_path_factory.mktemp("photos")
    script = Path(__file__).resolve().parents[1] / "docs" / "demo" / "collect_photos.py"
    found = subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip(f"no photos: {found.stderr.strip()}")
    return folder


@pytest.fixture(scope="session")
def slice_index(gensim_slice: Path, slice_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of the slice with both views, built once by the installed command. Read it, never write to it."""
    folder = tmp_path_factory.mktemp("slice") / "index"
    beam = Path(sys.executable).with_name("beam")
    command = [str(beam), "run", "build_wiki_index", "--dump", str(gensim_slice), "--output", str(folder)]
    command += ["--images", str(slice_photos), "--encoder", "efficientnet-lite0", "--json"]
    built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Run torch on one thread, here and in programs that a test starts: tiny models are fastest so."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(threads)
