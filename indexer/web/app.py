"""The application: routers, templates and shared state, with the guard around it."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from fastapi.templating import Jinja2Templates

from indexer.web import json_api
from indexer.web.given import Inspector
from indexer.web.http import Guard, PageFiles, add_error_handlers, as_sentence, host_names, is_loopback
from indexer.web.pictures import IndexPictures, PreviewCache, index_pictures_router
from indexer.web.runs import runs_api_router, runs_router
from indexer.web.samples import sample_pictures_router, samples_api_router, samples_router
from indexer.web.search import SearchService, TextView, document_router, index_router, search_router

__all__ = ["make_app"]

_ROUTERS = (
    json_api.router,
    search_router,
    document_router,
    index_router,
    index_pictures_router,
    samples_api_router,
    samples_router,
    sample_pictures_router,
    runs_api_router,
    runs_router,
)


def make_app(inspector: Inspector, *, host: str = "127.0.0.1", text: TextView | None = None) -> Guard:
    """Return the ASGI application.

    Args:
        inspector: what it shows.
        host: the address that it listens at.
        text: the index's text view, which may be warm already.

    Raises:
        InputError: the folder of pictures cannot be listed.
    """
    app = FastAPI(
        title="mie-index serve",
        summary="Wikipedia context by text and by picture; the answers of mie-index query.",
        docs_url=None,  # these two pages would load scripts from another site
        redoc_url=None,
        redirect_slashes=False,  # a slash at the end may belong to the id of a sample
    )
    app.state.inspector = inspector
    app.state.search_service = SearchService(inspector.index, text)
    app.state.index_pictures = IndexPictures(inspector.index.documents, inspector.images)
    app.state.sample_previews = PreviewCache("sample pictures")
    app.state.templates = Jinja2Templates(str(files("indexer.web").joinpath("templates")))
    app.state.templates.env.filters["sentence"] = as_sentence
    add_error_handlers(app, app.state.templates)
    for router in _ROUTERS:
        app.include_router(router)
    app.mount("/static", PageFiles())
    return Guard(app, names=host_names(host), allows_addresses=not is_loopback(host))
