"""The whole job with input and output in an object store: the rows of a build on disk; half an index is none."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import pyarrow.parquet as pq
import pytest
from PIL import Image

from indexer.index import WikiIndex
from indexer.report import find_faults
from pipelines.build_wiki_index import BuildOutcome, build_wiki_index
from pipelines.job import make_image_input
from pipelines.stages import BuildRequest, BuildSettings, RunOptions
from pipelines.storage import RemoteFile, Store
from schemas.display import Progress
from schemas.errors import InputError, StoreError, UsageError
from schemas.manifest import sha256_file
from tests.support.dumps import DumpPage, write_dump

pytestmark = pytest.mark.integration

PAGES = [
    DumpPage("Tea", "'''Tea''' is a [[drink]] made of [[Leaf|leaves]].\n[[File:Tea cup.png|thumb]]\nMore on [[Chai]]."),
    DumpPage("Chai", "#REDIRECT [[Masala chai]]", redirect="Masala chai"),
    DumpPage("Masala chai", "'''Masala chai''' is [[tea]] with spices. See [[Chai]]."),
    DumpPage("Cup", "A '''cup''' holds [[tea]].\n[[File:Tea cup.png|thumb]]\n[[File:Mug.png|thumb|A mug.]]"),
    DumpPage("Nothing", "{{stub}}"),
    DumpPage("Mug", "A '''mug''' is a large [[cup]] for [[Chai]]."),
]
URL = "memory://bucket/index"


@pytest.fixture
def bucket() -> Iterator[Store]:
    """An empty object store in memory."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield Store("memory://bucket")
    files.store.clear()


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dump(tmp_path_factory.mktemp("dump"), PAGES, pages_per_stream=2)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    Image.new("RGB", (64, 48), "brown").save(folder / "Tea cup.png")
    Image.linear_gradient("L").save(folder / "Mug.png")
    return folder


@pytest.fixture(scope="module")
def on_disk(dump: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("disk") / "index"
    assert build(str(dump), output, str(photos)).is_new
    return output


def build(dump: str, output: Path | RemoteFile, images: str | None = None, **options: Any) -> BuildOutcome:
    settings = BuildSettings(encoder="efficientnet-lite0" if images else None, facts=options.pop("facts", False))
    if "bm25_preset" in options:
        settings = replace(settings, bm25_preset=options.pop("bm25_preset"))
    source = None if images is None else make_image_input([images])
    request = BuildRequest((dump,), output, settings, RunOptions(**options), images=source)
    return build_wiki_index(request, Progress(io.StringIO(), is_quiet=True))


def fetched(store: Store, folder: Path) -> Path:
    """A copy of an index in a store, as a person makes it to ask it."""
    for name in store.names("index"):
        store.fetch(name, folder / name)
    return folder / "index"


def tables(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): _hash(path) for path in folder.rglob("part-*.parquet")}


def _hash(path: Path) -> str:
    """Of the bytes; of a table of vectors without the column that says where the pictures came from."""
    if path.parent.name != "embeddings":
        return sha256_file(path)
    rows = pq.read_table(path).drop_columns(["source"]).to_pylist()
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def of_text(hashes: dict[str, str]) -> dict[str, str]:
    """Those of the tables that a build without pictures has, too."""
    names = ("pages", "sentences", "paragraphs", "images")
    return {name: hash_ for name, hash_ in hashes.items() if name.startswith(names)}


def test_input_pictures_and_output_in_a_store_give_the_index_on_disk(
    bucket: Store, dump: Path, photos: Path, on_disk: Path, tmp_path: Path
) -> None:
    for path in (dump, *dump.parent.glob("*index.txt*")):
        bucket.send(path, f"dumps/{path.name}")
    for path in photos.iterdir():
        bucket.send(path, f"photos/{path.name}")
    outcome = build("memory://bucket/dumps/*.bz2", RemoteFile(URL), "memory://bucket/photos")
    assert outcome.is_new
    assert not [name for name in bucket.names("index") if ".work" in name]
    copy = fetched(bucket, tmp_path)
    assert tables(copy) == tables(on_disk)
    assert len(tables(copy)) > 6
    assert list(find_faults(copy)) == []
    ours, theirs = WikiIndex(copy), WikiIndex(on_disk)
    for query in ("tea with spices", "a large cup", "drink made of leaves"):
        assert ours.search_text([query]) == theirs.search_text([query])
    picture = Image.new("RGB", (64, 48), "brown")
    assert ours.search_image([picture]) == theirs.search_image([picture])
    assert not build("memory://bucket/dumps/*.bz2", RemoteFile(URL), "memory://bucket/photos").is_new


