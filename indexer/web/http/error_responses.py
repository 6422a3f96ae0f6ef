"""Errors as responses: which status each kind gets, and its words as a page or as JSON, with a remedy, never a path."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException

from indexer.web.given import NotFound
from indexer.web.http.worker_thread import QueueFull
from schemas.errors import IndexCorrupt, InputError, MieError, MissingDependency, StoreError, UsageError

__all__ = [
    "TooLarge",
    "UnsupportedMediaType",
    "add_error_handlers",
    "as_sentence",
    "error_response",
    "invalid_value",
    "status_of",
]

_log = logging.getLogger(__name__)


class TooLarge(InputError):
    """A body with too many bytes, or a picture that would cost too much to decode."""


class UnsupportedMediaType(InputError):
    """A body that does not claim to be a picture."""


# The first class that fits decides, so a subclass stands before its base.
_STATUS: tuple[tuple[type[MieError], int], ...] = (
    (NotFound, 404),
    (TooLarge, 413),
    (UnsupportedMediaType, 415),
    (UsageError, 400),
    (InputError, 422),
    (IndexCorrupt, 503),
    (StoreError, 409),
    (MissingDependency, 503),
    (QueueFull, 503),
)


def status_of(error: MieError) -> int:
    """Return the HTTP status of an error.

    >>> status_of(UsageError("no text")), status_of(TooLarge("9 GB")), status_of(MieError("?"))
    (400, 413, 500)
    """
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def error_response(
    templates: Jinja2Templates, request: Request, status: int, message: str, remedy: str, **headers: str
) -> Response:
    """Return an error as JSON below /api, else as a page."""
    if request.url.path.startswith("/api"):
        return JSONResponse({"error": {"message": message, "remedy": remedy}}, status, headers)
    context = {"status": status, "phrase": HTTPStatus(status).phrase, "message": message, "remedy": remedy}
    return templates.TemplateResponse(request, "error.html", context, status, headers)


def add_error_handlers(app: FastAPI, templates: Jinja2Templates) -> None:
    """Turn every error of a route into a response."""

    async def known(request: Request, error: Any) -> Response:
        status = status_of(error)
        if status == 500:
            _log.error("%s", error)
        return error_response(templates, request, status, error.message, error.remedy or "")

    async def invalid(request: Request, error: Any) -> Response:
        return await known(request, invalid_value(error.errors()[0], skip=1))

    async def of_starlette(request: Request, error: Any) -> Response:
        phrase = HTTPStatus(error.status_code).phrase
        message = phrase.lower() if error.detail == phrase else error.detail
        remedy = "go to the search page: /" if error.status_code == 404 else ""
        return error_response(templates, request, error.status_code, message, remedy, **(error.headers or {}))

    async def bug(request: Request, error: Any) -> Response:
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
        return error_response(templates, request, 500, "an error of the inspector's own", "see what it wrote to stderr")

    app.add_exception_handler(MieError, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, of_starlette)
    app.add_exception_handler(Exception, bug)


def invalid_value(error: Any, *, skip: int = 0) -> InputError:
    """Return pydantic's first complaint as an error of ours.

    Args:
        error: an entry of `ValidationError.errors()`.
        skip: leading parts of its place that name no parameter: FastAPI puts "query" or "path" before the name.
    """
    name = ".".join(str(part) for part in error["loc"][skip:]) or "the request"
    return InputError(f"{name}: {error['msg']}", remedy="see /openapi.json for the parameters and their ranges")


def as_sentence(message: str) -> str:
    """Return a message as a sentence, for a page.

    >>> as_sentence("nothing is asked")
    'Nothing is asked.'
    """
    return f"{message[:1].upper()}{message[1:]}."
