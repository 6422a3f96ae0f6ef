"""The application: its routers, its templates and what stands before them."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from fastapi.templating import Jinja2Templates

from indexer.web import api, index_page, index_pictures, pages, run_pages, sample_api, sample_pages, static_files
from indexer.web.engine import Engine
from indexer.web.failures import add_handlers, as_sentence
from indexer.web.index_pictures import IndexPictures
from indexer.web.inspector import Inspector
from indexer.web.lanes import TextLane
from indexer.web.security import Guard, names_of
from indexer.web.server import is_loopback
from indexer.web.short_cut import ShortCut

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
