"""The list of benchmarks: how to run each, and the first line of its docstring."""

from __future__ import annotations

import ast
from pathlib import Path


def main() -> None:
    """Print a line for every script in this folder that has a main function."""
    for script in sorted(Path(__file__).parent.glob("*.py")):
        tree = ast.parse(script.read_text(encoding="utf-8"))
        if script.name != "list.py" and any(
            isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body
        ):
            text = ast.get_docstring(tree) or "(no description)"
            print(f"make bench RUN={script.stem:<20} {text.splitlines()[0]}")


if __name__ == "__main__":
    main()
