"""What goes wrong, as the browser and programs are told: a page or a JSON object, with a remedy, never a path."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException

from indexer.web.http.lanes import Overloaded
from schemas.errors import IndexCorrupt, InputError, MieError, MissingDependency, StoreError, UsageError

__all__ = ["Refused", "add_handlers", "as_sentence", "error_response", "status_of"]

_TOO_MUCH = ("too_large", "extreme_shape", "too_slow")
_STATUS: tuple[tuple[type[MieError], int], ...] = (
    (UsageError, 400),
    (InputError, 422),
    (IndexCorrupt, 503),
    (StoreError, 409),
    (MissingDependency, 503),
    (Overloaded, 503),
)
_log = logging.getLogger(__name__)


class Refused(Exception):
    """A request that gets a status of its own.

    Args:
        status: of HTTP, 400 or more.
        message: what is wrong, without a full stop.
        remedy: what the reader can do.
    """

    def __init__(self, status: int, message: str, remedy: str) -> None:
        super().__init__(message)
        self.status, self.message, self.remedy = status, message, remedy


def error_response(
    templates: Jinja2Templates, request: Request, status: int, message: str, remedy: str, **headers: str
) -> Response:
    """Say what is wrong: as JSON below /api, else as a page."""
    if request.url.path.startswith("/api"):
        return JSONResponse({"error": {"message": message, "remedy": remedy}}, status, headers)
    told = {"status": status, "phrase": _phrase(status), "message": message, "remedy": remedy}
    return templates.TemplateResponse(request, "error.html", told, status, headers)


def add_handlers(app: FastAPI, templates: Jinja2Templates) -> None:
    """Let every error of a route become a response with a status that says whose fault it is."""

    async def refused(request: Request, error: Any) -> Response:
        return error_response(templates, request, error.status, error.message, error.remedy)

    async def ours(request: Request, error: Any) -> Response:
        status = status_of(error)
        if status == 500:
            _log.error("%s", error)
        return error_response(templates, request, status, error.message, error.remedy or "")

    async def invalid(request: Request, error: Any) -> Response:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        return error_response(templates, request, 422, f"{name}: {first['msg']}", "see /openapi.json for what is taken")

    async def of_starlette(request: Request, error: Any) -> Response:
        words = error.detail if error.detail != _phrase(error.status_code) else _phrase(error.status_code).lower()
        remedy = "go to the search page: /" if error.status_code == 404 else ""
        return error_response(templates, request, error.status_code, words, remedy, **(error.headers or {}))

    async def bug(request: Request, error: Any) -> Response:
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
        return error_response(templates, request, 500, "an error of the inspector's own", "see what it wrote to stderr")

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(MieError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, of_starlette)
    app.add_exception_handler(Exception, bug)


def as_sentence(message: str) -> str:
    """Make a sentence of a message: people read it on a page.

    >>> as_sentence("nothing is asked")
    'Nothing is asked.'
    """
    return f"{message[:1].upper()}{message[1:]}."


def status_of(error: Refused | MieError) -> int:
    """Return the status that says whose fault an error is."""
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, InputError) and error.message.startswith(_TOO_MUCH):
        return 413
    return next((code for kind, code in _STATUS if isinstance(error, kind)), 500)


def _phrase(status: int) -> str:
    """Return the words of a status.

    >>> _phrase(404)
    'Not Found'
    """
    return HTTPStatus(status).phrase
