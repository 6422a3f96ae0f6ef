"""The index's own pictures: small copies of the files in the folder that was given, by article and number."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from indexer.documents import Documents
from indexer.encoders import ImageRefused, decode_image
from indexer.web.given import NotFound
from indexer.web.pictures.previews import PREVIEW_HEADERS, PreviewCache, to_jpeg
from schemas.picture_folder import PictureFolder, ReadFailure
from schemas.records import ArticleImage

__all__ = ["IndexPictures", "index_pictures_router"]

_URLS_KEPT = 4096
_MAX_BYTES = 50_000_000
_REMEDY = "look at the file's page on Commons"
index_pictures_router = APIRouter(include_in_schema=False)


class IndexPictures:
    """Small copies of the pictures of articles.

    A request names an article and a number, and the index says which file that is: no path is made of a request.

    Args:
        documents: of the index.
        folder: of its pictures; None: there are none to show.

    Raises:
        InputError: the folder cannot be listed.
    """

    def __init__(self, documents: Documents, folder: Path | None) -> None:
        self._documents = documents
        self._folder = None if folder is None else PictureFolder(folder, _MAX_BYTES)
        self._previews = PreviewCache("index pictures")
        self.find_url = lru_cache(_URLS_KEPT)(self._find_url)

    @property
    def is_given(self) -> bool:
        """Whether there is a folder."""
        return self._folder is not None

    def url(self, image: ArticleImage) -> str | None:
        """Return the URL of a picture on this server, or None if the folder lacks it."""
        if self._folder is None or not self._folder.holds(image.file):
            return None
        return f"/pictures/{image.page_id}/{image.position}"

    def _find_url(self, page_id: int, file: str | None) -> str | None:
        """Return the URL of an article's picture: of this file, or of the first that the folder has."""
        if self._folder is None:
            return None
        images = [image for image in self._documents.images_of(page_id) if file in (None, image.file)]
        return next((url for image in images if (url := self.url(image))), None)

    async def preview(self, page_id: int, position: int) -> bytes:
        """Return a small JPEG.

        Raises:
            NotFound: there is no such picture, or it cannot be read.
        """
        return await self._previews.get((page_id, position), lambda: self._make_preview(page_id, position))

    def _make_preview(self, page_id: int, position: int) -> bytes:
        image = next((row for row in self._documents.images_of(page_id) if row.position == position), None)
        if image is None or self._folder is None:
            raise NotFound("no such picture", remedy=_REMEDY)
        data = self._folder.read(image.file)
        if isinstance(data, ReadFailure):
            raise NotFound(f"the picture cannot be had ({data.reason})", remedy=_REMEDY)
        try:
            return to_jpeg(decode_image(data))
        except ImageRefused as error:
            raise NotFound(f"the picture cannot be shown ({error.reason})", remedy=_REMEDY) from error


@index_pictures_router.get("/pictures/{page_id}/{position}")
async def index_picture(request: Request, page_id: int, position: int) -> Response:
    """Return a small copy of an article's picture."""
    pictures: IndexPictures = request.app.state.index_pictures
    if not (0 <= page_id < 2**63 and 0 <= position < 2**31):  # beyond what the columns of the tables hold
        raise NotFound("no such picture", remedy=_REMEDY)
    data = await pictures.preview(page_id, position)
    return Response(data, media_type="image/jpeg", headers=PREVIEW_HEADERS)
