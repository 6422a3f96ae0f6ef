"""What `--images` can name, as a build sees it: pictures that an encoder turns into vectors, or vectors made before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from schemas.errors import UsageError

if TYPE_CHECKING:
    from pipelines.images import SourceChain, VectorSource
    from pipelines.stages.earlier import EarlierIndex
    from pipelines.stages.results import EmbedResult
    from pipelines.storage import Work

__all__ = ["Embedder", "ImageFacts", "ImageInput", "PictureInput", "VectorInput"]


class Embedder(Protocol):
    """Makes the embedding shards in a worker. It travels there by pickle, and is opened there."""

    def open(self) -> None:
        """Load and open what `embed` needs.

        Raises:
            MieError: something is not there.
        """
        ...

    def embed(self, shard: int, reject_number: int, files: Collection[str], work: Work) -> EmbedResult:
        """Write the rows and rejects of an embedding shard.

        Args:
            shard: number of the embedding shard.
            reject_number: number of its file in the rejects table.
            files: distinct canonical names.
            work: where to write.
        """
        ...

    def close(self) -> None:
        """End what was opened."""
        ...


@dataclass(frozen=True)
class ImageFacts:
    """What identifies the vectors of a build.

    Args:
        encoder: spec of the encoder.
        encoder_fingerprint: hash of its weights.
        sources: what the sources hold.
    """

    encoder: str
    encoder_fingerprint: str
    sources: dict[str, Any]


class ImageInput(Protocol):
    """Pictures or vectors by canonical file name, from which a build gets its embeddings table."""

    @property
    def has_default_encoder(self) -> bool:
        """Whether the user may leave the encoder to the default."""
        ...

    @property
    def reads_containers(self) -> bool:
        """Whether opening it reads the names in container files, which may take minutes the first time."""
        ...

    @property
    def step(self) -> str:
        """What a worker does with the files of a shard, in the words of a dry run."""
        ...

    @property
    def specs(self) -> list[str]:
        """The spec of each source, in order of preference."""
        ...

    def describe(self, encoder: str | None, *, has_engine: bool) -> ImageFacts:
        """Open the sources, load the encoder, and return what identifies both; a build compares it with an earlier one.

        Whatever is missing is found here, before the first stage.

        Args:
            encoder: what `--encoder` says, or the default.
            has_engine: the build runs on many machines.

        Raises:
            UsageError: no encoder, one that does not fit, or a source that one machine alone may use.
            InputError: a source is not there.
            MissingDependency: the encoder's weights are not there.
        """
        ...

    def embedder(self, encoder: str, earlier: EarlierIndex | None) -> Embedder:
        """Return what makes the embedding shards in a worker.

        Args:
            encoder: spec of the encoder.
            earlier: index whose vectors are taken over where the bytes are the same.
        """
        ...


@dataclass(frozen=True)
class PictureInput:
    """Pictures, which an encoder of ours turns into vectors.

    Args:
        source: where they lie.
    """

    source: SourceChain

    has_default_encoder = True
    step = "fetch, encode"

    @property
    def reads_containers(self) -> bool:
        """Whether a source has container files."""
        return any(source.reads_containers for source in self.source.sources)

    @property
    def specs(self) -> list[str]:
        """The spec of each source, in order of preference."""
        return self.source.specs

    def describe(self, encoder: str | None, *, has_engine: bool) -> ImageFacts:
        """Open the sources and load the encoder."""
        from indexer.encoders import make_encoder  # imports torch, which a build of text alone never needs

        if has_engine and any(source.is_for_one_machine for source in self.source.sources):
            raise UsageError(
                "commons: keeps to the site's two connections on one machine, and an engine has many",
                remedy="build on one machine, or fetch the pictures first and name their folder, tar or Parquet files",
            )
        self.source.open()
        listing = self.source.describe()
        assert encoder is not None
        made = make_encoder(encoder)
        return ImageFacts(made.spec, made.fingerprint, listing)

    def embedder(self, encoder: str, earlier: EarlierIndex | None) -> Embedder:
        """Return what fetches, decodes and encodes pictures in a worker."""
        from pipelines.stages.embed import PictureEmbedder

        return PictureEmbedder(self.source, encoder, earlier)


@dataclass(frozen=True)
class VectorInput:
    """Vectors that others made.

    Args:
        source: where they lie.
    """

    source: VectorSource

    has_default_encoder = False
    reads_containers = True
    step = "take vectors"

    @property
    def specs(self) -> list[str]:
        """The spec of the source: vectors stand alone."""
        return [self.source.spec]

    def describe(self, encoder: str | None, *, has_engine: bool) -> ImageFacts:  # noqa: ARG002
        """Open the source, and compare the vectors' length with that of the encoder that made them."""
        from pipelines.stages.embed_given import name_encoder

        if not encoder:
            name_encoder(encoder, 0)  # raises before files are read, which may take minutes
        self.source.open()
        listing = self.source.describe()
        return ImageFacts(*name_encoder(encoder, listing["dim"]), listing)

    def embedder(self, encoder: str, earlier: EarlierIndex | None) -> Embedder:  # noqa: ARG002
        """Return what takes the vectors of a shard in a worker; given vectors are read anew in an update, too."""
        from pipelines.stages.embed_given import VectorEmbedder

        return VectorEmbedder(self.source)
