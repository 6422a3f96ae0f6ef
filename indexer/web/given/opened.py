"""The data set and the runs of this server, opened at their first use and shared by all requests."""

from __future__ import annotations

import threading

from fastapi import Request

from indexer.web.given.inspector import Inspector
from indexer.web.given.runs import Run, RunShelf
from indexer.web.given.samples import SampleBook
from indexer.web.http import Refused

__all__ = ["book_of", "optional_book_of", "run_of", "runs_of"]

_opening = threading.Lock()


def runs_of(request: Request) -> RunShelf:
    """Return the runs.

    Raises:
        Refused: none were given.
    """
    shelf = _shelf(request)
    if not shelf.runs:
        raise Refused(404, "no runs were given", "start again with: mie-index serve INDEX --run RUN")
    return shelf


def book_of(request: Request) -> SampleBook:
    """Return the data set beside its caches and runs.

    Raises:
        Refused: none was given.
    """
    state = request.app.state
    given: Inspector = state.inspector
    if given.dataset is None:
        raise Refused(404, "no data set was given", "start again with: mie-index serve INDEX --samples FOLDER")
    shelf = _shelf(request)
    with _opening:
        if not hasattr(state, "sample_book"):
            fingerprint = given.index.manifest.fingerprint
            state.sample_book = SampleBook(given.dataset, given.sample_images, given.contexts, shelf, fingerprint)
        book: SampleBook = state.sample_book
        return book


def _shelf(request: Request) -> RunShelf:
    state = request.app.state
    with _opening:
        if not hasattr(state, "run_shelf"):
            state.run_shelf = RunShelf(state.inspector.runs)
        shelf: RunShelf = state.run_shelf
        return shelf


def optional_book_of(request: Request) -> SampleBook | None:
    """Return the data set beside its caches and runs, or None where none was given."""
    return None if request.app.state.inspector.dataset is None else book_of(request)


def run_of(request: Request, name: str) -> Run:
    """Return a run by its name.

    Raises:
        Refused: there is none.
    """
    run = runs_of(request).runs.get(name)
    if run is None:
        raise Refused(404, "no such run", "take one from the list: /runs")
    return run
