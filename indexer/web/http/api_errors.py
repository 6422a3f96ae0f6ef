"""Errors of the JSON API as OpenAPI describes them: their shape, and what each status means."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

__all__ = ["ERROR_RESPONSES", "ApiError"]


class Problem(BaseModel):
    """What is wrong, and what to do."""

    message: str
    remedy: str


class ApiError(BaseModel):
    """Every answer with a status of 400 or more."""

    error: Problem


_MEANINGS = {
    400: "the request makes no sense, or the Host header names another machine",
    403: "a page of another site sent this",
    404: "not found",
    409: "the index lacks this view, or was built with other weights",
    413: "too large",
    415: "not a picture",
    422: "a value out of its range, or a picture that cannot be read",
    503: "busy, late, or something is not installed",
}
ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ApiError, "description": meaning} for status, meaning in _MEANINGS.items()
}
