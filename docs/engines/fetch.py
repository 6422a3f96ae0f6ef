"""Fetch the engines that are no Python packages: Flink's jars with Maven, Prism with Go.

python docs/engines/fetch.py flink prism --into .engines
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PRISM = "github.com/apache/beam/sdks/v2/go/cmd/prism"


def main() -> int:
    """Fetch the engines that are named and not there yet.

    Returns:
        Exit code: 0, or 5 if a tool for it is not installed.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="+", choices=("flink", "prism"))
    parser.add_argument("--into", type=Path, default=Path(".engines"), metavar="FOLDER")
    parser.add_argument("--prism-version", default="v2.77.0", help="of Beam's Go module (default: %(default)s)")
    arguments = parser.parse_args()
    arguments.into.mkdir(parents=True, exist_ok=True)
    codes = []
    for engine in arguments.engines:
        fetch = fetch_flink if engine == "flink" else fetch_prism
        codes.append(fetch(arguments.into.resolve(), arguments.prism_version))
    return max(codes)


def fetch_flink(into: Path, _version: str) -> int:
    """Copy the jars into INTO/flink; the folder gets its name when all are there."""
    target, partial = into / "flink", into / "flink.partial"
    if target.is_dir():
        return report(f"{target} is there")
    maven = shutil.which("mvn")
    if maven is None:
        return report_missing("mvn (Maven, which needs a JDK)")
    shutil.rmtree(partial, ignore_errors=True)
    command = [maven, "-B", "-q", "-f", str(HERE / "flink-pom.xml"), "dependency:copy-dependencies"]
    subprocess.run([*command, f"-DoutputDirectory={partial}", "-DincludeScope=runtime"], check=True)
    partial.rename(target)
    return report(f"{target}: {len(list(target.glob('*.jar')))} jars")


def fetch_prism(into: Path, version: str) -> int:
    """Build INTO/prism from its Go module."""
    target = into / "prism"
    if target.is_file():
        return report(f"{target} is there")
    go = shutil.which("go")
    if go is None:
        return report_missing("go")
    environ = dict(os.environ, GOBIN=str(into / "prism.partial"))
    subprocess.run([go, "install", f"{PRISM}@{version}"], check=True, env=environ)
    (into / "prism.partial" / "prism").rename(target)
    shutil.rmtree(into / "prism.partial")
    return report(f"{target}: {target.stat().st_size / 1e6:,.0f} MB")


def report(text: str) -> int:
    """Print a line for the user, and return exit code 0."""
    print(text, file=sys.stderr)
    return 0


def report_missing(tool: str) -> int:
    """Print which tool is not installed, and return exit code 5."""
    print(f"not installed: {tool}", file=sys.stderr)
    return 5


if __name__ == "__main__":
    sys.exit(main())
