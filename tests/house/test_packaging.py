"""What the distribution holds, and that the set-up files agree with each other."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"indexer", "pipelines", "schemas", "trainer"}


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\0")
    if not any(files):
        pytest.skip("not a git checkout")
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(source)], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_the_wheel_holds_our_packages_and_nothing_else(wheel_names: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES
    assert all(
        name.endswith((".py", ".pyi", "py.typed", ".toml", ".tsv", ".css", ".html", ".js"))
        for name in wheel_names
        if ".dist-info/" not in name
    )


def test_the_wheel_holds_every_template_style_preset_and_table(wheel_names: list[str]) -> None:
    tracked = subprocess.run(["git", "ls-files", "-z", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    data = {name for name in tracked.stdout.split("\0") if name.endswith((".html", ".css", ".js", ".toml", ".tsv"))}
    assert {
        "schemas/display/templates/page.html",
        "indexer/report/templates/index_parts.html",
        "pipelines/templates/data/units.tsv",
        "pipelines/wikitext/data/link_prefixes.tsv",
    } <= data
    assert data <= set(wheel_names)


def test_every_direct_dependency_is_pinned_in_the_constraints() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
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
