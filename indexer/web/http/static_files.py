"""The style sheets and scripts that pages load: read once at the start, and looked up by name."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from fastapi import APIRouter, Request
from fastapi.responses import Response

from indexer.web.http.failures import Refused

__all__ = ["router"]

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
router = APIRouter(include_in_schema=False)


def _read_all() -> dict[str, tuple[bytes, str, str]]:
    own = list(files("indexer.web").joinpath("static").iterdir())
    found = {}
    for entry in [*own, files("schemas.display").joinpath("page.css")]:
        kind = _TYPES.get("." + entry.name.rpartition(".")[2])
        if kind is not None:
            data = entry.read_bytes()
            found[entry.name] = (data, kind, f'"{hashlib.sha256(data).hexdigest()[:16]}"')
    return found


_FILES = _read_all()


@router.get("/static/{name}")
async def static(name: str, request: Request) -> Response:
    """Return a file; a browser that has it already is told so."""
    if name not in _FILES:
        raise Refused(404, "no such file", "go to the search page: /")
    data, kind, tag = _FILES[name]
    headers = {"etag": tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=kind, headers=headers)
