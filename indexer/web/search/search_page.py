"""The search page: the form, and the answers of each view with their words marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from indexer.search import Answer, View
from indexer.text import PRESETS
from indexer.web.http import invalid_value, status_of
from indexer.web.pictures import MAX_BODY_BYTES, IndexPictures
from indexer.web.search.highlight import MarkedPiece, MarkedText, around
from indexer.web.search.requests import MAX_TEXT_CHARS, MAX_TITLE_BOOST, SearchRequest
from indexer.web.search.search_service import SearchService, ViewAnswers
from indexer.web.search.wikipedia import wikipedia_url
from schemas.errors import MieError
from schemas.records import DEFAULT_K
from schemas.titles import file_page_url

__all__ = ["search_router"]

_CHOICES_OF_K = (5, 10, 20, 50, 100)
search_router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class _Form:
    """The content of the form: the request, and whether all scores are to be explained."""

    request: SearchRequest
    is_explained: bool = False

    def url(self, **changes: Any) -> str:
        """Return the URL of this search, with changes to the request; what has its default value is left out."""
        request = self.request.model_copy(update=changes)
        values = {
            "q": request.text,
            "image": request.image,
            "k": request.k if request.k != DEFAULT_K else None,
            "view": request.view,
            "title_boost": f"{request.title_boost:g}" if request.title_boost else None,
            "constants": request.constants,
            "explain": "1" if self.is_explained else None,
        }
        query = urlencode({name: value for name, value in values.items() if value is not None})
        return f"/?{query}" if query else "/"

    def explained_url(self) -> str:
        """Return the URL of this search with every score explained."""
        return replace(self, is_explained=True).url()

    def explain_url(self, view: View, answer: Answer) -> str:
        """Return the URL that explains one score, with those parameters alone that the view reads."""
        request = self.request
        values: dict[str, Any] = {"doc_id": answer.doc_id, "k": request.k, "view": view}
        if request.text and (view == "text" or not request.image):
            values["text"] = request.text
        if request.image and view == "image":
            values["image"] = request.image
        if view == "text" and request.title_boost:
            values["title_boost"] = request.title_boost
        if view == "text" and request.constants:
            values["constants"] = request.constants
        return f"/api/explain?{urlencode(values)}"


@search_router.get("/")
async def search_page(request: Request) -> Response:
    """Show the form and, where something is asked, the answers."""
    service: SearchService = request.app.state.search_service
    problems: list[MieError] = []
    form, results, picture = _Form(SearchRequest()), [], None
    try:
        form = _read_form(request.query_params)
        if form.request.image:
            picture = service.pictures.get(form.request.image)
    except MieError as error:
        problems.append(error)
    if not problems and (form.request.text or form.request.image):
        results = await _results(request, form, problems)
    context = {
        "form": form,
        "search": form.request,
        "service": service,
        "picture": picture,
        "explained_url": form.explained_url(),
        "results": results,
        "problems": problems,
        "presets": PRESETS,
        "choices_of_k": sorted({*_CHOICES_OF_K, form.request.k}),
        "limits": {"chars": MAX_TEXT_CHARS, "title_boost": MAX_TITLE_BOOST, "bytes": MAX_BODY_BYTES},
    }
    # A page that shows the answers of one view is a success, even if the other view failed.
    status = status_of(problems[0]) if problems and not results else 200
    response: Response = request.app.state.templates.TemplateResponse(request, "search.html", context, status)
    return response


def _read_form(parameters: Mapping[str, str]) -> _Form:
    """Read the form's fields in an address; an empty field counts as absent.

    Raises:
        InputError: a value is out of its range.
    """
    values = {name: value.strip() for name, value in parameters.items() if value.strip()}
    if "q" in values:
        values["text"] = values["q"]
    try:
        return _Form(SearchRequest.model_validate(values), values.get("explain") == "1")
    except ValidationError as error:
        raise invalid_value(error.errors(include_url=False, include_context=False)[0]) from error


async def _results(request: Request, form: _Form, problems: list[MieError]) -> list[dict[str, Any]]:
    """Return the answers of each view; where one view fails, its error joins the problems, and the other is shown."""
    service: SearchService = request.app.state.search_service
    results = []
    try:
        views = form.request.views()
    except MieError as error:
        problems.append(error)
        return []
    for view in views:
        try:
            found = await service.search(form.request, view)
            explanations = await service.explain(form.request, found) if form.is_explained else []
            rows = await _rows(request, form, found, explanations)
            results.append({"view": view, "rows": rows, "seconds": found.seconds})
        except MieError as error:
            problems.append(error)
    return results


async def _rows(request: Request, form: _Form, found: ViewAnswers, explanations: list[str]) -> list[dict[str, Any]]:
    service: SearchService = request.app.state.search_service
    wikipedia = wikipedia_url(service.index.manifest)
    marked = await _marked_parts(service, form, found)
    pictures = await _picture_urls(request, found.answers)
    rows = []
    for number, answer in enumerate(found.answers):
        before, matched, after = marked[number]
        page_id = answer.doc_id.partition("#")[0]
        rows.append(
            {
                "answer": answer,
                "before": before,
                "matched": matched,
                "after": after,
                "picture": pictures[number],
                "document": "/doc/" + quote(answer.doc_id),
                "wikipedia": f"{wikipedia}{page_id}" if wikipedia else None,
                "commons": file_page_url(answer.file) if answer.file else None,
                "explain_url": form.explain_url(found.view, answer),
                "explanation": explanations[number] if explanations else None,
            }
        )
    return rows


async def _marked_parts(service: SearchService, form: _Form, found: ViewAnswers) -> list[Sequence[MarkedText]]:
    """Return the three parts of each answer's text; the text view's with the words of the query marked."""
    texts = [text for answer in found.answers for text in _parts(answer)]
    if found.view == "text" and texts:  # all texts in one call: each call waits for Java's thread
        marked = await service.mark(form.request.text or "", texts)
    else:
        marked = [[MarkedPiece(text)] for text in texts]
    return [marked[at : at + 3] for at in range(0, len(marked), 3)]


async def _picture_urls(request: Request, answers: Sequence[Answer]) -> list[str | None]:
    service: SearchService = request.app.state.search_service
    pictures: IndexPictures = request.app.state.index_pictures
    if not pictures.is_given:
        return [None] * len(answers)
    keys = [(int(answer.doc_id.partition("#")[0]), answer.file) for answer in answers]
    return await service.read(lambda: [pictures.find_url(page_id, file) for page_id, file in keys])


def _parts(answer: Answer) -> tuple[str, str, str]:
    """Return what precedes the matched sentence in its paragraph, the sentence, and the rest."""
    if answer.view == "image":
        return "", "", answer.text
    before, sentence, after = around(answer.text, answer.matched)
    return (before, sentence, after) if sentence else ("", answer.matched, "")
