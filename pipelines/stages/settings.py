"""The settings of a build that change its output, and those that only change how it runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from pipelines.dump import ReadLimits
from pipelines.images import SourceChain, VectorSource
from pipelines.storage import RemoteFile
from pipelines.wikitext import CleaningRules

__all__ = ["BuildRequest", "BuildSettings", "RunOptions", "program_version"]


@dataclass(frozen=True)
class BuildSettings:
    """What decides the output, together with the inputs.

    Args:
        rules: how wikitext becomes text.
        keep_disambiguation: keep disambiguation pages as articles.
        limit_pages: read only the first so many pages; None: all.
        page_timeout_s: time to parse one page.
        page_memory_bytes: memory to parse one page.
        limits: of the dump reader.
        bm25_preset: "more" or "anserini".
        encoder: spec of the image encoder; None: no image index.
        encoder_fingerprint: name of its weights.
        images: what the image source holds (`describe_images`); None: no image index.
    """

    rules: CleaningRules = field(default_factory=CleaningRules)
    keep_disambiguation: bool = False
    limit_pages: int | None = None
    page_timeout_s: float = 30.0
    page_memory_bytes: int = 2 * 2**30
    limits: ReadLimits = field(default_factory=ReadLimits)
    bm25_preset: str = "more"
    encoder: str | None = None
    encoder_fingerprint: str | None = None
    images: dict[str, Any] | None = None

    def to_config(self) -> dict[str, Any]:
        """Return the settings as they stand in the manifest: values of JSON only."""
        config = asdict(self)
        config["rules"] = {name: _to_json(value) for name, value in asdict(self.rules).items()}
        config["program_version"] = program_version()
        return config


@dataclass(frozen=True)
class RunOptions:
    """How a build runs; none of it changes a byte of the tables.

    Args:
        workers: processes.
        allow_partial: finish although input was lost.
        overwrite: replace an index that is there.
        beam: options for Beam, as on its command line; with a --runner the job runs there.
    """

    workers: int = 1
    allow_partial: bool = False
    overwrite: bool = False
    beam: tuple[str, ...] = ()

    @property
    def has_engine(self) -> bool:
        """Whether a runner of somebody else's is named."""
        return any(word.startswith("--runner") for word in self.beam)


@dataclass(frozen=True)
class BuildRequest:
    """What to build.

    Args:
        dumps: paths or globs of dump files.
        output: the index folder, or its URL.
        settings: what decides the output.
        options: how to run.
        dump_index: multistream index of the only dump; None: found by its name.
        images: gives the bytes of pictures, or their vectors; None: no image index.
        update_from: index of an earlier dump, whose unchanged pages are taken over; None: every page is parsed.
    """

    dumps: tuple[str, ...]
    output: Path | RemoteFile
    settings: BuildSettings = field(default_factory=BuildSettings)
    options: RunOptions = field(default_factory=RunOptions)
    dump_index: str | None = None
    images: SourceChain | VectorSource | None = None
    update_from: Path | None = None


def program_version() -> str:
    """Return the version of this package."""
    return metadata.version("mie-context")


def _to_json(value: Any) -> Any:
    """Turn sets and tuples into lists of fixed order; leave the rest."""
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value
