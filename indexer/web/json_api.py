"""The JSON API: search by text and by picture, explanations, documents, and the index itself."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from indexer.report import answer_to_row
from indexer.web.http import Refused
from indexer.web.search import (
    ERRORS,
    MAX_BODY_BYTES,
    AskedExplanation,
    AskedPicture,
    AskedSearch,
    Document,
    Engine,
    Explained,
    Found,
    IndexFacts,
    Question,
    SearchResult,
    SentPicture,
    parameters_of,
    read,
)

__all__ = ["router"]

_PICTURE_TYPES = ("image/", "application/octet-stream")
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The bytes of a JPEG, PNG, GIF, WebP or BMP file.",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_to_ascii = json.JSONEncoder(separators=(",", ":")).encode
router = APIRouter(prefix="/api", responses=ERRORS)


@router.get("/search", response_model=SearchResult, operation_id="search", openapi_extra=parameters_of(AskedSearch))
async def search(request: Request) -> Response:
    """Search by words, by a picture that was sent before, or by both."""
    return await _answer(request, read(AskedSearch, request.query_params).question())


@router.post(
    "/search",
    response_model=SearchResult,
    operation_id="search_with_picture",
    openapi_extra=parameters_of(AskedSearch, "image") | _BODY,
)
async def search_with_picture(request: Request) -> Response:
    """Search by the picture in the body, and by words beside it."""
    asked = read(AskedSearch, request.query_params)
    picture = await _engine(request).pictures.add(await _read_picture(request))
    return await _answer(request, asked.question(picture.sha256))


@router.post("/images", response_model=SentPicture, operation_id="send_picture", openapi_extra=_BODY)
async def send_picture(request: Request) -> Response:
    """Send a picture; its hash is the image of a search. Nothing is written to disk."""
    picture: AskedPicture = await _engine(request).pictures.add(await _read_picture(request))
    return _json({"image": picture.sha256, "width": picture.width, "height": picture.height})


@router.get(
    "/images/{image}",
    operation_id="get_picture",
    response_class=Response,
    responses={200: {"description": "A small copy.", "content": {"image/jpeg": {}}}},
)
async def get_picture(request: Request, image: Annotated[str, Path(description="Its hash.")]) -> Response:
    """Return a small copy of a picture that was sent."""
    picture = _engine(request).pictures.get(image)
    return Response(picture.preview, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})


@router.get("/explain", response_model=Explained, operation_id="explain", openapi_extra=parameters_of(AskedExplanation))
async def explain(request: Request) -> Response:
    """Tell how the score of one answer to a search comes about."""
    asked = read(AskedExplanation, request.query_params)
    account = await _engine(request).explain_one(asked.question(), asked.doc_id)
    return _json({"doc_id": asked.doc_id, "explanation": account})


@router.get("/documents/{doc_id:path}", response_model=Document, operation_id="get_document")
async def get_document(
    request: Request,
    doc_id: Annotated[str, Path(max_length=300, description="Of a page, paragraph or sentence; or a file.")],
) -> Response:
    """Return a page, a paragraph, a sentence or a file by its id (# is written %23)."""
    from indexer.report import find_document

    engine = _engine(request)
    found = await engine.read(lambda: find_document(engine.index, doc_id))
    if found is None:
        raise Refused(404, f"the index holds no {doc_id!r}", "take an id from a search")
    return _json(found)


@router.get("/index", response_model=IndexFacts, operation_id="get_index")
async def get_index(request: Request) -> Response:
    """Tell what is in the index and how it was built."""
    from indexer.report import summarise_manifest

    return _json(summarise_manifest(_engine(request).index.manifest))


async def _answer(request: Request, question: Question) -> Response:
    engine = _engine(request)
    found = [await engine.ask(question, view) for view in question.views()]
    return _json(to_result(found, question.image))


def to_result(found: list[Found], image: str | None) -> dict[str, Any]:
    """Put the answers of some views together, in the field names of `mie-index query --json`."""
    return {
        "answers": [answer_to_row(answer) for some in found for answer in some.answers],
        "seconds": {some.view: round(some.seconds, 6) for some in found},
        "image": image,
    }


def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


def _json(value: Any) -> Response:
    """Write JSON in ASCII: nothing in it can steer the terminal that a program prints it to."""
    return Response(_to_ascii(value), media_type="application/json", headers={"cache-control": "no-store"})


async def _read_picture(request: Request) -> bytes:
    kind = request.headers.get("content-type", "")
    if not kind.startswith(_PICTURE_TYPES):
        raise Refused(415, f"{kind or 'a body without a type'} is no picture", "send the file's bytes as image/*")
    too_large = Refused(413, f"more than {MAX_BODY_BYTES:,} bytes", "scale the picture down first")
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise too_large
    data = bytearray()
    try:
        async for chunk in request.stream():
            data += chunk
            if len(data) > MAX_BODY_BYTES:
                raise too_large
    except ClientDisconnect as error:
        raise Refused(400, "the picture ended early", "send it again") from error
    return bytes(data)
