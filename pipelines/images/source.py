"""The seam between pictures and where their bytes come from: canonical Commons name -> bytes, or why there are none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pipelines.storage import STORES
from schemas.errors import UsageError

if TYPE_CHECKING:
    from pipelines.images.given_vectors import VectorSource

__all__ = [
    "MAX_IMAGE_BYTES",
    "SCHEMES",
    "Found",
    "ImageSource",
    "Missing",
    "SourceChain",
    "check_name",
    "open_image_source",
    "open_image_sources",
    "split_specs",
]

SCHEMES = ("dir", "tar", "parquet", "zim", "commons", "vectors")
"""What may stand before the colon of `--images SCHEME:WHERE`; a bare path means dir."""

MAX_IMAGE_BYTES = 50_000_000
_NEXT_SPEC = re.compile(rf",(?=(?:{'|'.join(SCHEMES)}):|(?:{'|'.join(STORES)})://)")
_REMEDY = (
    "give --images DIR, dir:DIR, tar:GLOB, parquet:GLOB, zim:FILE or commons:, in order of preference; "
    "or vectors:GLOB alone"
)


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there are no bytes. reason: a short stable code, such as not_found; detail: for people."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Found:
    """The bytes of a file. source: the spec of what gave them."""

    data: bytes
    source: str


class ImageSource(Protocol):
    """Anything that gives the bytes of a file by its canonical name.

    A source is made where the job is described and travels to the workers by pickle: making one touches nothing.
    """

    @property
    def spec(self) -> str:
        """The words that `open_image_source` makes an equal source from."""
        ...

    def open(self) -> None:
        """Make ready to fetch, in the worker; raise InputError if that cannot be."""
        ...

    def describe(self) -> dict[str, Any]:
        """Say what an open source holds, so that a build sees when that has changed; values of JSON only."""
        ...

    def fetch(self, file: str) -> bytes | Missing:
        """Return the file's bytes, or the reason why there are none; a bad file never raises, a lost source does.

        Raises:
            InputError: the source as a whole does not answer (any more).
        """
        ...


@dataclass
class SourceChain:
    """Sources in order of preference: the first that gives a usable picture wins.

    Args:
        sources: at least one.
    """

    sources: tuple[ImageSource, ...]

    @property
    def specs(self) -> list[str]:
        """The words that `open_image_sources` makes equal sources from."""
        return [source.spec for source in self.sources]

    @property
    def spec(self) -> str:
        """The same as one word."""
        return ",".join(self.specs)

    def open(self) -> None:
        """Make every source ready to fetch.

        Raises:
            InputError: one cannot be opened.
        """
        for source in self.sources:
            source.open()

    def describe(self) -> dict[str, Any]:
        """Say what the open sources hold."""
        if len(self.sources) == 1:
            return self.sources[0].describe()
        parts = [source.describe() for source in self.sources]
        counts = {"files": sum(part["files"] for part in parts)} if all("files" in part for part in parts) else {}
        return {"sources": parts, **counts}

    def search(self, file: str) -> Iterator[Found | Missing]:
        """Ask one source after the other, as far as the caller reads on."""
        for source in self.sources:
            data = source.fetch(file)
            yield data if isinstance(data, Missing) else Found(data, source.spec)

    def why_missing(self, reasons: Sequence[Missing]) -> Missing:
        """Put what each source said into one: the first reason that is not just that the file is not there."""
        if len(reasons) == 1:
            return reasons[0]
        told = zip(self.sources, reasons, strict=True)
        detail = "; ".join(f"{source.spec}: {missing.reason}: {missing.detail}" for source, missing in told)
        telling = [missing.reason for missing in reasons if missing.reason != "not_found"]
        return Missing(telling[0] if telling else "not_found", detail)


def check_name(file: str) -> Missing | None:
    """Refuse what is no file name but a path, or nothing.

    >>> check_name("../a.jpg").reason, check_name("A.jpg")
    ('unsafe_name', None)
    """
    if "/" in file or "\\" in file or "\0" in file or file.strip() in ("", ".", ".."):
        return Missing("unsafe_name", f"{file!r} is no file name")
    return None


def split_specs(words: Sequence[str]) -> list[str]:
    """Split what `--images` was given, at commas before a scheme: a comma in a path stays there.

    >>> split_specs(["photos, old,zim:wiki.zim,commons:", "tar:a.tar"])
    ['photos, old', 'zim:wiki.zim', 'commons:', 'tar:a.tar']
    """
    return [spec for word in words for spec in _NEXT_SPEC.split(word)]


def open_image_sources(words: Sequence[str], contact: str | None = None) -> SourceChain | VectorSource:
    """Make the sources that `--images` names, in order of preference; nothing is opened yet.

    `vectors:FILES` gives no pictures but vectors that others made, and stands alone: they are never mixed with ours.

    Args:
        words: specs, each of them one or several with commas between.
        contact: an address of the operator, which commons: needs.

    Raises:
        UsageError: an unknown scheme, nothing after it, no contact, or vectors beside another source.
    """
    specs = split_specs(words)
    if any(spec.startswith("vectors:") for spec in specs):
        from pipelines.images.given_vectors import open_vectors

        if len(specs) > 1:
            raise UsageError(
                "vectors: stands alone: vectors that were given are never mixed with others",
                remedy="build one index from vectors, another from pictures",
            )
        return open_vectors(specs[0].partition(":")[2])
    twice = next((spec for at, spec in enumerate(specs) if spec in specs[:at]), None)
    if twice is not None:
        raise UsageError(f"the image source {twice} is named twice", remedy="name it once")
    return SourceChain(tuple(open_image_source(spec, contact) for spec in specs))


def open_image_source(spec: str, contact: str | None = None) -> ImageSource:
    """Make the source of one spec; nothing is opened yet.

    Args:
        spec: `DIR`, `dir:DIR`, the URL of a folder, `tar:GLOB`, `parquet:GLOB`, `zim:FILE` or `commons:`.
        contact: an address of the operator, which commons: needs.

    Raises:
        UsageError: an unknown scheme, nothing after it, or no contact.

    >>> open_image_source("dir:photos").spec
    'dir:photos'
    """
    from pipelines.images.folder import FolderSource, StoreSource

    if "://" in spec and spec.partition("://")[0] in STORES:
        return StoreSource(spec.rstrip("/"))
    scheme, colon, rest = spec.partition(":")
    if colon and scheme == "commons":
        from pipelines.commons import open_commons

        return open_commons(rest, contact)
    if colon and scheme in ("tar", "parquet", "zim"):
        from pipelines.images.containers import ShardSource

        if not rest:
            raise UsageError(f"the image source {spec} names no file", remedy=_REMEDY)
        return ShardSource(scheme, rest)
    if colon and scheme != "dir" and scheme.isalnum() and len(scheme) > 1 and not Path(spec).exists():
        known = ", ".join(SCHEMES)
        raise UsageError(f"there is no image source {scheme!r}; those that exist: {known}", remedy=_REMEDY)
    folder = rest if colon and scheme == "dir" else spec
    if not folder:
        raise UsageError("the image source names no folder", remedy=_REMEDY)
    return FolderSource(folder)
