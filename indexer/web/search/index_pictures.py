"""The index's own pictures: small copies, named by article and place, made from the folder that was given."""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from indexer.documents import Documents
from indexer.encoders import ImageRefused, decode_image
from indexer.web.http import Lane, Refused
from indexer.web.search.query_pictures import to_jpeg
from schemas.picture_folder import PictureFolder, ReadFailure
from schemas.records import ArticleImage

__all__ = ["IndexPictures", "router"]

_HELD = 512
"""Small copies held, some 20 kB each."""
_ADDRESSES_HELD = 4096
_MAX_BYTES = 50_000_000
_GONE = "look at the file's page on Commons"
router = APIRouter(include_in_schema=False)


class IndexPictures:
    """Small copies of the pictures of articles. A request names an article and a number; the file is the index's word.

    Args:
        documents: of the index.
        folder: of its pictures; None: there are none to show.

    Raises:
        InputError: the folder cannot be listed.
    """

    def __init__(self, documents: Documents, folder: Path | None) -> None:
        self._documents = documents
        self._folder = None if folder is None else PictureFolder(folder, _MAX_BYTES)
        self.address_of_file = lru_cache(_ADDRESSES_HELD)(self._find)
        self._held: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._lane = Lane("pictures", 1024)

    @property
    def is_given(self) -> bool:
        """Whether there is a folder."""
        return self._folder is not None

    def address(self, image: ArticleImage) -> str | None:
        """Return the address of a picture below this server, or None if the folder lacks it."""
        if self._folder is None or not self._folder.holds(image.file):
            return None
        return f"/pictures/{image.page_id}/{image.position}"

    def _find(self, page_id: int, file: str | None) -> str | None:
        """Return the address of an article's picture: of this file, or of the first that the folder has."""
        if self._folder is None:
            return None
        some = [image for image in self._documents.images_of(page_id) if file in (None, image.file)]
        return next((address for image in some if (address := self.address(image))), None)

    async def small_copy(self, page_id: int, position: int) -> bytes:
        """Return a small JPEG.

        Raises:
            Refused: there is no such picture, or it cannot be read.
        """
        key = (page_id, position)
        if key not in self._held:
            self._held[key] = await self._lane.call(lambda: self._read(page_id, position))
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(key)
        return self._held[key]

    def _read(self, page_id: int, position: int) -> bytes:
        image = next((row for row in self._documents.images_of(page_id) if row.position == position), None)
        if image is None or self._folder is None:
            raise Refused(404, "no such picture", _GONE)
        data = self._folder.read(image.file)
        if isinstance(data, ReadFailure):
            raise Refused(404, f"the picture is not to be had ({data.reason})", _GONE)
        try:
            return to_jpeg(decode_image(data))
        except ImageRefused as error:
            raise Refused(404, f"the picture cannot be shown ({error.reason})", _GONE) from error


@router.get("/pictures/{page_id}/{position}")
async def picture(request: Request, page_id: int, position: int) -> Response:
    """Return a small copy of an article's picture."""
    shown: IndexPictures = request.app.state.pictures
    if not (0 <= page_id < 2**63 and 0 <= position < 2**31):
        raise Refused(404, "no such picture", _GONE)
    data = await shown.small_copy(page_id, position)
    return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})
