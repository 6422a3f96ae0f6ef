"""Makes the pictures of the README: the demo index, a small real run on invented posts, the inspector, a browser.

Every command is one that a user has; it is printed before it runs. Nothing is fetched. With --work the folder is kept,
and the same call goes on where it stopped.
"""

from __future__ import annotations

import argparse
import io
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from posts import PICTURES, write_posts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HERE = Path(__file__).resolve().parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES = {"train": 48, "dev": 24, "test": 24}
SMALLER = ["training.epochs=12", "training.batch_samples=4", "encoder.max_length_pieces=128"]
WIDTH, HEIGHT = 1200, 800
MAX_BYTES = 150_000


def main() -> int:
    """Build what the pictures show, serve it, and take them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="folder for index, posts and runs (default: a new one, removed)")
    parser.add_argument(
        "--output", type=Path, default=HERE, help="folder for the pictures (default: beside the script)"
    )
    arguments = parser.parse_args()
    browser = find_browser()
    with tempfile.TemporaryDirectory() as temporary:
        work = (arguments.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        build(work)
        arguments.output.mkdir(parents=True, exist_ok=True)
        with served(work) as address, opened(browser) as window:
            take_all(window, address, work, arguments.output)
    return 0


def find_browser() -> str:
    """Find Chromium and Playwright, or end and say what to install."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        print("no Chromium here; install one, for instance: apt install chromium", file=sys.stderr)
        raise SystemExit(5)
    try:
        import playwright  # noqa: F401
    except ImportError:
        print("Playwright is not installed; run: pip install '.[test]'", file=sys.stderr)
        raise SystemExit(5) from None
    return program


def build(work: Path) -> None:
    """Make the demo index, a data set of invented posts with contexts, two experts and their mixture."""
    run(work, [sys.executable, str(HERE.parent / "demo" / "run.py"), "--output", "demo"])
    if not (work / "set").exists():
        write_posts(work / "posts", SIZES)
        run(work, ["mie-train", "data", "convert", "posts", "--set", "invented", "--format", "jsonl", "--out", "set"])
    images = ["--images", "demo/photos"]
    run(work, ["mie-index", "retrieve", "set", "--index", "demo/index", "--out", "contexts", *images])
    run(work, ["mie-train", "fit", "small-baseline", "data.samples=set", *SMALLER, "--out", "runs/baseline"])
    contexts = ["data.samples=set", "data.contexts=contexts", "data.contexts_per_source=2"]
    run(work, ["mie-train", "fit", "small-text", *contexts, *SMALLER, "--out", "runs/text"])
    experts = ["runs/baseline", "runs/text"]
    run(work, ["mie-train", "moe", *experts, "--gate", "token", "--out", "runs/mixture", "--overwrite"])
    run(work, ["mie-train", "evaluate", "runs/mixture", "--split", "test"])
    run(work, ["mie-train", "report", *experts, "runs/mixture", "--html", "runs.html"])
    run(work, ["mie-index", "info", "demo/index", "--html", "index.html"])


def run(work: Path, command: list[str]) -> None:
    """Print a command and run it from this environment; end if it fails."""
    print(f"$ {shlex.join(command)}", flush=True)
    program = Path(sys.executable).with_name(command[0]) if command[0] != sys.executable else command[0]
    code = subprocess.run([str(program), *command[1:]], cwd=work, check=False).returncode
    if code:
        raise SystemExit(code)


@contextmanager
def served(work: Path) -> Iterator[str]:
    """Serve index, posts and runs, and yield the address."""
    command = ["serve", "demo/index", "--images", "demo/photos", "--samples", "set", "--sample-images", "demo/photos"]
    command += ["--contexts", "contexts"]
    command += [word for name in ("baseline", "text", "mixture") for word in ("--run", f"runs/{name}")]
    program = str(Path(sys.executable).with_name("mie-index"))
    print(f"$ {shlex.join(['mie-index', *command])}", flush=True)
    serving = subprocess.Popen([program, *command, "--port", "0"], cwd=work, stdout=subprocess.PIPE, text=True)
    try:
        assert serving.stdout is not None
        address = serving.stdout.readline().strip().rstrip("/")
        if not address.startswith("http://"):
            raise SystemExit(serving.wait(timeout=60) or 1)
        yield address
    finally:
        serving.terminate()
        serving.wait(timeout=60)


@contextmanager
def opened(program: str) -> Iterator[Browser]:
    """Start the browser without a visible window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--disable-gpu"], chromium_sandbox=False)
        yield browser
        browser.close()


def take_all(browser: Browser, address: str, work: Path, output: Path) -> None:
    """Take every picture."""
    sample = f"{address}/samples/test/{sample_that_differs(work)}"
    for scheme in ("light", "dark"):
        page = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark" if scheme == "dark" else "light"
        ).new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{address}/?q=which+animal+eats+termites&k=3")
        take(page, output / f"search-{scheme}.png")
        page.goto(f"{address}/?k=3")
        page.set_input_files("input[type=file]", work / "demo" / "photos" / PICTURES[1])
        page.locator("#heading-image").wait_for()
        take(page, output / f"picture-{scheme}.png")
        for name, url in (("sample", sample), ("runs", f"{address}/runs"), ("index", f"{address}/index")):
            page.goto(url)
            take(page, output / f"{name}-{scheme}.png")


def sample_that_differs(work: Path) -> str:
    """Return the first test sample for which baseline and mixture predict different tags, else the first."""
    rows = [
        [json.loads(line) for line in (work / "runs" / name / "predictions" / "test.jsonl").open(encoding="utf-8")]
        for name in ("baseline", "mixture")
    ]
    names = [one["sample_id"] for one, other in zip(*rows, strict=True) if one["tags"] != other["tags"]]
    return str((names or [rows[0][0]["sample_id"]])[0])


def take(page: Page, path: Path) -> None:
    """Take a picture of the visible part of a page, in at most 256 colours, and check its size."""
    from PIL import Image

    page.wait_for_load_state("networkidle")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.name}: {size:,} bytes")
    if size > MAX_BYTES:
        raise SystemExit(f"{path} is larger than {MAX_BYTES:,} bytes")


if __name__ == "__main__":
    sys.exit(main())
