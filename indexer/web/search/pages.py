"""The pages of the search: the form with its answers, and a document of the index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from indexer.search import Answer, View
from indexer.text import PRESETS
from indexer.web.http import Refused, status_of
from indexer.web.search.document_view import view_document
from indexer.web.search.engine import MAX_TEXT_CHARS, MAX_TITLE_BOOST, Engine, Found, Question
from indexer.web.search.highlight import around
from indexer.web.search.index_pictures import IndexPictures
from indexer.web.search.query_pictures import MAX_BODY_BYTES
from indexer.web.search.question import AskedSearch, read
from schemas.errors import MieError
from schemas.manifest import Manifest
from schemas.titles import file_page_url

__all__ = ["router", "wikipedia_url"]

_CHOICES_OF_K = (5, 10, 20, 50, 100)
_WIKI = re.compile(r"(?:^|/)([a-z]{2,3}(?:_[a-z]+)*)wiki-")
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class _Form:
    """What the form shows: the question as it was asked, and whether scores are to be explained."""

    question: Question
    is_explained: bool

    def address(self, **changes: Any) -> str:
        """Return the address of this search, with changes: the whole question stands in it."""
        some = replace(self, question=replace(self.question, **changes)) if changes else self
        question = some.question
        values = {
            "q": question.text,
            "image": question.image,
            "k": question.k if question.k != Question.k else None,
            "view": question.view,
            "title_boost": f"{question.title_boost:g}" if question.title_boost else None,
            "constants": question.constants,
            "explain": "1" if some.is_explained else None,
        }
        words = urlencode({name: value for name, value in values.items() if value is not None})
        return f"/?{words}" if words else "/"

    def explained(self) -> str:
        """Return the address of this search with every score explained."""
        return replace(self, is_explained=True).address()

    def explain_url(self, view: View, answer: Answer) -> str:
        """Return the address of the account of one score."""
        question = self.question
        values: dict[str, Any] = {"doc_id": answer.doc_id, "k": question.k, "view": view}
        if question.text and (view == "text" or not question.image):
            values["text"] = question.text
        if question.image and view == "image":
            values["image"] = question.image
        if view == "text" and question.title_boost:
            values["title_boost"] = question.title_boost
        if view == "text" and question.constants:
            values["constants"] = question.constants
        return f"/api/explain?{urlencode(values)}"


@router.get("/")
async def search_page(request: Request) -> Response:
    """Show the form and, where something is asked, the answers."""
    engine: Engine = request.app.state.engine
    problems: list[MieError | Refused] = []
    form, results, picture = _Form(Question(), False), [], None
    try:
        form = _read_form(request)
        if form.question.image:
            picture = engine.pictures.get(form.question.image)
    except (MieError, Refused) as error:
        problems.append(error)
    if not problems and (form.question.text or form.question.image):
        results = await _results(request, form, problems)
    told = {
        "form": form,
        "question": form.question,
        "engine": engine,
        "picture": picture,
        "explained": form.explained(),
        "results": results,
        "problems": problems,
        "presets": PRESETS,
        "choices_of_k": sorted({*_CHOICES_OF_K, form.question.k}),
        "limits": {"chars": MAX_TEXT_CHARS, "title_boost": MAX_TITLE_BOOST, "bytes": MAX_BODY_BYTES},
    }
    status = status_of(problems[0]) if problems and not results else 200
    response: Response = request.app.state.templates.TemplateResponse(request, "search.html", told, status)
    return response


async def _results(request: Request, form: _Form, problems: list[MieError | Refused]) -> list[dict[str, Any]]:
    """Answer in each view; a view that cannot is told of, the other one is shown."""
    engine: Engine = request.app.state.engine
    results = []
    try:
        views = form.question.views()
    except MieError as error:
        problems.append(error)
        return []
    for view in views:
        try:
            found = await engine.ask(form.question, view)
            accounts = await engine.explain(form.question, found) if form.is_explained else []
            rows = await _rows(request, form, found, accounts)
            results.append({"view": view, "rows": rows, "seconds": found.seconds})
        except (MieError, Refused) as error:
            problems.append(error)
    return results


async def _rows(request: Request, form: _Form, found: Found, accounts: list[str]) -> list[dict[str, Any]]:
    engine: Engine = request.app.state.engine
    answers = found.answers
    pictures: IndexPictures = request.app.state.pictures
    parts = [_parts(answer) for answer in answers]
    marked: Sequence[str] = [text for some in parts for text in some]
    if found.view == "text" and answers:
        marked = await engine.mark(form.question.text or "", marked)
    addresses: list[str | None] = [None] * len(answers)
    if pictures.is_given:
        addresses = await engine.read(
            lambda: [pictures.address_of_file(int(answer.doc_id.partition("#")[0]), answer.file) for answer in answers]
        )
    wiki = wikipedia_url(engine.index.manifest)
    rows = []
    for number, answer in enumerate(answers):
        before, matched, after = marked[3 * number : 3 * number + 3]
        page = answer.doc_id.partition("#")[0]
        rows.append(
            {
                "answer": answer,
                "before": before,
                "matched": matched,
                "after": after,
                "picture": addresses[number],
                "document": "/doc/" + quote(answer.doc_id),
                "wikipedia": f"{wiki}{page}" if wiki else None,
                "commons": file_page_url(answer.file) if answer.file else None,
                "explain_url": form.explain_url(found.view, answer),
                "account": accounts[number] if accounts else None,
            }
        )
    return rows


def _parts(answer: Answer) -> tuple[str, str, str]:
    """Return what stands before the matched sentence in its paragraph, the sentence, and the rest."""
    if answer.view == "image":
        return "", "", answer.text
    before, found, after = around(answer.text, answer.matched)
    return (before, found, after) if found else ("", answer.matched, "")


def _read_form(request: Request) -> _Form:
    """Read the question in the address; a field that was left empty is not asked.

    Raises:
        Refused: a value is out of its range.
    """
    values = {name: value.strip() for name, value in request.query_params.items() if value.strip()}
    if "q" in values:
        values["text"] = values["q"]
    return _Form(read(AskedSearch, values).question(), values.get("explain") == "1")


def wikipedia_url(manifest: Manifest) -> str | None:
    """Return the beginning of an article's address, before its page id; None if the dump's name tells no Wikipedia."""
    found = _WIKI.search(manifest.inputs[0].path) if manifest.inputs else None
    return f"https://{found[1].replace('_', '-')}.wikipedia.org/?curid=" if found else None


@router.get("/doc/{doc_id:path}")
async def document_page(request: Request, doc_id: str) -> Response:
    """Show a page, a paragraph or a sentence with its neighbours; or a file with the articles that use it."""
    engine: Engine = request.app.state.engine
    told = await engine.read(lambda: view_document(engine.index, doc_id[:300], request.app.state.pictures))
    if told is None:
        raise Refused(404, "the index holds no document of this id", "take a link from a search")
    told["wikipedia"] = wikipedia_url(engine.index.manifest)
    response: Response = request.app.state.templates.TemplateResponse(request, "document.html", told)
    return response
