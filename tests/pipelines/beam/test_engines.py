"""The same job on other engines, each with processes of its own: the rows and hits of the local run."""

from __future__ import annotations

import bz2
import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.encoders import decode_image
from indexer.index import WikiIndex
from schemas.manifest import read_manifest
from tests.support.dumps import write_multistream

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
ENGINES = Path(os.environ.get("MIE_ENGINES", ROOT / ".engines"))
FLINK = ROOT / "docs" / "engines" / "flink.py"
KEYS = {
    "pages": ["page_id"],
    "sentences": ["sentence_id"],
    "paragraphs": ["paragraph_id"],
    "images": ["page_id", "position", "file"],
    "embeddings": ["file"],
    "rejects": ["stage", "id"],
}
QUERIES = [
    "the first animated feature film",
    "which animal eats termites",
    "capital of Alabama",
    "a noble gas",
    "Rocky",
]


def engine(name: str) -> Path:
    """Return the path of an engine; without it skip the test, naming the command that fetches it."""
    path = ENGINES / name
    if not path.exists():
        pytest.skip(f"no {name} in {ENGINES}: python docs/engines/fetch.py {name}")
    return path


@pytest.fixture(scope="module")
def many_streams(gensim_slice: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The slice cut into streams of ten pages, so that there is work for several workers."""
    xml = bz2.decompress(gensim_slice.read_bytes()).decode()
    pages = re.findall(r"  <page>.*?</page>\n", xml, re.DOTALL)
    start, end = xml.index(pages[0]), xml.index(pages[-1]) + len(pages[-1])
    path = tmp_path_factory.mktemp("cut") / gensim_slice.name
    write_multistream(path, xml[:start], pages, xml[end:], pages_per_stream=10)
    return path


@pytest.fixture(scope="module")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[str], str]]:
    """Beam's options for a Flink cluster of two task managers, and the address of its web interface."""
    jars, state = engine("flink"), tmp_path_factory.mktemp("flink")
    try:
        command = [sys.executable, str(FLINK), "start", str(state), "--jars", str(jars), "--slots", "2"]
        started = subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)
        assert started.returncode == 0, started.stderr
        port = re.search(r"^rest.port: (\d+)", (state / "config.yaml").read_text(), re.MULTILINE)
        assert port is not None
        yield started.stdout.split(), f"http://127.0.0.1:{port.group(1)}"
    finally:
        stopped = subprocess.run([sys.executable, str(FLINK), "stop", str(state)], check=False, timeout=60)
    assert stopped.returncode == 0
    assert not (state / "pids.json").exists()


def build_on(options: list[str], dump: Path, photos: Path, output: Path) -> None:
    """Run the installed command with Beam's options."""
    command = [str(Path(sys.executable).with_name("beam")), "run", "build_wiki_index", "--dump", str(dump), "--json"]
    command += ["--output", str(output), "--images", str(photos), "--encoder", "efficientnet-lite0", "--", *options]
    built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["status"] == "built"


def rows(output: Path, table: str) -> pa.Table:
    """Return all rows of a table, in an order that does not depend on the shards."""
    files = sorted((output / table).glob("part-*.parquet"))
    return pa.concat_tables([pq.read_table(file) for file in files]).sort_by(
        [(key, "ascending") for key in KEYS[table]]
    )


def assert_equal(output: Path, reference: Path, photo: Path) -> None:
    """Check that rows, counts, sentences found and pictures found are those of the reference."""
    for table in KEYS:
        assert rows(output, table).equals(rows(reference, table)), table
    assert read_manifest(output).counts == read_manifest(reference).counts
    ours, theirs = WikiIndex(output), WikiIndex(reference)
    assert ours.search_text(QUERIES, k=10) == theirs.search_text(QUERIES, k=10)
    picture = decode_image(photo.read_bytes())
    assert ours.search_image([picture], k=5) == theirs.search_image([picture], k=5)


def test_flink_gives_the_rows_and_hits_of_the_local_run(
    flink: tuple[list[str], str], many_streams: Path, slice_index: Path, slice_photos: Path, tmp_path: Path
) -> None:
    options, address = flink
    build_on(options, many_streams, slice_photos, tmp_path / "index")
    assert_equal(tmp_path / "index", slice_index, sorted(slice_photos.glob("*.jpg"))[0])
    for stage in (
        "Parse shard",
        "Finish shard",
        "Index shard",
    ):  # pictures are few: Flink may put their shards together
        assert len(task_managers(address, stage)) == 2, f"{stage} ran in one process"


def task_managers(address: str, step: str) -> set[str]:
    """Return the task managers that had rows of a step."""

    def get(path: str) -> Any:
        with urllib.request.urlopen(f"{address}/{path}", timeout=10) as response:
            return json.load(response)

    return {
        subtask["taskmanager-id"]
        for job in get("jobs/overview")["jobs"]
        for vertex in get(f"jobs/{job['jid']}")["vertices"]
        if step in vertex["name"]
        for subtask in get(f"jobs/{job['jid']}/vertices/{vertex['id']}")["subtasks"]
        if subtask["metrics"]["read-records"]
    }


def test_prism_gives_the_rows_and_hits_of_the_local_run(
    many_streams: Path, slice_index: Path, slice_photos: Path, tmp_path: Path
) -> None:
    prism = engine("prism")
    options = ["--runner=PrismRunner", f"--prism_location={prism}"]
    build_on(options, many_streams, slice_photos, tmp_path / "index")
    assert_equal(tmp_path / "index", slice_index, sorted(slice_photos.glob("*.jpg"))[0])
