"""The result of each stage for a shard, typed here and kept as JSON in the work folder.

The keys of the JSON are a file format: a build that was interrupted goes on from the results of the program that began
it. Keys that are not listed here are ignored (a remote work folder adds the names of the files that it has sent).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

from pipelines.storage import Work
from schemas.manifest import Shard

__all__ = [
    "IMAGE_OUTCOMES",
    "EmbedResult",
    "FinishResult",
    "ImageCounts",
    "ImageIndexResult",
    "IndexResult",
    "Loss",
    "ParseResult",
    "TextIndexResult",
]

IMAGE_OUTCOMES = (
    "images_embedded_by_source",
    "images_missing_by_reason",
    "images_broken_by_source",
    "images_broken_by_reason",
)
"""Counters of an embed result; each sums to the field of ImageCounts that is its second word."""


@dataclass(frozen=True)
class StageResult(ABC):
    """The result of a stage for one shard. That it is stored means that the shard is done."""

    stage: ClassVar[str]

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the result in values of JSON."""

    @classmethod
    @abstractmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the result that was stored."""

    def write(self, work: Work, shard: int) -> None:
        """Store the result, which declares the shard done: its tables must be complete before."""
        work.write_result(self.stage, shard, self.to_json())

    @classmethod
    def read_all(cls, work: Work) -> dict[int, Self]:
        """Return the results of the shards that are done, in order of the shards."""
        return {shard: cls.from_json(stored) for shard, stored in work.results(cls.stage).items()}


@dataclass(frozen=True)
class Loss:
    """A place where input is lost: the stream at a byte of a file.

    Args:
        path: the dump file.
        offset: first byte of the stream.
        reason: one of `LOSS_REASONS`.
        detail: for people.
    """

    path: str
    offset: int
    reason: str
    detail: str


@dataclass(frozen=True)
class ParseResult(StageResult):
    """What was read of a shard.

    Args:
        pages: pages read, rejected ones too.
        pages_taken_over: articles whose rows are those of an earlier index.
        rejects: rows of the rejects table.
        text_bytes: size of the wikitext.
        stream_bytes: compressed size of the streams.
        losses: places where input is lost.
        page_ids: smallest and largest page id; (0, 0) if there is none.
        counters: what the cleaning counted.
        dropped_templates: number of uses by name.
        dropped_in_prose: of templates that show nothing inside a line of prose, known or unknown, by name.
        shown_by_argument: of unknown templates whose first plain argument is shown, by name.
        examples: a line with one of the last two, by name.
    """

    stage: ClassVar[str] = "parse"

    pages: int
    pages_taken_over: int
    rejects: int
    text_bytes: int
    stream_bytes: int
    losses: tuple[Loss, ...]
    page_ids: tuple[int, int]
    counters: dict[str, int]
    dropped_templates: dict[str, int]
    dropped_in_prose: dict[str, int]
    shown_by_argument: dict[str, int]
    examples: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the result in values of JSON."""
        return {**vars(self), "losses": [vars(loss) for loss in self.losses], "page_ids": list(self.page_ids)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the result that was stored."""
        values = {field.name: stored[field.name] for field in fields(cls)}
        low, high = stored["page_ids"]
        return cls(**{**values, "losses": tuple(Loss(**loss) for loss in stored["losses"]), "page_ids": (low, high)})


@dataclass(frozen=True)
class FinishResult(StageResult):
    """What was made ready of a shard.

    Args:
        files: the tables, for the manifest.
        links: links of all paragraphs.
        links_through_redirects: those whose target was replaced because it is a redirect.
    """

    stage: ClassVar[str] = "finish"

    files: tuple[Shard, ...]
    links: int
    links_through_redirects: int

    def to_json(self) -> dict[str, Any]:
        """Return the result in values of JSON."""
        return {**vars(self), "files": _to_rows(self.files)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the result that was stored."""
        return cls(_to_files(stored["files"]), stored["links"], stored["links_through_redirects"])


@dataclass(frozen=True)
class ImageCounts:
    """What became of the files of an embedding shard: files = embedded + missing + broken.

    Args:
        files: distinct files that the articles use.
        embedded: those that have a vector.
        encoded: distinct pictures among them; 0 for vectors that were given.
        missing: files that no source has.
        broken: files that are there and cannot be used.
        scaled: given vectors that were not of length 1; None where vectors are made here.
    """

    files: int
    embedded: int
    encoded: int
    missing: int
    broken: int
    scaled: int | None = None

    def to_json(self) -> dict[str, int]:
        """Return the counts by name, without one that is None.

        >>> ImageCounts(3, 2, 1, 1, 0).to_json()
        {'files': 3, 'embedded': 2, 'encoded': 1, 'missing': 1, 'broken': 0}
        """
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class EmbedResult(StageResult):
    """What was made ready of an embedding shard.

    Args:
        files: its embeddings and rejects, for the manifest.
        images: counts of its files.
        outcomes: name in IMAGE_OUTCOMES -> source or reason -> files.
        taken_over: distinct pictures whose vector is that of an earlier index.
        encoder: "dim", and "fingerprint" where the encoder is one of ours.
    """

    stage: ClassVar[str] = "embed"

    files: tuple[Shard, ...]
    images: ImageCounts
    outcomes: dict[str, dict[str, int]]
    taken_over: int
    encoder: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the result in values of JSON."""
        files, images = _to_rows(self.files), self.images.to_json()
        return {
            "files": files, "images": images, **self.outcomes, "taken_over": self.taken_over, "encoder": self.encoder,
        }  # fmt: skip

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the result that was stored."""
        outcomes = {name: stored[name] for name in IMAGE_OUTCOMES}
        files, images = _to_files(stored["files"]), ImageCounts(**stored["images"])
        return cls(files, images, outcomes, stored["taken_over"], stored["encoder"])


@dataclass(frozen=True)
class IndexResult(StageResult):
    """A whole index, stored as shard 0.

    Args:
        index: the manifest's section on it.
        files: its files, for the manifest.
    """

    index: dict[str, Any]
    files: tuple[Shard, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the result in values of JSON."""
        return {"index": self.index, "files": _to_rows(self.files)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the result that was stored."""
        return cls(stored["index"], _to_files(stored["files"]))


@dataclass(frozen=True)
class TextIndexResult(IndexResult):
    """The text index."""

    stage: ClassVar[str] = "bm25"


@dataclass(frozen=True)
class ImageIndexResult(IndexResult):
    """The image index."""

    stage: ClassVar[str] = "faiss"


def _to_rows(files: tuple[Shard, ...]) -> list[dict[str, Any]]:
    return [vars(file) for file in files]


def _to_files(rows: list[dict[str, Any]]) -> tuple[Shard, ...]:
    return tuple(Shard(**row) for row in rows)
