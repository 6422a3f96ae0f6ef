"""What the distribution and the Docker image hold, and that the set-up files agree with each other."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"indexer", "pipelines", "schemas", "trainer"}


def package_files() -> list[str]:
    """Every file of our packages as it lies in the tree: code, stubs, templates, styles, presets and tables."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    return sorted(path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts)


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel_names(project: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel, built from what the Dockerfile copies: a fresh folder without git."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in [*package_files(), *needed_to_build(project)]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_the_newest_version_of_the_changelog_is_that_of_the_project(project: dict[str, Any]) -> None:
    versions = re.findall(r"^## \[([0-9.]+)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] == project["version"]


def needed_to_build(project: dict[str, Any]) -> list[str]:
    return ["pyproject.toml", project["readme"], *project["license-files"]]


def test_the_wheel_holds_every_file_of_our_packages_and_nothing_else(wheel_names: set[str]) -> None:
    in_tree = set(package_files())
    assert {Path(name).suffix for name in in_tree} >= {".py", ".pyi", ".css", ".html", ".toml", ".tsv"}
    in_wheel = {name for name in wheel_names if ".dist-info/" not in name}
    assert sorted(in_tree - in_wheel) == [], "name their suffix in pyproject.toml, [tool.setuptools.package-data]"
    assert sorted(in_wheel - in_tree) == []


def test_the_image_gets_every_file_that_its_installation_reads(project: dict[str, Any]) -> None:
    copied = {
        name.removeprefix("./")
        for line in re.findall(r"^COPY (.+) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
        for name in line.split()
    }
    assert copied == {*needed_to_build(project), "constraints.txt", *PACKAGES}
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied
    left_out = [rule.removeprefix("**/") for rule in rules if not rule.startswith("!") and rule != "*"]
    hidden = [
        file for file in package_files() if any(fnmatch(part, rule) for part in file.split("/") for rule in left_out)
    ]
    assert hidden == []


def test_the_image_starts_from_the_pinned_beam_and_the_oldest_python(project: dict[str, Any]) -> None:
    (python, beam) = re.findall(
        r"^FROM apache/beam_python([\d.]+)_sdk:([\d.]+)$",
        (ROOT / "Dockerfile").read_text(encoding="utf-8"),
        re.MULTILINE,
    )[0]
    assert f"apache-beam=={beam} " in (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert project["requires-python"] == f">={python}"


def test_every_direct_dependency_is_pinned_in_the_constraints(project: dict[str, Any]) -> None:
    direct = [*project["dependencies"], *(d for group in project["optional-dependencies"].values() for d in group)]
    pinned = {
        normal(line.split("==")[0])
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    }
    missing = {normal(re.split(r"[<>=\[ ;]", name)[0]) for name in direct} - pinned
    assert not missing, f"not pinned: {sorted(missing)}"


def test_no_tracked_file_names_a_package_registry() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--" not in re.sub(r"#.*", "", text)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
