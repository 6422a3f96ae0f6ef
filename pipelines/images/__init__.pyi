from .decoder import GuardedDecoder as GuardedDecoder
from .given_vectors import VectorSource as VectorSource
from .source import MAX_IMAGE_BYTES as MAX_IMAGE_BYTES
from .source import Missing as Missing
from .source import SourceChain as SourceChain
from .source import check_name as check_name
from .source import open_image_source as open_image_source
from .source import open_image_sources as open_image_sources
