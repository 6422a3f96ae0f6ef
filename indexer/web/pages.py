"""The pages of the search."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/")
def search_page(request: Request) -> Response:
    """Show the search form."""
    response: Response = request.app.state.templates.TemplateResponse(request, "search.html", {})
    return response
