"""The JSON API: search by text and by picture, explanations, documents, and the index itself."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from indexer.report import answer_to_row
from indexer.web.given import NotFound
from indexer.web.http import ERROR_RESPONSES, TooLarge, UnsupportedMediaType
from indexer.web.pictures import MAX_BODY_BYTES, PREVIEW_HEADERS
from indexer.web.search import (
    Document,
    Explained,
    ExplainRequest,
    IndexFacts,
    SearchOptions,
    SearchRequest,
    SearchResult,
    SearchService,
    SentPicture,
    ViewAnswers,
)
from schemas.errors import UsageError

__all__ = ["router"]

_PICTURE_TYPES = ("image/", "application/octet-stream")
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The bytes of a JPEG, PNG, GIF, WebP or BMP file.",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_encode_ascii = json.JSONEncoder(separators=(",", ":")).encode
router = APIRouter(prefix="/api", responses=ERROR_RESPONSES)


@router.get("/search", response_model=SearchResult, operation_id="search")
async def search(request: Request, parameters: Annotated[SearchRequest, Query()]) -> Response:
    """Search by words, by a picture that was sent before, or by both."""
    return await _answer(request, parameters)


@router.post("/search", response_model=SearchResult, operation_id="search_with_picture", openapi_extra=_BODY)
async def search_with_picture(request: Request, options: Annotated[SearchOptions, Query()]) -> Response:
    """Search by the picture in the body, and by words beside it."""
    picture = await _service(request).pictures.add(await _read_picture(request))
    return await _answer(request, SearchRequest(**options.model_dump(), image=picture.sha256))


@router.post("/images", response_model=SentPicture, operation_id="send_picture", openapi_extra=_BODY)
async def send_picture(request: Request) -> Response:
    """Send a picture; its hash is the image of a search. Nothing is written to disk."""
    picture = await _service(request).pictures.add(await _read_picture(request))
    return _json({"image": picture.sha256, "width": picture.width, "height": picture.height})


@router.get(
    "/images/{image}",
    operation_id="get_picture",
    response_class=Response,
    responses={200: {"description": "A small copy.", "content": {"image/jpeg": {}}}},
)
async def get_picture(request: Request, image: Annotated[str, Path(description="Its hash.")]) -> Response:
    """Return a small copy of a picture that was sent."""
    picture = _service(request).pictures.get(image)
    return Response(picture.preview, media_type="image/jpeg", headers=PREVIEW_HEADERS)


@router.get("/explain", response_model=Explained, operation_id="explain")
async def explain(request: Request, parameters: Annotated[ExplainRequest, Query()]) -> Response:
    """Return how the score of one answer to a search is computed."""
    explanation = await _service(request).explain_one(parameters, parameters.doc_id)
    return _json({"doc_id": parameters.doc_id, "explanation": explanation})


@router.get("/documents/{doc_id:path}", response_model=Document, operation_id="get_document")
async def get_document(
    request: Request,
    doc_id: Annotated[str, Path(max_length=300, description="Of a page, paragraph or sentence; or a file.")],
) -> Response:
    """Return a page, a paragraph, a sentence or a file by its id (# is written %23)."""
    from indexer.report import find_document

    service = _service(request)
    document = await service.read(lambda: find_document(service.index, doc_id))
    if document is None:
        raise NotFound(f"the index holds no {doc_id!r}", remedy="take an id from a search")
    return _json(document)


@router.get("/index", response_model=IndexFacts, operation_id="get_index")
async def get_index(request: Request) -> Response:
    """Return what is in the index and how it was built."""
    from indexer.report import summarise_manifest

    return _json(summarise_manifest(_service(request).index.manifest))


async def _answer(request: Request, parameters: SearchRequest) -> Response:
    service = _service(request)
    found = [await service.search(parameters, view) for view in parameters.views()]
    return _json(_to_result(found, parameters.image))


def _to_result(found: list[ViewAnswers], image: str | None) -> dict[str, Any]:
    """Join the answers of the views, in the field names of `mie-index query --json`."""
    return {
        "answers": [answer_to_row(answer) for one in found for answer in one.answers],
        "seconds": {one.view: round(one.seconds, 6) for one in found},
        "image": image,
    }


def _service(request: Request) -> SearchService:
    service: SearchService = request.app.state.search_service
    return service


def _json(value: Any) -> Response:
    """Return JSON in ASCII: escape sequences in a dump's text must not reach the terminal that shows an answer."""
    return Response(_encode_ascii(value), media_type="application/json", headers={"cache-control": "no-store"})


async def _read_picture(request: Request) -> bytes:
    kind = request.headers.get("content-type", "")
    if not kind.startswith(_PICTURE_TYPES):
        message = f"{kind or 'a body without a type'} is no picture"
        raise UnsupportedMediaType(message, remedy="send the file's bytes as image/*")
    too_large = TooLarge(f"more than {MAX_BODY_BYTES:,} bytes", remedy="scale the picture down first")
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise too_large
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > MAX_BODY_BYTES:  # a chunked body names no length, and a length may be wrong
                raise too_large
    except ClientDisconnect as error:
        raise UsageError("the picture ended early", remedy="send it again") from error
    return bytes(data)
