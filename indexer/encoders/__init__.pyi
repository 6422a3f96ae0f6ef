from .clip import make_encoder as make_encoder
from .encoder import ImageEncoder as ImageEncoder
from .pixels import ImageLimits as ImageLimits
from .pixels import ImageRefused as ImageRefused
from .pixels import decode_image as decode_image
from .pixels import displayed_size as displayed_size
from .pixels import sniff_format as sniff_format
from .pixels import with_displayed_size as with_displayed_size
