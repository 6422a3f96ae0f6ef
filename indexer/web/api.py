"""The JSON API: search by text and by picture, explanations, documents, and the index itself."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from indexer.answers import to_json
from indexer.web.api_models import ERRORS, Document, Explained, IndexFacts, SearchResult, SentPicture
from indexer.web.asked_pictures import MAX_BODY_BYTES, AskedPicture
from indexer.web.engine import MAX_K, MAX_TEXT_CHARS, MAX_TITLE_BOOST, Engine, Found, Question, Views
from indexer.web.failures import Refused

__all__ = ["router"]

_HASH = r"^[0-9a-f]{64}$"
_PICTURE_TYPES = ("image/", "application/octet-stream")
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The bytes of a JPEG, PNG, GIF, WebP or BMP file.",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}
router = APIRouter(prefix="/api", responses=ERRORS)
Text = Annotated[str | None, Query(max_length=MAX_TEXT_CHARS, description="Words to look for.")]
Image = Annotated[str | None, Query(pattern=_HASH, description="Hash of a picture that was sent.")]
K = Annotated[int, Query(ge=1, le=MAX_K, description="Answers wanted of each view.")]
View = Annotated[Views | None, Query(description="What to look for: text, pictures, or both.")]
Boost = Annotated[
    float,
    Query(ge=0, le=MAX_TITLE_BOOST, allow_inf_nan=False, description="Adds that many times the score of the title."),
]


@router.get("/search", response_model=SearchResult, operation_id="search")
async def search(
    request: Request, text: Text = None, image: Image = None, k: K = 10, view: View = None, title_boost: Boost = 0.0
) -> Response:
    """Search by words, by a picture that was sent before, or by both."""
    return await _answer(request, Question(_words(text), image, k, view, title_boost))


@router.post("/search", response_model=SearchResult, operation_id="search_with_picture", openapi_extra=_BODY)
async def search_with_picture(
    request: Request, text: Text = None, k: K = 10, view: View = None, title_boost: Boost = 0.0
) -> Response:
    """Search by the picture in the body, and by words beside it."""
    question = Question(_words(text), "sent", k, view, title_boost)
    question.views()
    picture = await _engine(request).pictures.add(await _read_picture(request))
    return await _answer(request, Question(question.text, picture.sha256, k, view, title_boost))


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
async def get_picture(request: Request, image: Annotated[str, Path(pattern=_HASH)]) -> Response:
    """Give a small copy of a picture that was sent."""
    picture = _engine(request).pictures.get(image)
    return Response(picture.preview, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})


@router.get("/explain", response_model=Explained, operation_id="explain")
async def explain(
    request: Request,
    doc_id: Annotated[str, Query(max_length=100, description="Of an answer.")],
    text: Text = None,
    image: Image = None,
    k: K = 10,
    view: View = None,
    title_boost: Boost = 0.0,
) -> Response:
    """Tell how the score of one answer to a search comes about."""
    question = Question(_words(text), image, k, view, title_boost)
    return _json({"doc_id": doc_id, "explanation": await _engine(request).explain_one(question, doc_id)})


@router.get("/documents/{doc_id:path}", response_model=Document, operation_id="get_document")
async def get_document(
    request: Request,
    doc_id: Annotated[str, Path(max_length=300, description="Of a page, paragraph or sentence; or a file.")],
) -> Response:
    """Give a page, a paragraph, a sentence or a file by its id (# is written %23)."""
    from indexer.info import look_up

    engine = _engine(request)
    found = await engine.read(lambda: look_up(engine.index, doc_id))
    if found is None:
        raise Refused(404, f"the index holds no {doc_id!r}", "take an id from a search")
    return _json(found)


@router.get("/index", response_model=IndexFacts, operation_id="get_index")
async def get_index(request: Request) -> Response:
    """Tell what is in the index and how it was built."""
    from indexer.info import describe

    return _json(describe(_engine(request).index.manifest))


async def _answer(request: Request, question: Question) -> Response:
    engine = _engine(request)
    found = [await engine.ask(question, view) for view in question.views()]
    return _json(to_result(found, question.image))


def to_result(found: list[Found], image: str | None) -> dict[str, Any]:
    """Put the answers of some views together, in the field names of `mie-index query --json`."""
    from indexer.answers import to_row

    return {
        "answers": [to_row(answer) for some in found for answer in some.answers],
        "seconds": {some.view: round(some.seconds, 6) for some in found},
        "image": image,
    }


def _engine(request: Request) -> Engine:
    engine: Engine = request.app.state.engine
    return engine


def _words(text: str | None) -> str | None:
    return text if text and text.strip() else None


def _json(value: Any) -> Response:
    return Response(to_json(value), media_type="application/json", headers={"cache-control": "no-store"})


async def _read_picture(request: Request) -> bytes:
    kind = request.headers.get("content-type", "")
    if not kind.startswith(_PICTURE_TYPES):
        raise Refused(415, f"{kind or 'a body without a type'} is no picture", "send the file's bytes as image/*")
    too_large = Refused(413, f"more than {MAX_BODY_BYTES:,} bytes", "scale the picture down first")
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > MAX_BODY_BYTES:
        raise too_large
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY_BYTES:
            raise too_large
    return bytes(data)
