"""The check that every extra can be installed: what it resolves, and how it names pins that disagree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PROJECT = """
[project]
name = "toy"
version = "1"
dependencies = ["base"]
[project.optional-dependencies]
good = ["picky"]
bad = ["old-fashioned"]
"""
DOCKERFILE = "FROM scratch\nRUN pip install --constraint constraints.txt '.[{extras}]' \\\n    && true\n"


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A project with an extra whose package wants a cachetools below 7, beside an index of five small wheels."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    write_wheel(tmp_path / "wheels", "base", "1")
    write_wheel(tmp_path / "wheels", "picky", "2", "cachetools >= 5")
    write_wheel(tmp_path / "wheels", "old_fashioned", "3", "cachetools < 7")
    write_wheel(tmp_path / "wheels", "cachetools", "6")
    write_wheel(tmp_path / "wheels", "cachetools", "8")
    return tmp_path


def write_wheel(folder: Path, name: str, version: str, *needs: str) -> None:
    """Write a wheel that holds its metadata alone."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}",
        *(f"Requires-Dist: {need}" for need in needs),
    ]
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "\n".join(metadata) + "\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def resolve(folder: Path, pins: str, image: str = "good") -> subprocess.CompletedProcess[str]:
    """Run the check on a project whose only index is its folder of wheels."""
    (folder / "constraints.txt").write_text(pins)
    (folder / "Dockerfile").write_text(DOCKERFILE.format(extras=image))
    command = [sys.executable, str(ROOT / ".ci" / "resolve_extras.py"), str(folder)]
    own = {"UV_NO_INDEX": "1", "UV_FIND_LINKS": str(folder / "wheels"), "UV_CACHE_DIR": str(folder / "cache")}
    return subprocess.run(command, env={**os.environ, **own}, capture_output=True, text=True, check=False, timeout=120)


def test_a_pin_that_an_extra_refuses_is_an_error_with_the_extras_name(toy: Path) -> None:
    done = resolve(toy, "base==1\npicky==2\nOld.Fashioned==3  # a reason\ncachetools==8\n")
    assert done.returncode == 1
    assert set(re.findall(r"^(.+) cannot be installed", done.stderr, re.MULTILINE)) == {
        "extra bad",
        "all extras together",
    }
    assert "old-fashioned" in done.stderr and "cachetools" in done.stderr
    assert done.stdout == "3 of 5 sets of extras resolve against constraints.txt\n"


def test_the_extras_of_the_docker_image_are_resolved_together(toy: Path) -> None:
    done = resolve(toy, "base==1\npicky==2\nold-fashioned==3\ncachetools==8\n", image="good,bad")
    assert "the Docker image [good,bad] cannot be installed" in done.stderr


def test_pins_that_all_agree_pass(toy: Path) -> None:
    done = resolve(toy, "base==1\npicky==2\nOld.Fashioned==3  # a reason\ncachetools==6\n", image="good,bad")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_package_without_a_pin_is_named(toy: Path) -> None:
    done = resolve(toy, "base==1\npicky==2\nold-fashioned==3\n")
    assert done.returncode == 1
    assert "extra good cannot be installed with constraints.txt:\nno pin for these, add: cachetools==8" in done.stderr


def test_the_image_has_what_dataflow_and_both_object_stores_need() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (ours,) = re.findall(r"'\.\[([a-z0-9,-]+)\]'", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert set(ours.split(",")) == {"dataflow", "gcs", "s3"} <= set(extras)


def test_make_check_resolves_the_extras() -> None:
    done = subprocess.run(["make", "-n", "check"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ".ci/resolve_extras.py" in done.stdout
    for script in re.findall(r"(?:pytest --quiet|python\") (\S+\.py)", done.stdout):
        assert (ROOT / script).is_file(), script
