"""Pictures in container files (tar, Parquet, ZIM): which files there are, where a name lies in them, and its bytes."""

from __future__ import annotations

import glob
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from pipelines.images.folder import digest_listing
from pipelines.images.name_index import ContainerFile, Entry, IndexedName, NameIndex
from pipelines.images.source import MAX_IMAGE_BYTES, Missing, check_name
from pipelines.storage import find_files, is_remote, size_of
from schemas.errors import InputError, StoreError

__all__ = ["Container", "ContainerFiles", "ContainerSource", "PictureContainer", "find_container_files"]

_MAX_OPEN = 8
"""Container files that stay open; a container of many shards would else use up the file descriptors."""


class Container(Protocol):
    """One open container file."""

    def names(self) -> Iterator[IndexedName]:
        """Yield the name and place of each entry."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class PictureContainer(Container, Protocol):
    """One open container file of pictures."""

    def read(self, first: int, second: int, max_bytes: int) -> bytes | Missing:
        """Return the bytes of the picture at a place that `names` yielded."""
        ...


_C = TypeVar("_C", bound=Container)
_T = TypeVar("_T")


def find_container_files(pattern: str) -> list[ContainerFile]:
    """Find the container files, ordered by path.

    Raises:
        InputError: there is none, or one cannot be read.
    """
    if is_remote(pattern):
        paths = [str(file) for file in find_files(pattern)]
    else:
        paths = [pattern] if Path(pattern).is_file() else glob.glob(pattern, recursive=True)  # noqa: PTH207
        paths = sorted(str(Path(path).absolute()) for path in paths if Path(path).is_file())
    if not paths:
        raise InputError("there is no such file of images", path=pattern, remedy="check the path, and quote a glob")
    try:
        return [ContainerFile(path, size_of(path), _stamp_of(path)) for path in paths]
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=pattern, remedy="check permissions") from error


def _stamp_of(path: str) -> str:
    return "" if is_remote(path) else str(Path(path).stat().st_mtime_ns)


@dataclass
class ContainerFiles(Generic[_C]):
    """The container files of a pattern, found and opened as they are needed, with the index of the names in them.

    Args:
        kind: tar, parquet, zim or vectors; each kind has indexes of its own.
        pattern: path, URL or glob.
        open_container: opens the file of a path.
        find: lists the files of the pattern.
    """

    kind: str
    pattern: str
    open_container: Callable[[str], _C]
    find: Callable[[str], list[ContainerFile]] = find_container_files
    paths: list[str] = field(default_factory=list, init=False)
    _index: NameIndex | None = field(default=None, init=False)
    _files: list[ContainerFile] = field(default_factory=list, init=False)
    _open: OrderedDict[str, _C] = field(default_factory=OrderedDict, init=False)

    def open(self) -> None:
        """Find the container files, and index the names of those that are new or have changed.

        Raises:
            InputError: there is none, or one cannot be read.
            MissingDependency: the package for this kind is not installed.
        """
        self._files = self.find(self.pattern)
        self.paths = [file.path for file in self._files]
        self._index = NameIndex.of(self.kind, self._files, lambda path: self.container(path).names())

    @property
    def index(self) -> NameIndex:
        """The index of names; the files are opened first if they are not yet."""
        if self._index is None:
            self.open()
        assert self._index is not None
        return self._index

    def describe(self) -> dict[str, Any]:
        """Return which container files there are, by name and size, and how many names they hold."""
        index = self.index
        listing = digest_listing([(Path(file.path).name, file.size) for file in self._files])
        return {**listing, "files": index.count(), "kind": self.kind, "containers": len(self._files)}

    def read(self, file: str, read: Callable[[_C, Entry], _T | Missing]) -> _T | Missing:
        """Find a file by its canonical name, and read its entry.

        Args:
            file: the name.
            read: reads an entry of an open container.
        """
        bad = check_name(file)
        if bad is not None:
            return bad
        entry = self.index.find(file)
        if entry is None:
            return Missing("not_found", f"no file of this name in {self.pattern}")
        try:
            return read(self.container(entry.path), entry)
        except (OSError, StoreError, InputError) as error:
            return Missing("unreadable", f"{entry.path}: {error}")

    def container(self, path: str) -> _C:
        """Return the open container of a path; the one that was used longest ago is closed when too many are open."""
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        self._open[path] = self.open_container(path)
        while len(self._open) > _MAX_OPEN:
            self._open.popitem(last=False)[1].close()
        return self._open[path]

    def __getstate__(self) -> dict[str, object]:
        """Travel without open files: each worker opens them for itself."""
        return {**self.__dict__, "paths": [], "_index": None, "_files": [], "_open": OrderedDict()}


@dataclass
class ContainerSource:
    """Pictures in container files of one kind.

    Args:
        kind: tar, parquet or zim.
        pattern: path, URL or glob of the container files.
        max_bytes: largest picture.
    """

    kind: str
    pattern: str
    max_bytes: int = MAX_IMAGE_BYTES
    _files: ContainerFiles[PictureContainer] = field(init=False, repr=False, compare=False)

    reads_containers: ClassVar[bool] = True
    is_for_one_machine: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Name the files; they are found when the source is opened."""
        self._files = ContainerFiles(self.kind, self.pattern, partial(_open_container, self.kind))

    @property
    def spec(self) -> str:
        """The words of `--images` that make an equal source."""
        return f"{self.kind}:{self.pattern}"

    def open(self) -> None:
        """Find the container files and index those that are new.

        Raises:
            InputError: there is none, or one cannot be read.
            MissingDependency: the package for this kind is not installed.
        """
        self._files.open()

    def describe(self) -> dict[str, Any]:
        """Return which container files there are, by name and size, and how many names they hold."""
        return self._files.describe()

    def fetch(self, file: str) -> bytes | Missing:
        """Read the picture of a canonical name."""
        return self._files.read(file, self._read)

    def _read(self, container: PictureContainer, entry: Entry) -> bytes | Missing:
        return container.read(entry.first, entry.second, self.max_bytes)


def _open_container(kind: str, path: str) -> PictureContainer:
    if kind == "tar":
        from pipelines.images.tar import TarContainer

        return TarContainer(path)
    if kind == "parquet":
        from pipelines.images.parquet import ParquetContainer

        return ParquetContainer(path)
    from pipelines.images.zim import ZimContainer

    return ZimContainer(path)
