"""The way to the one address that is asked most, past the layers that an application puts before its routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from fastapi import Request

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.responses import Response
    from starlette.types import Receive, Scope, Send

__all__ = ["ShortCut"]


class ShortCut:
    """Answers GET of one address itself; everything else, and every failure, goes to the application.

    The application knows the address too, describes it, and makes an answer of an error. What its layers cost under
    load: docs/decisions/0018.

    Args:
        app: the application.
        path: the address.
        answer: what the application calls for it.
    """

    def __init__(self, app: FastAPI, path: str, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self.app = app
        self._path = path
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] == "http" and scope["path"] == self._path and scope["method"] == "GET":
            scope["app"] = self.app
            try:
                response = await self._answer(Request(scope, receive))
            except Exception:  # which the application makes an answer of, when it fails there too
                await self.app(scope, receive, send)
            else:
                await response(scope, receive, send)
        else:
            await self.app(scope, receive, send)
