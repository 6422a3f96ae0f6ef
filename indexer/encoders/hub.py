"""Files of the model hub: from this machine's cache, else from the hub if it answers soon, else an error."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from schemas.errors import MissingDependency

__all__ = ["HUB_TIMEOUT_S", "fetch_first", "first_line"]

HUB_TIMEOUT_S = 5.0
"""How long the hub may take to answer before it counts as not reachable; its own client retries for a minute."""


def fetch_first(repository: str, files: Sequence[str], what: str, remedy: str) -> Path:
    """Return the first file of a list that the cache or the hub has.

    Args:
        repository: `owner/name`; a bare name is one of the hub's own.
        files: names in order of preference.
        what: the subject of the error, as in "the weights X are not in the local cache".
        remedy: of the error.

    Raises:
        MissingDependency: none is cached, and the hub has none or does not answer within HUB_TIMEOUT_S.
    """
    import huggingface_hub as hub
    from huggingface_hub.errors import EntryNotFoundError

    for file in files:
        cached = hub.try_to_load_from_cache(repository, file)
        if isinstance(cached, str):
            return Path(cached)
    message = f"{what} are not in the local cache"
    if hub.constants.is_offline_mode():
        raise MissingDependency(f"{message} and HF_HUB_OFFLINE is set", remedy=remedy)
    for file in files:
        try:
            # This call ends at the timeout; a download from a hub that does not answer would be tried again and again.
            hub.get_hf_file_metadata(hub.hf_hub_url(repository, file), timeout=HUB_TIMEOUT_S)
            return Path(hub.hf_hub_download(repository, file, etag_timeout=HUB_TIMEOUT_S))
        except EntryNotFoundError:
            continue
        except Exception as error:  # no name service, no route, refused, a proxy's page, disk full
            text = f"{message} and the hub is not reachable ({first_line(error)})"
            raise MissingDependency(text, remedy=remedy) from error
    raise MissingDependency(f"{message} and the hub has no such file", remedy=remedy)


def first_line(error: Exception) -> str:
    """Return an error of a library in one line: its type and its first two lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines[:2])[:300]}"
