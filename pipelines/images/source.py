"""The seam of picture sources: the canonical Commons name of a file goes in, its bytes or a reason come out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

__all__ = ["MAX_IMAGE_BYTES", "FetchedImage", "ImageSource", "Missing", "SourceChain", "check_name"]

MAX_IMAGE_BYTES = 50_000_000
"""Largest picture that is read. Originals on Commons may be larger; their thumbnails are not."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The reason why a file has no bytes.

    Args:
        reason: a short stable code, such as not_found; the manifest counts by it.
        detail: a sentence for people.
    """

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class FetchedImage:
    """The bytes of a file, and the spec of the source that they come from."""

    data: bytes
    source: str


class ImageSource(Protocol):
    """A place where the bytes of pictures lie, by canonical file name.

    A source is made where the job is described, and travels to the workers by pickle. So making one opens nothing,
    and each worker calls `open` for itself.
    """

    reads_containers: ClassVar[bool]
    """Whether `open` reads the names in container files, which may take minutes the first time."""
    is_for_one_machine: ClassVar[bool]
    """Whether only the processes of one machine may use it together."""

    @property
    def spec(self) -> str:
        """The words of `--images` that make an equal source."""
        ...

    def open(self) -> None:
        """Open what `fetch` needs.

        Raises:
            InputError: the source is not there, or cannot be read.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Return what an open source holds, in values of JSON: a build compares it to see whether that has changed."""
        ...

    def fetch(self, file: str) -> bytes | Missing:
        """Return the bytes of a file, or the reason why there are none. One bad file never raises.

        Raises:
            InputError: the source as a whole does not answer (any more).
        """
        ...


@dataclass
class SourceChain:
    """Sources in order of preference: the first one that has a usable picture is used.

    Args:
        sources: at least one.
    """

    sources: tuple[ImageSource, ...]

    @property
    def specs(self) -> list[str]:
        """The spec of each source."""
        return [source.spec for source in self.sources]

    def open(self) -> None:
        """Open every source.

        Raises:
            InputError: one cannot be opened.
        """
        for source in self.sources:
            source.open()

    def describe(self) -> dict[str, Any]:
        """Return what the open sources hold."""
        if len(self.sources) == 1:
            return self.sources[0].describe()
        parts = [source.describe() for source in self.sources]
        counts = {"files": sum(part["files"] for part in parts)} if all("files" in part for part in parts) else {}
        return {"sources": parts, **counts}

    def search(self, file: str) -> Iterator[FetchedImage | Missing]:
        """Yield what each source has for a file, in order; a source is asked only when the caller reads on to it."""
        for source in self.sources:
            data = source.fetch(file)
            yield data if isinstance(data, Missing) else FetchedImage(data, source.spec)

    def why_missing(self, reasons: Sequence[Missing]) -> Missing:
        """Join the reasons of all sources into one; a reason other than not_found says more, so it goes first.

        Args:
            reasons: of each source, in order.
        """
        if len(reasons) == 1:
            return reasons[0]
        pairs = zip(self.sources, reasons, strict=True)
        detail = "; ".join(f"{source.spec}: {missing.reason}: {missing.detail}" for source, missing in pairs)
        others = [missing.reason for missing in reasons if missing.reason != "not_found"]
        return Missing(others[0] if others else "not_found", detail)


def check_name(file: str) -> Missing | None:
    """Return a reason if a file name is a path, or empty; None if it is a plain name.

    >>> check_name("../a.jpg").reason, check_name("A.jpg")
    ('unsafe_name', None)
    """
    if "/" in file or "\\" in file or "\0" in file or file.strip() in ("", ".", ".."):
        return Missing("unsafe_name", f"{file!r} is no file name")
    return None
