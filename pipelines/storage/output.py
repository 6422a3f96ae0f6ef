"""What a build needs of its output, wherever that is: the Protocol `Output`, and the one place that chooses one.

A build goes through its output so:

    output.check(overwrite=...)        refuses a place that holds files of others
    with output.locked():              no second build writes here
        output.take_over(...)          goes on with unfinished work, or clears it away
        ... the stages fill output.work ...
        output.publish(manifest)       the manifest is the last file: without it there is no index
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from pipelines.storage.files import RemoteFile
from pipelines.storage.output_folder import OutputFolder
from pipelines.storage.remote_output import RemoteOutput
from pipelines.storage.work import Work
from schemas.manifest import Manifest

__all__ = ["Output", "open_output"]


class Output(Protocol):
    """A place that is, will be, or must not become an index. To make one touches nothing."""

    @property
    def address(self) -> str:
        """The path or URL, for messages."""

    @property
    def work(self) -> Work:
        """The unfinished build; for a URL, only while it is locked."""

    def manifest(self) -> Manifest:
        """Read the manifest of a finished index.

        Raises:
            StoreError: there is none, or it cannot be used.
        """

    def sizes(self) -> dict[str, int]:
        """Return the size in bytes of every file of the index that is here, by name."""

    def check(self, *, overwrite: bool) -> None:
        """Check that a build may write here.

        Raises:
            UsageError: there are files that no build of ours made; or an index, and not overwrite.
        """

    def state(self) -> str:
        """Return in a word what is here: "new", "index", "unfinished build" or "something else"."""

    def locked(self) -> AbstractContextManager[None]:
        """Hold the output, so that two builds never write into it at once.

        Raises:
            UsageError: another build holds it, or it cannot be written.
        """

    def take_over(self, fingerprint: str, plan: str) -> bool:
        """Go on with the work of an earlier run, or clear it away if it was of another configuration.

        Args:
            fingerprint: of settings, inputs and program.
            plan: digest of the plan.

        Returns:
            True if there is work to go on with.
        """

    def unpublished(self) -> Manifest | None:
        """Return the manifest of a build that is ready, but whose publishing was interrupted; else None."""

    def publish(self, manifest: Manifest) -> None:
        """Declare what is ready an index, and remove what is left of the build."""

    def tidy(self, manifest: Manifest) -> None:
        """Remove what is left of the build of the index that is here, if it was interrupted as its very last act."""


def open_output(place: Path | RemoteFile) -> Output:
    """Return the output of a build, by path or URL; nothing is touched yet."""
    return RemoteOutput(place.url) if isinstance(place, RemoteFile) else OutputFolder(place)
