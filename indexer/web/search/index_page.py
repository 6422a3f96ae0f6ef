"""The page and the JSON of what is in the index: measured and drawn at the first request, then kept."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from indexer.web.given import Inspector

if TYPE_CHECKING:
    from markupsafe import Markup

__all__ = ["index_router"]

index_router = APIRouter()
_measuring = Lock()


@dataclass(frozen=True)
class _Measured:
    """The report's parts as HTML, and its numbers; they do not change while the inspector runs."""

    parts: Markup
    values: dict[str, Any]


@index_router.get("/index", include_in_schema=False)
def index_page(request: Request) -> Response:
    """Show what is in the index, what was left out, and why."""
    context = {"parts": _measured(request).parts}
    response: Response = request.app.state.templates.TemplateResponse(request, "index.html", context)
    return response


@index_router.get(
    "/api/index-report", summary="Lengths of the texts, and rejects by reason with examples", tags=["index"]
)
def index_report(request: Request) -> JSONResponse:
    """Return the numbers of the index page that its manifest does not hold."""
    return JSONResponse(_measured(request).values)


def _measured(request: Request) -> _Measured:
    """Measure the index at the first call; requests that come meanwhile wait for it."""
    from indexer.report import measure_index, report_parts, report_to_json

    state = request.app.state
    with _measuring:
        if getattr(state, "index_report", None) is None:
            inspector: Inspector = state.inspector
            report = measure_index(inspector.index.folder, inspector.index.manifest)
            state.index_report = _Measured(report_parts(report), report_to_json(report))
        measured: _Measured = state.index_report
    return measured
