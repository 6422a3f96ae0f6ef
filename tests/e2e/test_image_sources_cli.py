"""Pictures from several sources through the installed commands: built, summed up, listed, refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.support.commons_server import CommonsServer
from tests.support.dumps import DumpPage, write_dump
from tests.support.picture_stores import WRITERS

pytestmark = pytest.mark.e2e

BIN = Path(sys.executable).parent
NAMES = ["Tea cup.jpg", "Old map.svg", "Leaf.jpg", "Pot.jpg"]


def run(program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [str(BIN / program), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pages = [
        DumpPage(f"Thing {at}", f"A thing that people make.\n\n[[File:{name}|thumb|This is {name[:-4]}.]]")
        for at, name in enumerate([*NAMES, "Gone.jpg"])
    ]
    return write_dump(tmp_path_factory.mktemp("dump"), pages)


def test_articles_captions_and_photos_from_many_places_are_one_index_that_accounts_for_each_file(
    dump: Path, shared_data: Path, tmp_path: Path
) -> None:
    photos = [path.read_bytes() for path in sorted((shared_data / "coco128").glob("*.jpg"))[:4]]
    folder = WRITERS["flat"](tmp_path, {"Tea cup.jpg": photos[0], "Old map.svg": b"<svg/>", "Pot.jpg": photos[3][:900]})
    zim = WRITERS["zim"](tmp_path, {"Leaf.jpg": photos[2]})
    index = tmp_path / "index"
    with CommonsServer() as site:
        site.pictures["Old map.svg"] = photos[1]
        words = ("run", "build_wiki_index", "--dump", dump, "--output", index, "--encoder", "efficientnet-lite0")
        images = ("--images", f"{folder},{zim}", "--images", f"commons:{site.base}", "--contact", "ops@our-lab.org")
        built = run("beam", *words, *images, "--json", "--workers", "1")
        assert built.returncode == 0, built.stderr
        assert [path for path, _ in site.requests if "Old_map.svg/330px-Old_map.svg.png" in path]
    counters = json.loads(built.stdout)["counters"]
    assert counters["images_embedded_by_source"] == {folder: 1, zim: 1, f"commons:{site.base}": 1}
    assert counters["images_missing_by_reason"] == {"not_found": 1}
    assert counters["images_broken_by_reason"] == {"broken": 1}
    listed = run("mie-index", "info", index, "--rejects", "image")
    assert [line.split("\t")[:2] for line in listed.stdout.splitlines()] == [
        ["Gone.jpg", "missing"],
        ["Pot.jpg", "broken"],
    ]
    rows = [
        json.loads(line) for line in run("mie-index", "info", index, "--rejects", "image", "--json").stdout.splitlines()
    ]
    assert rows[0]["file_page"] == "https://commons.wikimedia.org/wiki/File:Gone.jpg"
    shown = run("mie-index", "info", index).stdout
    assert "pictures missing" in shown
    assert "1 not_found" in shown
    assert run("mie-index", "verify", index).returncode == 0
    (tmp_path / "query.jpg").write_bytes(photos[1])
    answer = json.loads(run("mie-index", "query", index, "--image", tmp_path / "query.jpg", "-k", "1", "--json").stdout)
    assert (answer["file"], answer["title"]) == ("Old map.svg", "Thing 1")
    assert answer["file_page"] == "https://commons.wikimedia.org/wiki/File:Old_map.svg"
    assert answer["score"] > 0.99


@pytest.mark.parametrize(
    ("images", "code", "says"),
    [
        (("commons:",), 2, "needs --contact"),
        (("commons:", "--contact", "me@example.com"), 2, "needs --contact"),
        (("zim:nowhere.zim",), 3, "no such file of images"),
        (("tar:*.nothing",), 3, "no such file of images"),
        (("ftp:a",), 2, "there is no image source 'ftp'"),
        (("vectors:a.npy,dir:photos",), 2, "vectors: stands alone"),
        (("vectors:*.nothing",), 3, "no such file of images"),
    ],
)
def test_sources_that_cannot_be_used_are_said_before_anything_is_built(
    dump: Path, tmp_path: Path, images: tuple[str, ...], code: int, says: str
) -> None:
    words = ("--dump", dump, "--output", tmp_path / "index", "--encoder", "efficientnet-lite0", "--images", *images)
    refused = run("beam", "run", "build_wiki_index", *words)
    assert refused.returncode == code, refused.stderr
    assert says in refused.stderr
    assert "Remedy" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "index").exists()


@pytest.mark.slow
def test_vectors_of_an_encoder_that_cannot_run_here_are_built_and_asked_by_vector(dump: Path, tmp_path: Path) -> None:
    vectors = np.eye(4, 8, dtype=np.float16)
    (tmp_path / "metadata").mkdir()
    (tmp_path / "img_emb").mkdir()
    np.save(tmp_path / "img_emb" / "img_emb_0.npy", vectors)
    pq.write_table(pa.table({"image_path": NAMES}), tmp_path / "metadata" / "metadata_0.parquet")
    index = tmp_path / "index"
    words = ("run", "build_wiki_index", "--dump", dump, "--output", index, "--images", f"vectors:{tmp_path}/img_emb/*")
    refused = run("beam", *words)
    assert (refused.returncode, "vectors: needs --encoder" in refused.stderr) == (2, True), refused.stderr
    built = run("beam", *words, "--encoder", "other:someone's", "--workers", "2", "--json")
    assert built.returncode == 0, built.stderr
    counters = json.loads(built.stdout)["counters"]
    assert counters["images"] == {
        "uses": 5, "files": 5, "embedded": 4, "encoded": 0, "missing": 1, "broken": 0, "scaled": 0,
    }  # fmt: skip
    np.save(tmp_path / "query.npy", vectors[2])
    answer = run("mie-index", "query", index, "--vector", tmp_path / "query.npy", "-k", "1", "--json")
    assert json.loads(answer.stdout)["file"] == "Leaf.jpg", answer.stderr
    Image.new("RGB", (8, 8), "teal").save(tmp_path / "query.jpg")
    refused = run("mie-index", "query", index, "--image", tmp_path / "query.jpg")
    assert (refused.returncode, "cannot run it" in refused.stderr) == (2, True), refused.stderr
    assert run("mie-index", "verify", index).returncode == 0
