"""The request of a build: settings that decide its output, and options that only decide how it runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.dump import ReadLimits
from pipelines.storage import RemoteFile
from pipelines.wikitext import CleaningRules

if TYPE_CHECKING:
    from pipelines.stages.image_inputs import ImageInput

__all__ = ["BuildRequest", "BuildSettings", "RunOptions", "program_version"]


@dataclass(frozen=True)
class BuildSettings:
    """The settings that, together with the inputs, decide every byte of the output.

    Args:
        rules: how wikitext becomes text.
        keep_disambiguation: keep disambiguation pages as articles.
        facts: write the plain rows of infoboxes as a table of their own.
        limit_pages: number of pages to read from the start of the dump; None: all.
        page_timeout_s: seconds that parsing one page may take.
        page_memory_bytes: memory that parsing one page may take.
        limits: of the dump reader.
        bm25_preset: "more" or "anserini".
        encoder: spec of the image encoder; None: no image index.
        encoder_fingerprint: hash of the encoder's weights.
        wiki: name of the wiki that the dump is of.
        is_wiki_assumed: nothing in the dump says which wiki it is of.
        images: what the sources of pictures or vectors hold (`ImageInput.describe`); None: no image index.
    """

    rules: CleaningRules = field(default_factory=CleaningRules)
    keep_disambiguation: bool = False
    facts: bool = False
    limit_pages: int | None = None
    page_timeout_s: float = 30.0
    page_memory_bytes: int = 2 * 2**30
    limits: ReadLimits = field(default_factory=ReadLimits)
    bm25_preset: str = "more"
    encoder: str | None = None
    encoder_fingerprint: str | None = None
    wiki: str = "enwiki"
    is_wiki_assumed: bool = False
    images: dict[str, Any] | None = None

    def to_config(self) -> dict[str, Any]:
        """Return the settings as the manifest has them, in values of JSON."""
        config = asdict(self)
        # Sets have no order in JSON, and the fingerprint of a build is a hash of this.
        config["rules"] = {name: _to_json(value) for name, value in asdict(self.rules).items()}
        config["program_version"] = program_version()
        return config


@dataclass(frozen=True)
class RunOptions:
    """The options that decide how a build runs; none of them changes a byte of the tables.

    Args:
        workers: worker processes.
        allow_partial: finish although a part of the input is lost.
        overwrite: replace an index at the output.
        beam: options for Beam, as on its command line; with a --runner the job runs on that engine.
        any_wiki: go on with a dump that is of another wiki than English Wikipedia.
    """

    workers: int = 1
    allow_partial: bool = False
    overwrite: bool = False
    beam: tuple[str, ...] = ()
    any_wiki: bool = False

    @property
    def has_engine(self) -> bool:
        """Whether the job runs on an engine, that is, Beam's options name a --runner."""
        return any(word.startswith("--runner") for word in self.beam)


@dataclass(frozen=True)
class BuildRequest:
    """What to build, from what, and where to.

    Args:
        dumps: paths, URLs or globs of dump files.
        output: the index folder, or its URL.
        settings: decide the output.
        options: decide how the build runs.
        dump_index: multistream index of the only dump; None: found by its name.
        images: pictures, or their vectors; None: no image index.
        update_from: index of an earlier dump, whose unchanged pages are taken over; None: every page is parsed.
    """

    dumps: tuple[str, ...]
    output: Path | RemoteFile
    settings: BuildSettings = field(default_factory=BuildSettings)
    options: RunOptions = field(default_factory=RunOptions)
    dump_index: str | None = None
    images: ImageInput | None = None
    update_from: Path | None = None


def program_version() -> str:
    """Return the version of this package."""
    return metadata.version("mie-context")


def _to_json(value: Any) -> Any:
    """Turn sets and tuples, also those inside a dictionary, into lists of a fixed order; other values stay."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, dict):
        return {name: _to_json(part) for name, part in value.items()}
    return list(value) if isinstance(value, tuple) else value
