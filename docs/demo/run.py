"""The demo: both indexes from a real slice of English Wikipedia, three queries by text and one by picture.

Each command is printed before it runs, so that a reader can repeat it.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from collect_photos import collect_photos, make_query_image

SLICE_NAME = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
QUERIES = (
    "Who did Agassi beat in the quarterfinal of the 2005 US Open?",
    "the first animated feature film",
    "which animal digs fast and eats termites",
)


def main() -> int:
    """Build the index of the demo and query it; return 0, or the exit code of the first command that fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("demo"), help="folder for photos and index (default: demo)")
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    photos = collect_photos(output / "photos")
    query_image = make_query_image(output / "photos", output / "query.jpg")
    index = str(output / "index")
    build = ["beam", "run", "build_wiki_index", "--dump", str(find_slice()), "--images", str(output / "photos")]
    print(f"{len(photos)} photos of the dump's articles come from installed packages (docs/demo/photos.toml)\n")
    commands = [[*build, "--encoder", "efficientnet-lite0", "--output", index]]
    commands += [["mie-index", "query", index, "--text", text, "-k", "3"] for text in QUERIES]
    commands += [["mie-index", "query", index, "--image", str(query_image), "-k", "3"]]
    for command in commands:
        code = run(command)
        if code:
            return code
    return 0


def find_slice() -> Path:
    """Return the path of the slice of a real dump (206 pages) that gensim is shipped with, without importing gensim."""
    for file in metadata.files("gensim") or []:
        if file.name == SLICE_NAME:
            return Path(str(file.locate()))
    raise SystemExit(f"the installed gensim has no {SLICE_NAME}; run: make demo")


def run(command: list[str]) -> int:
    """Print a command as a person types it, run it with the programs of this environment, and return its exit code."""
    print(f"$ {shlex.join(command)}", flush=True)
    program = Path(sys.executable).with_name(command[0])
    code = subprocess.run([str(program), *command[1:]], check=False).returncode  # noqa: S603
    print(flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
