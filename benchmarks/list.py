"""Lists the benchmarks: one line of what each script claims, and how to run it."""

from __future__ import annotations

import ast
from pathlib import Path


def main() -> None:
    """Print name and first docstring line of every script beside this one."""
    for script in sorted(Path(__file__).parent.glob("*.py")):
        tree = ast.parse(script.read_text(encoding="utf-8"))
        if script.name != "list.py" and any(
            isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body
        ):
            text = ast.get_docstring(tree) or "(no description)"
            print(f"make bench RUN={script.stem:<20} {text.splitlines()[0]}")


if __name__ == "__main__":
    main()
