"""The application: its routers, its templates and what stands before them."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from fastapi.templating import Jinja2Templates

from indexer.web import json_api as api
from indexer.web.given import Inspector
from indexer.web.http import Guard, ShortCut, TextLane, add_handlers, as_sentence, is_loopback, names_of, static_files
from indexer.web.runs import pages as run_pages
from indexer.web.samples import api as sample_api
from indexer.web.samples import pages as sample_pages
from indexer.web.search import Engine, IndexPictures, index_page, index_pictures, pages

__all__ = ["make_app"]

_ROUTERS = (
    api.router,
    pages.router,
    index_page.router,
    index_pictures.router,
    sample_api.router,
    sample_pages.router,
    run_pages.router,
    static_files.router,
)


def make_app(inspector: Inspector, *, host: str = "127.0.0.1", text: TextLane | None = None) -> Guard:
    """Make the ASGI application.

    Args:
        inspector: what it shows.
        host: the address that it listens at.
        text: the lane of the index's text view, which may be warm already.

    Raises:
        InputError: the folder of pictures cannot be listed.
    """
    app = FastAPI(
        title="mie-index serve",
        summary="Wikipedia context by text and by picture; the answers of mie-index query.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.inspector = inspector
    app.state.engine = Engine(inspector.index, text)
    app.state.pictures = IndexPictures(inspector.index.documents, inspector.images)
    app.state.templates = Jinja2Templates(str(files("indexer.web").joinpath("templates")))
    app.state.templates.env.filters["sentence"] = as_sentence
    add_handlers(app, app.state.templates)
    for router in _ROUTERS:
        app.include_router(router)
    straight = ShortCut(app, f"{api.router.prefix}/search", api.search)
    return Guard(straight, names=names_of(host), is_remote=not is_loopback(host))
