from .index_pictures import IndexPictures as IndexPictures
from .index_pictures import index_pictures_router as index_pictures_router
from .previews import PREVIEW_HEADERS as PREVIEW_HEADERS
from .previews import PreviewCache as PreviewCache
from .previews import to_jpeg as to_jpeg
from .query_pictures import MAX_BODY_BYTES as MAX_BODY_BYTES
from .query_pictures import QueryPictures as QueryPictures
