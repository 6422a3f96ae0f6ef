"""Vectors that others made, by canonical file name. Which encoder made them is not in the files: the user says it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipelines.images.containers import ContainerFiles, find_container_files
from pipelines.images.name_index import ContainerFile, Entry
from pipelines.images.source import Missing
from pipelines.images.vector_files import MAX_DIM, VectorFile, names_beside
from schemas.errors import InputError, UsageError

__all__ = ["VectorFiles", "VectorSource", "make_vector_source"]

_COLUMN = "?column="


class VectorSource(Protocol):
    """A place where vectors of pictures lie, by canonical file name. It travels to the workers by pickle."""

    @property
    def spec(self) -> str:
        """The words of `--images` that make an equal source."""
        ...

    @property
    def dim(self) -> int:
        """Components of a vector; known once the source has been described."""
        ...

    def open(self) -> None:
        """Open what `vectors` needs.

        Raises:
            InputError: the source is not there, or cannot be read.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Return what an open source holds, in values of JSON; "dim" is among it."""
        ...

    def vectors(self, files: Collection[str]) -> Iterator[tuple[str, npt.NDArray[np.float32] | Missing]]:
        """Yield each file with its vector, as it stands there, or with the reason why there is none; in any order."""
        ...


@dataclass
class VectorFiles:
    """Vectors in Parquet or NumPy files.

    Args:
        pattern: path, URL or glob of the files.
        column: of the vectors; "": the first one whose name is known.
        dim: components of every vector; 0 until the source has been described.
    """

    pattern: str
    column: str = ""
    dim: int = 0
    _files: ContainerFiles[VectorFile] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Name the files; they are found when the source is opened."""
        self._files = ContainerFiles("vectors", self.pattern, partial(VectorFile, column=self.column), _find_files)

    @property
    def spec(self) -> str:
        """The words of `--images` that make an equal source."""
        return f"vectors:{self.pattern}{_COLUMN + self.column if self.column else ''}"

    def open(self) -> None:
        """Find the files and index the names of those that are new.

        Raises:
            InputError: there is none, or one has no vectors or no names.
        """
        self._files.open()

    def describe(self) -> dict[str, Any]:
        """Return which files there are, how many names they hold, how many come again, and the length of a vector.

        Raises:
            InputError: the vectors of two files differ in length, or there is none.
        """
        described = self._files.describe()
        self.dim = self._find_dim()
        return {**described, "dim": self.dim, "repeated_names": self._files.index.count_repeated()}

    def _find_dim(self) -> int:
        dims = {path: dim for path in self._files.paths if (dim := self._files.container(path).dim) is not None}
        if not dims:
            raise InputError("there is no vector in these files", path=self.pattern, remedy="check the path")
        first, dim = next(iter(dims.items()))
        other = next((path for path in dims if dims[path] != dim), None)
        if other is not None:
            raise InputError(
                f"vectors of {dims[other]} components, in {first} of {dim}",
                path=other,
                remedy="vectors of one encoder have one length: name its files only",
            )
        if not 1 <= dim <= MAX_DIM:
            raise InputError(f"vectors of {dim} components", path=first, remedy=f"1 to {MAX_DIM} are possible")
        return dim

    def vectors(self, files: Collection[str]) -> Iterator[tuple[str, npt.NDArray[np.float32] | Missing]]:
        """Yield each file with its vector [dim], in the order in which the vectors lie in the files.

        By name, in another order, a row group would be decoded again for almost every vector.
        """
        entries = {file: self._files.index.find(file) for file in files}
        for file in sorted(files, key=lambda file: (entry.path, entry.first) if (entry := entries[file]) else ("", 0)):
            yield file, self._files.read(file, _read_vector)


def _read_vector(file: VectorFile, entry: Entry) -> npt.NDArray[np.float32] | Missing:
    return file.read(entry.first, entry.second)


def _find_files(pattern: str) -> list[ContainerFile]:
    """Find the files. A NumPy file counts as changed also when the file of its names has changed."""
    return [
        replace(file, stamp=f"{file.stamp} {names.stat().st_mtime_ns} {names.stat().st_size}")
        if file.path.endswith(".npy") and (names := names_beside(Path(file.path))).is_file()
        else file
        for file in find_container_files(pattern)
    ]


def make_vector_source(words: str) -> VectorFiles:
    """Make the source of `vectors:FILES[?column=NAME]`, given without the scheme; nothing is opened yet.

    Raises:
        UsageError: it names no file.

    >>> make_vector_source("emb/*.parquet?column=clip").spec
    'vectors:emb/*.parquet?column=clip'
    """
    pattern, _, column = words.partition(_COLUMN)
    if not pattern:
        raise UsageError("vectors: names no file", remedy="give vectors:FILES, of Parquet (.parquet) or NumPy (.npy)")
    return VectorFiles(pattern, column)
