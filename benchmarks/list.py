"""The list of benchmarks: how to run each, and the first line of its docstring."""

from __future__ import annotations

import ast
from pathlib import Path


def find_benchmarks() -> dict[str, str]:
    """Return the first line of the docstring of every script in this folder that has a main function, by its name."""
    found = {}
    for script in sorted(Path(__file__).parent.glob("*.py")):
        tree = ast.parse(script.read_text(encoding="utf-8"))
        has_main = any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)
        if has_main and script.name != Path(__file__).name:
            found[script.stem] = (ast.get_docstring(tree) or "(no description)").splitlines()[0]
    return found


def main() -> None:
    """Print a line for each benchmark."""
    for name, line in find_benchmarks().items():
        print(f"make bench RUN={name:<20} {line}")


if __name__ == "__main__":
    main()