def test_a_build_that_was_interrupted_anywhere_goes_on_and_no_part_of_it_is_an_index(
    bucket: Store, dump: Path, on_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, left = Store.send, [0]

    def fail_after(store: Store, local: Path, name: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise StoreError("the connection is gone", path=store.url)
        send(store, local, name)

    monkeypatch.setattr(Store, "send", fail_after)
    failures = 0
    for more in (1, 20, 19, 8, 10_000):
        left[0] = more
        try:
            build(str(dump), RemoteFile(URL))
        except StoreError:
            failures += 1
            assert bucket.read("index/manifest.json") is None
    assert failures >= 3
    copy = fetched(bucket, tmp_path)
    assert of_text(tables(on_disk)) == of_text(tables(copy))


def test_facts_in_a_store_are_those_on_disk(bucket: Store, tmp_path: Path) -> None:
    page = DumpPage("Ann Poe", "{{Infobox person|occupation=Rapper|born=1970}} Ann Poe raps.")
    dump = str(write_dump(tmp_path, [page], kind="bz2"))
    build(dump, tmp_path / "local", facts=True)
    build(dump, RemoteFile(URL), facts=True)
    copy = fetched(bucket, tmp_path / "copy")
    assert "facts/part-00000.parquet" in tables(copy) and tables(copy) == tables(tmp_path / "local")
    assert list(find_faults(copy)) == []


def test_an_index_in_a_store_is_replaced_only_with_overwrite_and_leaves_nothing_behind(
    bucket: Store, dump: Path
) -> None:
    build(str(dump), RemoteFile(URL))
    with pytest.raises(UsageError, match="other inputs or settings"):
        build(str(dump), RemoteFile(URL), bm25_preset="anserini")
    outcome = build(str(dump), RemoteFile(URL), bm25_preset="anserini", overwrite=True)
    assert set(bucket.names("index")) == {f"index/{shard.path}" for shard in outcome.manifest.shards} | {
        "index/manifest.json"
    }


def test_foreign_files_in_a_store_are_left_alone(bucket: Store, dump: Path) -> None:
    bucket.write("index/thesis.txt", b"mine")
    with pytest.raises(UsageError, match="no index of ours"):
        build(str(dump), RemoteFile(URL), overwrite=True)
    assert bucket.names() == {"index/thesis.txt": 4}


def test_a_second_build_into_a_store_is_refused(bucket: Store, dump: Path) -> None:
    bucket.write("index/.work/lock.json", json.dumps({"host": "another", "pid": 1, "time": time.time()}).encode())
    with pytest.raises(UsageError, match="another build writes here"):
        build(str(dump), RemoteFile(URL))
    bucket.write("index/.work/lock.json", json.dumps({"host": "another", "pid": 1, "time": time.time() - 999}).encode())
    assert build(str(dump), RemoteFile(URL)).is_new


def test_a_dump_that_is_not_in_the_store_is_told(bucket: Store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        build("memory://bucket/dumps/enwiki.xml.bz2", tmp_path / "index")


@pytest.mark.slow
def test_workers_in_processes_of_their_own_build_into_an_s3_bucket(
    dump: Path, on_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("FSSPEC_S3_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        make = "import fsspec, sys; s3 = fsspec.filesystem('s3'); s3.mkdir('wiki'); s3.put_file(*sys.argv[1:])"
        subprocess.run([sys.executable, "-c", make, str(dump), f"wiki/{dump.name}"], check=True, timeout=120)
        command = [str(Path(sys.executable).with_name("beam")), "run", "build_wiki_index", "--workers", "2", "--json"]
        command += ["--dump", f"s3://wiki/{dump.name}", "--output", "s3://wiki/index"]
        built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
        assert built.returncode == 0, built.stderr
        copy = "import fsspec, sys; fsspec.filesystem('s3').get('wiki/index', sys.argv[1], recursive=True)"
        subprocess.run([sys.executable, "-c", copy, str(tmp_path / "copy")], check=True, timeout=120)
    finally:
        server.stop()
    assert list(find_faults(tmp_path / "copy")) == []
    assert of_text(tables(on_disk)) == of_text(tables(tmp_path / "copy"))
