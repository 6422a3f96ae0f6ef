"""The pages of samples: the list with its filters, one sample with all that is known of it, and small pictures."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from indexer.encoders import ImageRefused, decode_image
from indexer.web.given import SampleBook, book_of
from indexer.web.http import Lane, Refused
from indexer.web.samples.filters import Filters
from indexer.web.samples.token_marks import mark_gold, mark_pair, mark_run
from indexer.web.samples.views import sample_detail, samples_page
from indexer.web.search import to_jpeg
from schemas.image_files import find_image, is_inside

__all__ = ["Asked", "SampleId", "Split", "Within", "place_of", "router"]

router = APIRouter(include_in_schema=False)
_MAX_BYTES = 50_000_000
_SIDES_PX = {"small": 112, "large": 640}
_HELD = 512
"""Small copies held: 5 kB each in a list, some 60 kB each on a page."""
_TYPES = 6
"""Colours of entities; more types than these share them, and the label always stands beside."""
SampleId = Annotated[str, Path(max_length=1000, description="Id of a sample.")]
Split = Annotated[str, Path(max_length=20, description="train, dev or test.")]


def filters_in_split(
    run: Annotated[str, Query(max_length=300, description="Whose mistakes are meant.")] = "",
    against: Annotated[str, Query(max_length=300, description="The run that it is compared with.")] = "",
    kind: Annotated[str, Query(max_length=40, description="A kind of mistake, or right, ...")] = "",
    change: Annotated[str, Query(max_length=10, description="fixed, broken, better, worse or same.")] = "",
    type: Annotated[str, Query(max_length=300, description="Entity type or relation, gold or predicted.")] = "",  # noqa: A002
    window: Annotated[str, Query(max_length=20, description="with contexts or without contexts.")] = "",
    gate: Annotated[str, Query(max_length=300, description="The expert that the gate trusted most.")] = "",
    picture: Annotated[str, Query(max_length=10, description="with, missing or without.")] = "",
    q: Annotated[str, Query(max_length=300, description="Words of the post, in any case.")] = "",
    page: Annotated[int, Query(ge=1, le=1_000_000_000)] = 1,
) -> Filters:
    """Read the filters in an address that names the split by itself."""
    return Filters("", run, against, kind, change, type, window, gate, picture, q, page)


Within = Annotated[Filters, Depends(filters_in_split)]


def filters_of(
    others: Within, split: Annotated[str, Query(max_length=20, description="train, dev or test.")] = ""
) -> Filters:
    """Read the filters in an address."""
    return replace(others, split=split)


Asked = Annotated[Filters, Depends(filters_of)]


def place_of(book: SampleBook, split: str, sample_id: str) -> int:
    """Return the place of a sample in its split.

    Raises:
        Refused: there is none.
    """
    place = book.split(split).places.get(sample_id) if split in book.dataset.splits else None
    if place is None:
        raise Refused(404, "no such sample", "take one from the list: /samples")
    return place


@router.get("/samples")
def samples(request: Request, filters: Asked) -> Response:
    """Show the samples that are asked for."""
    book = book_of(request)
    found, selection = samples_page(book, filters)
    return _show(request, "samples.html", book, page=found, filters=selection.filters)


@router.get("/samples/{split}/{sample_id:path}")
def sample(request: Request, split: Split, sample_id: SampleId, filters: Within) -> Response:
    """Show a sample."""
    book = book_of(request)
    place = place_of(book, split, sample_id)
    found, selection = sample_detail(book, place, replace(filters, split=split))
    return _show(request, "sample.html", book, sample=found, filters=selection.filters, has_images=bool(book.images))


@router.get("/sample-pictures/{size}/{split}/{sample_id:path}")
async def sample_picture(request: Request, size: str, split: Split, sample_id: SampleId) -> Response:
    """Return a small copy of a sample's picture."""
    if size not in _SIDES_PX:
        raise Refused(404, "no such size", f"there are {' and '.join(_SIDES_PX)}")
    state = request.app.state
    if not hasattr(state, "sample_pictures"):
        state.sample_pictures = _SmallCopies()
    data = await state.sample_pictures.get(book_of(request), size, split, sample_id)
    return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})


class _SmallCopies:
    """Small copies of samples' pictures, made one at a time; the one not asked for longest goes first."""

    def __init__(self) -> None:
        self._held: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()
        self._lane = Lane("sample pictures", 1024)

    async def get(self, book: SampleBook, size: str, split: str, sample_id: str) -> bytes:
        """Return a small JPEG.

        Raises:
            Refused: there is no such picture, or it cannot be shown.
        """
        key = (size, split, sample_id)
        if key not in self._held:
            self._held[key] = await self._lane.call(lambda: _small_copy(book, *key))
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(key)
        return self._held[key]


def _small_copy(book: SampleBook, size: str, split: str, sample_id: str) -> bytes:
    """Read a picture that the data set names; a link must not lead out of the folder."""
    sample = book.split(split).samples[place_of(book, split, sample_id)]
    path = None
    if book.images is not None and sample.image is not None:
        path = find_image(book.images, split, sample.image)
    if path is None or book.images is None:
        raise Refused(404, "the picture is not in the folder of pictures", "give the folder: --sample-images")
    if not is_inside(path, book.images):
        raise Refused(404, "the picture is a link out of the folder of pictures", "put the file itself there")
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
        return to_jpeg(decode_image(data), _SIDES_PX[size])
    except ImageRefused as error:
        raise Refused(404, f"the picture cannot be shown ({error.reason})", "look at the file") from error
    except OSError as error:
        raise Refused(404, "the picture cannot be read", "look at the file") from error


def _show(request: Request, template: str, book: SampleBook, **values: Any) -> Response:
    colours = {name: number % _TYPES + 1 for number, name in enumerate(book.types)} | {"head": 1, "tail": 3}
    shared = {
        "book": book,
        "colours": colours,
        "is_re": book.dataset.task == "re",
        "mark_gold": mark_gold,
        "mark_pair": mark_pair,
        "mark_run": mark_run,
        "quote": lambda text: quote(text, safe=""),
    }
    response: Response = request.app.state.templates.TemplateResponse(request, template, {**shared, **values})
    return response
