"""Resolve every extra of pyproject.toml against constraints.txt, and name each that cannot be installed.

`make check` runs it. It asks the package index for metadata alone and installs nothing: some 20 seconds, less when uv
has the metadata in its cache. What it holds:

- each extra by itself, all of them together, and the set that the Dockerfile installs can be installed with our pins;
- no package of a set is without a pin, so that a new release on the index cannot break what worked today.

Behind a mirror or a proxy, uv is told by its own variables (UV_DEFAULT_INDEX, SSL_CERT_FILE), not by those of pip.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uv

PYTHON = "3.11"
"""The oldest Python that we support, the one of CI, and that of the Docker image."""
PLATFORM = "x86_64-manylinux_2_28"
"""The pins hold the CUDA build of torch, whose packages exist for Linux; on a Mac we still check that."""


def main() -> int:
    """Resolve all sets side by side; return 1 and print each fault on stderr where there are any."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path, nargs="?", default=Path(__file__).resolve().parents[1])
    project: Path = parser.parse_args().project
    sets = sets_of_extras(project)
    program = uv.find_uv_bin()  # once, before the threads: sysconfig, which it asks, is not safe in several
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        faults = list(pool.map(lambda extras: find_fault(program, project, extras), sets.values()))
    for name, fault in zip(sets, faults, strict=True):
        if fault is not None:
            print(f"{name} cannot be installed with constraints.txt:\n{fault}\n", file=sys.stderr)
    broken = sum(fault is not None for fault in faults)
    print(f"{len(sets) - broken} of {len(sets)} sets of extras resolve against constraints.txt")
    return 1 if broken else 0


def sets_of_extras(project: Path) -> dict[str, list[str]]:
    """Return what is resolved: name for messages -> extras."""
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    extras = list(tomllib.loads(text)["project"]["optional-dependencies"])
    sets = {"the base install": []} | {f"extra {extra}": [extra] for extra in extras}
    dockerfile = project / "Dockerfile"
    if dockerfile.is_file():
        ours = extras_of_image(dockerfile.read_text(encoding="utf-8"))
        sets[f"the Docker image [{','.join(ours)}]"] = ours
    return sets | {"all extras together": extras}


def extras_of_image(dockerfile: str) -> list[str]:
    """Return the extras that a Dockerfile installs of the project in its folder.

    >>> extras_of_image("RUN pip install --constraint constraints.txt '.[dataflow,s3]'")
    ['dataflow', 's3']
    """
    (found,) = re.findall(r"pip install [^&]*'\.\[([a-z0-9,-]+)\]'", dockerfile)
    return str(found).split(",")


def find_fault(program: str, project: Path, extras: list[str]) -> str | None:
    """Resolve one set of extras; return None, or why it cannot be installed, or which packages have no pin."""
    command = [program, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--no-strip-extras"]
    command += ["--constraints", "constraints.txt", "--python-version", PYTHON, "--python-platform", PLATFORM]
    for extra in extras:
        command += ["--extra", extra]
    done = subprocess.run(  # noqa: S603
        [*command, "pyproject.toml"], cwd=project, capture_output=True, text=True, check=False
    )
    if done.returncode:
        return done.stderr.strip()
    pins = read_pins((project / "constraints.txt").read_text(encoding="utf-8"))
    loose = [f"{name}=={version}" for name, version in read_pins(done.stdout).items() if name not in pins]
    return f"no pin for these, add: {' '.join(loose)}" if loose else None


def read_pins(text: str) -> dict[str, str]:
    r"""Read `name==version` lines: normalised name -> version.

    >>> read_pins("Jinja2==3.1.6  # pages\n# What they need:\napache-beam[gcp]==2.77.0 ; python_version > '3'\n")
    {'jinja2': '3.1.6', 'apache-beam': '2.77.0'}
    """
    lines = (re.split(r"[ ;#]", line)[0].partition("==") for line in text.splitlines())
    return {re.sub(r"[-_.]+", "-", name.split("[")[0]).lower(): version for name, _, version in lines if version}


if __name__ == "__main__":
    sys.exit(main())
