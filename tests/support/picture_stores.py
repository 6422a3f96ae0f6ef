"""Writes the same pictures in every form that --images reads: folders, tar, Parquet, ZIM.

from tests.support.picture_stores import WRITERS
spec = WRITERS["tar"](tmp_path, {"Tea cup.jpg": data})
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.titles import hashed_folder, quoted_name

Pictures = Mapping[str, bytes]


def write_flat(folder: Path, pictures: Pictures) -> str:
    """A folder of files."""
    for name, data in pictures.items():
        path = folder / "flat" / name.replace(" ", "_")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return f"dir:{folder / 'flat'}"


def write_hashed(folder: Path, pictures: Pictures) -> str:
    """The folders of Commons."""
    for name, data in pictures.items():
        path = folder / "hashed" / hashed_folder(name) / name.replace(" ", "_")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return f"dir:{folder / 'hashed'}"


def add_member(tar: tarfile.TarFile, name: str, data: bytes, **fields: Any) -> None:
    """A member; fields: of its header."""
    member = tarfile.TarInfo(name)
    member.size = len(data)
    for field, value in fields.items():
        setattr(member, field, value)
    tar.addfile(member, io.BytesIO(data))


def write_tar(folder: Path, pictures: Pictures) -> str:
    """Two WebDataset shards: one with file names, one with numbers and JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    half = len(pictures) // 2
    with tarfile.open(folder / "shard-0.tar", "w") as tar:
        for name, data in list(pictures.items())[:half]:
            add_member(tar, name.replace(" ", "_"), data)
    with tarfile.open(folder / "shard-1.tar", "w") as tar:
        for number, (name, data) in enumerate(list(pictures.items())[half:]):
            url = f"https://upload.wikimedia.org/wikipedia/commons/{hashed_folder(name)}/{quoted_name(name)}"
            add_member(tar, f"{number:09d}.jpg", data)
            add_member(tar, f"{number:09d}.json", json.dumps({"key": f"{number:09d}", "url": url}).encode())
            add_member(tar, f"{number:09d}.txt", b"a caption")
    return f"tar:{folder}/shard-*.tar"


def write_parquet(folder: Path, pictures: Pictures, row_group_size: int = 2) -> str:
    """The form of WIT's published base set: image {bytes, path}, image_url."""
    folder.mkdir(parents=True, exist_ok=True)
    urls = [
        f"https://upload.wikimedia.org/wikipedia/commons/{hashed_folder(name)}/{quoted_name(name)}" for name in pictures
    ]
    image = pa.array([{"bytes": data, "path": None} for data in pictures.values()], _IMAGE)
    vectors = pa.array([[0.0] * 4] * len(pictures), pa.list_(pa.float64()))
    table = pa.table({"image": image, "image_url": urls, "embedding": vectors})
    pq.write_table(table, folder / "wit.parquet", row_group_size=row_group_size)
    return f"parquet:{folder}/*.parquet"


_IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])


def write_zim(folder: Path, pictures: Pictures, layout: Callable[[str], str] = "I/m/{}".format) -> str:
    """A ZIM file; layout: path of an entry by file name."""
    from libzim.writer import Creator, Hint, Item, StringProvider

    class Entry(Item):  # type: ignore[misc]
        def __init__(self, path: str, content: bytes, mimetype: str) -> None:
            super().__init__()
            self._path, self._content, self._mimetype = path, content, mimetype

        def get_path(self) -> str:
            return self._path

        def get_title(self) -> str:
            return self._path

        def get_mimetype(self) -> str:
            return self._mimetype

        def get_contentprovider(self) -> Any:
            return StringProvider(self._content)

        def get_hints(self) -> dict[Any, Any]:
            return {Hint.FRONT_ARTICLE: self._mimetype == "text/html"}

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "wiki.zim"
    path.unlink(missing_ok=True)
    with Creator(str(path)).config_indexing(False, "eng") as creator:
        creator.add_item(Entry("Tea", b"<html><body>Tea is a drink.</body></html>", "text/html"))
        for name, data in pictures.items():
            creator.add_item(Entry(layout(name.replace(" ", "_")), data, "image/jpeg"))
        creator.add_redirection("A/Chai", "Chai", "Tea", {Hint.FRONT_ARTICLE: True})
        for key, value in {"Title": "Tea", "Language": "eng"}.items():
            creator.add_metadata(key, value)
    return f"zim:{path}"


WRITERS: dict[str, Callable[[Path, Pictures], str]] = {
    "flat": write_flat,
    "hashed": write_hashed,
    "tar": write_tar,
    "parquet": write_parquet,
    "zim": write_zim,
}
