"""The page of a document: an article, a paragraph or a sentence with its neighbours, or a file."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from indexer.web.given import NotFound
from indexer.web.search.document_values import describe_document
from indexer.web.search.search_service import SearchService
from indexer.web.search.wikipedia import wikipedia_url

__all__ = ["document_router"]

_MAX_ID_CHARS = 300
document_router = APIRouter(include_in_schema=False)


@document_router.get("/doc/{doc_id:path}")
async def document_page(request: Request, doc_id: str) -> Response:
    """Show a page, a paragraph or a sentence with its neighbours; or a file with the articles that use it."""
    state = request.app.state
    service: SearchService = state.search_service
    context = await service.read(lambda: describe_document(service.index, doc_id[:_MAX_ID_CHARS], state.index_pictures))
    if context is None:
        raise NotFound("the index holds no document of this id", remedy="take a link from a search")
    context["wikipedia"] = wikipedia_url(service.index.manifest)
    response: Response = state.templates.TemplateResponse(request, "document.html", context)
    return response
