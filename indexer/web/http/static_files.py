"""The style sheets and scripts that pages load, found by name in two packages."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import Any

from starlette.responses import Response
from starlette.staticfiles import StaticFiles

__all__ = ["PageFiles"]


class PageFiles(StaticFiles):
    """Starlette's static files, with a fixed list of names: no path is made of what a request says."""

    def __init__(self) -> None:
        super().__init__()
        own = [entry for entry in files("indexer.web").joinpath("static").iterdir() if entry.is_file()]
        shared = files("schemas.display").joinpath("page.css")
        self._paths = {entry.name: str(entry) for entry in (*own, shared)}

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Return the path of a name in the list, and its facts."""
        known = self._paths.get(path)
        return ("", None) if known is None else (known, os.stat(known))  # noqa: PTH116 - what StaticFiles takes

    def file_response(self, *values: Any, **options: Any) -> Response:
        """Return a file, or status 304 to a browser that has it; browsers ask each time, so that an update shows."""
        response = super().file_response(*values, **options)
        response.headers["cache-control"] = "no-cache"
        return response
