"""Lists the benchmarks: one line of what each script claims, and how to run it."""

from __future__ import annotations

import ast
from pathlib import Path


def main() -> None:
    """Print name and first docstring line of every script beside this one."""
    scripts = [
        path for path in sorted(Path(__file__).parent.glob("*.py")) if path.name not in ("__init__.py", "list.py")
    ]
    for script in scripts:
        text = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or "(no description)"
        print(f"make bench RUN={script.stem:<20} {text.splitlines()[0]}")


if __name__ == "__main__":
    main()
