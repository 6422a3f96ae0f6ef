"""Small copies of samples' pictures, for the list and for the page of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from fastapi.responses import Response

from indexer.encoders import ImageRefused, decode_image, displayed_size
from indexer.web.given import Inspector, NotFound, OpenedDataset
from indexer.web.pictures import PREVIEW_HEADERS, PreviewCache, to_jpeg
from indexer.web.samples.parameters import SampleId, Split
from schemas.image_files import find_image, is_inside
from schemas.records import Sample

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["picture_size", "sample_pictures_router"]

_MAX_BYTES = 50_000_000
_SIDES_PX = {"small": 112, "large": 640}
sample_pictures_router = APIRouter(include_in_schema=False)


@sample_pictures_router.get("/sample-pictures/{size}/{split}/{sample_id:path}")
async def sample_picture(request: Request, size: str, split: Split, sample_id: SampleId) -> Response:
    """Return a small copy of a sample's picture."""
    if size not in _SIDES_PX:
        raise NotFound("no such size", remedy=f"there are {' and '.join(_SIDES_PX)}")
    inspector: Inspector = request.app.state.inspector
    previews: PreviewCache = request.app.state.sample_previews
    dataset = inspector.require_dataset()
    key = (size, split, sample_id)
    data = await previews.get(key, lambda: _make_preview(dataset, _SIDES_PX[size], split, sample_id))
    return Response(data, media_type="image/jpeg", headers=PREVIEW_HEADERS)


def picture_size(dataset: OpenedDataset, sample: Sample) -> tuple[int, int] | None:
    """Return width and height in pixels of a sample's picture as displayed; None where it cannot be shown."""
    key = (sample.split, sample.sample_id)
    if key not in dataset.sizes:
        try:
            dataset.sizes[key] = displayed_size(_read_picture(dataset, *key))
        except NotFound:
            dataset.sizes[key] = None
    return dataset.sizes[key]


def _make_preview(dataset: OpenedDataset, side_px: int, split: str, sample_id: str) -> bytes:
    return to_jpeg(_read_picture(dataset, split, sample_id), side_px)


def _read_picture(dataset: OpenedDataset, split: str, sample_id: str) -> Image.Image:
    """Read the picture that the data set names for a sample, but not through a link out of the folder.

    Raises:
        NotFound: it is not there, or cannot be decoded.
    """
    sample = dataset.split(split).samples[dataset.position_of(split, sample_id)]
    path = None
    if dataset.images is not None and sample.image is not None:
        path = find_image(dataset.images, split, sample.image)
    if path is None or dataset.images is None:
        raise NotFound("the picture is not in the folder of pictures", remedy="give the folder: --sample-images")
    if not is_inside(path, dataset.images):
        raise NotFound("the picture is a link out of the folder of pictures", remedy="put the file itself there")
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)  # one more than the decoder takes, so that it refuses a larger file
        return decode_image(data)
    except ImageRefused as error:
        raise NotFound(f"the picture cannot be shown ({error.reason})", remedy="look at the file") from error
    except OSError as error:
        raise NotFound("the picture cannot be read", remedy="look at the file") from error
