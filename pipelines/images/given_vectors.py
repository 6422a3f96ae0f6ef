"""Vectors by canonical file name, from files that others made: which encoder made them is the user's word."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.images.containers import Container, ShardSource
from pipelines.images.name_index import Shard
from pipelines.images.source import Missing
from pipelines.images.vector_files import MAX_DIM, VectorShard, names_beside
from schemas.errors import InputError, UsageError

__all__ = ["VectorSource", "open_vectors"]

_COLUMN = "?column="


@dataclass
class VectorSource(ShardSource):
    """Vectors in Parquet or NumPy files, found by an index of names that is made once per file.

    Args:
        kind: vectors.
        pattern: path, URL or glob of the files.
        max_bytes: longest vector as float32.
        column: of the vectors; "": the first that is known.
        dim: components that every vector must have; 0 until the source is described.
    """

    column: str = ""
    dim: int = 0

    @property
    def spec(self) -> str:
        """The words that `open_vectors` makes an equal source from."""
        return f"{super().spec}{_COLUMN + self.column if self.column else ''}"

    @property
    def specs(self) -> list[str]:
        """The same as a list: vectors stand alone."""
        return [self.spec]

    def describe(self) -> dict[str, Any]:
        """Say which files there are, how many names they hold, how many come again, and the components of a vector.

        Raises:
            InputError: the vectors of two files differ in length, or there is none.
        """
        described = super().describe()
        assert self._index is not None
        dims = {shard.path: dim for shard in self._shards if (dim := self._dim_of(shard.path)) is not None}
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
        self.dim = dim
        return {**described, "dim": dim, "repeated_names": self._index.count_repeated()}

    def _dim_of(self, path: str) -> int | None:
        container = self._container(path)
        assert isinstance(container, VectorShard)
        return container.dim

    def vectors(self, files: Collection[str]) -> Iterator[tuple[str, npt.NDArray[np.float32] | Missing]]:
        """Return each file's vector as it stands there, or why there is none, in the order in which they lie."""
        if self._index is None:
            self.open()
        assert self._index is not None
        places = {file: self._index.find(file) for file in files}
        for file in sorted(files, key=lambda file: (place.path, place.first) if (place := places[file]) else ("", 0)):
            found = self.fetch(file)
            yield file, found if isinstance(found, Missing) else np.frombuffer(found, np.float32)

    def _open_container(self, path: str) -> Container:
        return VectorShard(path, self.column)

    def _find_shards(self) -> list[Shard]:
        """Find the files; one of vectors has changed when the one of its names has."""
        return [
            replace(shard, stamp=f"{shard.stamp} {names.stat().st_mtime_ns} {names.stat().st_size}")
            if shard.path.endswith(".npy") and (names := names_beside(Path(shard.path))).is_file()
            else shard
            for shard in super()._find_shards()
        ]


def open_vectors(words: str) -> VectorSource:
    """Make the source of `vectors:FILES[?column=NAME]`, without the scheme; nothing is opened yet.

    Raises:
        UsageError: it names no file.

    >>> open_vectors("emb/*.parquet?column=clip").spec
    'vectors:emb/*.parquet?column=clip'
    """
    pattern, _, column = words.partition(_COLUMN)
    if not pattern:
        raise UsageError("vectors: names no file", remedy="give vectors:FILES, of Parquet (.parquet) or NumPy (.npy)")
    return VectorSource("vectors", pattern, 4 * MAX_DIM, column=column)
