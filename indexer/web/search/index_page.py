"""The page and the JSON of the index: measured and drawn at the first request, then kept."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from indexer.web.given import Inspector

__all__ = ["router"]

router = APIRouter()
_MEASURING = Lock()


@dataclass(frozen=True)
class _Measured:
    """What does not change while the inspector runs."""

    parts: str
    values: dict[str, Any]


@router.get("/index", include_in_schema=False)
def index_page(request: Request) -> Response:
    """Show what is in the index, and what is not, and why."""
    told = {"parts": _measured(request).parts}
    response: Response = request.app.state.templates.TemplateResponse(request, "index.html", told)
    return response


@router.get("/api/index-report", summary="Lengths of the texts, and rejects by reason with examples", tags=["index"])
def index_report(request: Request) -> JSONResponse:
    """Return the numbers of the index page that its manifest does not hold."""
    return JSONResponse(_measured(request).values)


def _measured(request: Request) -> _Measured:
    """Measure the index at the first call; whoever asks meanwhile waits for it."""
    from indexer.report import measure_index, report_parts, report_to_json

    state = request.app.state
    with _MEASURING:
        if getattr(state, "index_report", None) is None:
            inspector: Inspector = state.inspector
            report = measure_index(inspector.index.folder, inspector.index.manifest)
            state.index_report = _Measured(report_parts(report), report_to_json(report))
        measured: _Measured = state.index_report
    return measured
