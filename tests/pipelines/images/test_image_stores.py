"""Pictures in folders, tar, Parquet and ZIM: found by canonical name, from any of them, and from nowhere else."""

from __future__ import annotations

import os
import pickle
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.images import Missing, SourceChain
from pipelines.images.containers import ContainerSource
from pipelines.images.source import FetchedImage
from pipelines.images.tar import TarContainer
from pipelines.job import make_image_source
from schemas.errors import InputError, UsageError
from tests.support.picture_stores import WRITERS, add_member, write_flat, write_hashed, write_tar, write_zim

PICTURES = {
    "Tea cup.jpg": b"\xff\xd8\xff one",
    "Église d'Été (2), 100 %.jpg": b"\xff\xd8\xff two",
    "A. b. c.JPG": b"\xff\xd8\xff three",
    "Œuvre & co+.png": b"\x89PNG four",
    "Z.gif": b"GIF89a five",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mie-context" / "names"


def reason(found: bytes | Missing) -> str:
    assert isinstance(found, Missing)
    assert found.detail
    return found.reason


@pytest.mark.parametrize("form", WRITERS)
def test_every_form_gives_the_bytes_by_canonical_name(tmp_path: Path, form: str) -> None:
    source = make_image_source(WRITERS[form](tmp_path, PICTURES))
    source.open()
    for name, data in PICTURES.items():
        assert source.fetch(name) == data
        assert source.fetch("File:" + name[0].lower() + name[1:].replace(" ", "_")) == data
    assert reason(source.fetch("Other.jpg")) == "not_found"
    assert reason(source.fetch("tea CUP.jpg")) == "not_found"
    assert reason(source.fetch("../Tea cup.jpg")) == "unsafe_name"
    assert source.describe()["files"] == len(PICTURES)
    copy = pickle.loads(pickle.dumps(source))
    assert copy == source == make_image_source(source.spec)
    assert copy.fetch("Z.gif") == PICTURES["Z.gif"]


@pytest.mark.parametrize("form", WRITERS)
def test_a_change_of_the_files_changes_the_description(tmp_path: Path, form: str) -> None:
    spec = WRITERS[form](tmp_path, PICTURES)
    source = make_image_source(spec)
    source.open()
    before = source.describe()
    WRITERS[form](tmp_path, {**PICTURES, "More.jpg": b"\xff\xd8\xff more" * 999})
    again = make_image_source(spec)
    again.open()
    assert again.describe() != before
    assert again.fetch("More.jpg") == b"\xff\xd8\xff more" * 999


@pytest.mark.parametrize("form", WRITERS)
def test_too_large_pictures_are_not_read(tmp_path: Path, form: str) -> None:
    source = make_image_source(WRITERS[form](tmp_path, {"A.jpg": b"a" * 100, "B.jpg": b"b" * 101}))
    source.max_bytes = 100  # type: ignore[attr-defined]
    assert source.fetch("A.jpg") == b"a" * 100
    assert reason(source.fetch("B.jpg")) == "too_large"


@pytest.mark.parametrize("scheme", ["tar", "parquet", "zim"])
def test_files_that_are_not_there_or_no_containers_are_input_errors(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(InputError, match="no such file"):
        make_image_source(f"{scheme}:{tmp_path}/nothing*").open()
    (tmp_path / "other").write_bytes(b"this is no container " * 200)
    with pytest.raises(InputError) as caught:
        make_image_source(f"{scheme}:{tmp_path}/other").open()
    assert caught.value.path == str(tmp_path / "other")
    assert caught.value.remedy
    with pytest.raises(UsageError, match="names no file"):
        make_image_source(f"{scheme}:")


def test_hashed_folders_are_not_left_through_links(tmp_path: Path) -> None:
    spec = write_hashed(tmp_path, PICTURES)
    folder = tmp_path / "hashed"
    (tmp_path / "out" / "a9").mkdir(parents=True)
    (tmp_path / "out" / "a9" / "Example.jpg").write_bytes(b"secret")
    (folder / "a").mkdir(exist_ok=True)
    (folder / "a" / "a9").symlink_to(tmp_path / "out" / "a9")
    assert reason(make_image_source(spec).fetch("Example.jpg")) == "outside_folder"


def test_shards_are_read_once_and_only_those_that_are_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    read: list[str] = []
    plain = TarContainer.names

    def counted(shard: TarContainer) -> Iterator[tuple[str, int, int, int]]:
        read.append(Path(shard._path).name)
        return plain(shard)

    monkeypatch.setattr(TarContainer, "names", counted)
    spec = write_tar(tmp_path, PICTURES)
    for _ in range(3):
        make_image_source(spec).open()
    assert read == ["shard-0.tar", "shard-1.tar"]
    with tarfile.open(tmp_path / "shard-1.tar", "w") as tar:
        add_member(tar, "New.jpg", b"new")
    source = make_image_source(spec)
    source.open()
    assert read == ["shard-0.tar", "shard-1.tar", "shard-1.tar"]
    assert source.fetch("New.jpg") == b"new"
    assert reason(source.fetch("Z.gif")) == "not_found"
    for path in cache.glob("*.sqlite"):
        path.write_bytes(b"damaged" * 1000)
    assert make_image_source(spec).fetch("New.jpg") == b"new"


def test_hostile_tar_members_are_no_pictures_and_nothing_is_extracted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    with tarfile.open(tmp_path / "in" / "a.tar", "w") as tar:
        add_member(tar, "../../Up.jpg", b"up")
        add_member(tar, "/etc/Abs.jpg", b"abs")
        add_member(tar, "Link.jpg", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")
        add_member(tar, "Hard.jpg", b"", type=tarfile.LNKTYPE, linkname="../../Up.jpg")
        add_member(tar, "Pipe.jpg", b"", type=tarfile.FIFOTYPE)
        add_member(tar, "Disk.jpg", b"", type=tarfile.BLKTYPE)
        add_member(tar, "A" * 230 + ".jpg", b"long")
    monkeypatch.chdir(tmp_path)
    source = make_image_source(f"tar:{tmp_path}/in/*.tar")
    assert source.fetch("Up.jpg") == b"up"
    assert source.fetch("Abs.jpg") == b"abs"
    assert source.fetch("A" * 230 + ".jpg") == b"long"
    for name in ("Link.jpg", "Hard.jpg", "Pipe.jpg", "Disk.jpg"):
        assert reason(source.fetch(name)) == "not_found"
    assert sorted(path.name for path in tmp_path.rglob("*.jpg")) == []


def test_damaged_and_compressed_tar_files_are_said(tmp_path: Path) -> None:
    write_tar(tmp_path, PICTURES)
    whole = (tmp_path / "shard-1.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[:1000])
    with pytest.raises(InputError, match="damaged or ends early"):
        make_image_source(f"tar:{tmp_path}/cut.tar").open()
    with tarfile.open(tmp_path / "packed.tar", "w:gz") as tar:
        add_member(tar, "A.jpg", b"a")
    with pytest.raises(InputError, match="compressed"):
        make_image_source(f"tar:{tmp_path}/packed.tar").open()


def test_a_tar_that_shrank_after_it_was_indexed_gives_a_reason(tmp_path: Path) -> None:
    source = make_image_source(write_tar(tmp_path, PICTURES))
    source.open()
    os.truncate(tmp_path / "shard-1.tar", 100)
    assert reason(source.fetch("Z.gif")) == "unreadable"


def test_parquet_with_plain_columns_and_without_any_that_fit(tmp_path: Path) -> None:
    rows = {"file": ["A.jpg", "B.jpg", None], "image_bytes": [b"a", None, b"c"], "caption": ["x", "y", "z"]}
    pq.write_table(pa.table(rows), tmp_path / "plain.parquet")
    source = make_image_source(f"parquet:{tmp_path}/plain.parquet")
    assert source.fetch("A.jpg") == b"a"
    assert reason(source.fetch("B.jpg")) == "no_bytes"
    pq.write_table(pa.table({"caption": ["x"], "label": [1]}), tmp_path / "none.parquet")
    with pytest.raises(InputError, match="caption, label are not bytes and names"):
        make_image_source(f"parquet:{tmp_path}/none.parquet").open()


@pytest.mark.parametrize(
    "layout",
    ["I/m/{}", "I/{}", "m/{}", "_assets_/{}", "_assets_/0f1e2d3c/{}", "_assets_/0f1e2d3c/330px-{}", "I/{}.webp", "{}"],
)
def test_a_zim_gives_pictures_however_the_writer_named_them(tmp_path: Path, layout: str) -> None:
    source = make_image_source(write_zim(tmp_path, PICTURES, layout.format))
    for name, data in PICTURES.items():
        assert source.fetch(name) == data


def test_a_zim_gives_the_raster_of_what_is_none_and_prefers_exact_names(tmp_path: Path) -> None:
    entries = {
        "Map.svg.png": b"raster",
        "Scan.tif.jpg.webp": b"scan",
        "lossy-page1-330px-Plate.tif.jpg": b"plate",
        "120px-Old.jpg": b"its own name",
        "330px-Old.jpg": b"scaled",
        "Old.jpg": b"plain",
    }
    source = make_image_source(write_zim(tmp_path, entries))
    assert source.fetch("Map.svg") == b"raster"
    assert source.fetch("Scan.tif") == b"scan"
    assert source.fetch("Plate.tif") == b"plate"
    assert source.fetch("120px-Old.jpg") == b"its own name"
    assert source.fetch("Old.jpg") == b"plain"
    assert reason(source.fetch("Tea")) == "not_found", "an article is no picture"


def test_a_truncated_zim_is_said(tmp_path: Path) -> None:
    write_zim(tmp_path, PICTURES)
    os.truncate(tmp_path / "wiki.zim", 200)
    with pytest.raises(InputError, match="ZIM"):
        make_image_source(f"zim:{tmp_path}/wiki.zim").open()


def test_sources_are_asked_in_order_and_only_as_far_as_needed(tmp_path: Path) -> None:
    first = write_flat(tmp_path / "1", {"A.jpg": b"first a"})
    second = write_tar(tmp_path / "2", {"A.jpg": b"second a", "B.jpg": b"second b"})
    chain = SourceChain((make_image_source(first), make_image_source(second)))
    assert chain.specs == [first, second]
    assert next(chain.search("A.jpg")) == FetchedImage(b"first a", first)
    found = list(chain.search("B.jpg"))
    assert found[1] == FetchedImage(b"second b", second)
    assert isinstance(found[0], Missing)
    missing = [part for part in chain.search("C.jpg") if isinstance(part, Missing)]
    why = chain.why_missing(missing)
    assert why.reason == "not_found"
    assert first in why.detail
    assert second in why.detail
    why = chain.why_missing([missing[0], Missing("too_large", "9 bytes")])
    assert why.reason == "too_large"


def test_a_zim_without_libzim_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from schemas.errors import MissingDependency

    (tmp_path / "a.zim").write_bytes(b"ZIM")
    monkeypatch.setitem(__import__("sys").modules, "libzim.reader", None)
    with pytest.raises(MissingDependency, match="libzim") as caught:
        ContainerSource("zim", str(tmp_path / "a.zim")).open()
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(("form", "file"), [("tar", "shard-1.tar"), ("parquet", "wit.parquet"), ("zim", "wiki.zim")])
def test_mutated_containers_are_refused_or_give_bytes_or_reasons(tmp_path: Path, form: str, file: str) -> None:
    WRITERS[form](tmp_path, {f"Picture {number}.jpg": bytes([number]) * 500 for number in range(12)})
    data = (tmp_path / file).read_bytes()
    outcomes = {"refused": 0, "opened": 0}
    for seed in range(40):
        chance, body = random.Random(seed), bytearray(data)
        for _ in range(chance.randint(1, 4)):
            at = chance.choice([chance.randrange(len(body)), chance.randrange(600), -1 - chance.randrange(600)])
            body[at : at + chance.randint(0, 9)] = chance.choice([b"", b"\xff" * 4, chance.randbytes(9)])
        (tmp_path / f"mutant{seed}").write_bytes(body)
        source = make_image_source(f"{form}:{tmp_path}/mutant{seed}")
        try:
            source.open()
        except InputError:
            outcomes["refused"] += 1
            continue
        outcomes["opened"] += 1
        for number in range(12):
            assert isinstance(source.fetch(f"Picture {number}.jpg"), (bytes, Missing))
    assert min(outcomes.values()) > 3
