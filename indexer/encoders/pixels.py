"""Decodes the bytes of a picture file, from anybody, to an RGB picture: within bounds, or with a reason why not."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ImageLimits", "ImageRefused", "decode_image", "displayed_size", "sniff_format", "with_displayed_size"]

_SIGNATURES = (
    ("JPEG", b"\xff\xd8\xff"),
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("GIF", b"GIF87a"),
    ("GIF", b"GIF89a"),
    ("BMP", b"BM"),
)
_REFUSED_FORMATS = (
    ("TIFF", b"II*\x00"),
    ("TIFF", b"MM\x00*"),
    ("DjVu", b"AT&TFORM"),
    ("PDF", b"%PDF"),
    ("XCF", b"gimp xcf"),
    ("Ogg", b"OggS"),
)
_START_OF_SCAN = b"\xff\xda"
"""The marker of a scan, of the picture or of a preview in it; no other bytes of a JPEG are these. Source: ITU T.81,
B.1.1.5."""
_SMALLER = "scale it down first"
_OTHER = "give a JPEG, PNG, GIF, WebP or BMP file that an image viewer opens"
_SIZE_KEY = "displayed_size"
_EXIF_ORIENTATION = 0x0112
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""EXIF orientation -> Pillow's Transpose that undoes it. Source: EXIF 2.3, tag 0x0112."""
_SWAPS_SIDES = {"TRANSPOSE", "ROTATE_270", "TRANSVERSE", "ROTATE_90"}


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Bounds on what decoding a picture may cost in bytes, memory and time.

    Args:
        size_bytes: largest file.
        pixels: largest width x height in the header, checked before anything is decoded. The default is the
            number at which Pillow warns (an RGB picture of it takes 358 MB), so 30,000 x 30,000 is refused;
            decoding at this limit peaked at 1.6 GB (an animated WebP, the worst of the formats).
        aspect: longest side over shortest side; a strip one pixel high would grow to gigabytes when its short
            side is scaled up to what an encoder reads.
        side_px: a picture whose short side is at least twice this is made smaller by a whole factor; its short side
            stays at least this. Encoders read a few hundred pixels, and a batch of decoded pictures stays small.
        scans: most scans of a progressive JPEG. Each scan goes over the whole picture: 14 bytes cost a pass over four
            million pixels, so a file within the other bounds could take hours. Cameras and optimizers write up to
            some twenty.
    """

    size_bytes: int = 50_000_000
    pixels: int = 89_478_485
    aspect: int = 100
    side_px: int = 1024
    scans: int = 64


class ImageRefused(InputError):
    """A file that cannot be used as a picture.

    reason: too_large, extreme_shape, too_slow, unsupported_format, broken or empty.

    >>> error = ImageRefused("too_large: 30000 x 30000 pixels")
    >>> error.reason, error.detail
    ('too_large', '30000 x 30000 pixels')
    """

    @property
    def reason(self) -> str:
        """The reason as one short word that does not change."""
        return self.message.partition(": ")[0]

    @property
    def detail(self) -> str:
        """The particulars of this file."""
        return self.message.partition(": ")[2]


def decode_image(data: bytes, *, limits: ImageLimits = ImageLimits()) -> Image.Image:
    """Decode a JPEG, PNG, GIF (first frame), WebP or BMP as people see it: upright, opaque, 8-bit RGB.

    The EXIF orientation is applied, transparency is laid on white, CMYK is read as Adobe writes it, 16 bits are
    scaled to 8. Colour profiles are not applied. The first bytes tell the format, never the name of the file.

    Args:
        data: the whole file.
        limits: bounds on bytes and pixels.

    Returns:
        A picture of mode RGB; a large one is made smaller (`ImageLimits.side_px`); `displayed_size` has its own size.

    Raises:
        ImageRefused: an InputError with a reason.
    """
    from PIL import Image, UnidentifiedImageError

    kind = _checked_format(data, limits)
    try:
        with Image.open(io.BytesIO(data), formats=[kind]) as image:
            _check_size(image.size, limits)
            return _to_upright_rgb(image, limits)
    except ImageRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as error:
        raise _refusal("too_large", str(error)) from error
    except UnidentifiedImageError as error:
        raise _refusal("broken", f"the header of this {kind} cannot be read") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, IndexError, ... on damage
        raise _refusal("broken", f"{kind}, {type(error).__name__}: {error}") from error


def displayed_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height in pixels of the file that `decode_image` read, as displayed (after rotation)."""
    width, height = image.info.get(_SIZE_KEY, image.size)
    return int(width), int(height)


def with_displayed_size(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Note on a picture the width and height that `displayed_size` returns; return the picture."""
    image.info = {_SIZE_KEY: size}
    return image


def sniff_format(data: bytes) -> str | None:
    """Return the accepted format that a file's first bytes name, or None.

    >>> sniff_format(b"GIF89a..."), sniff_format(b"<svg/>")
    ('GIF', None)
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return next((name for name, magic in _SIGNATURES if data.startswith(magic)), None)


def _refusal(reason: str, detail: str) -> ImageRefused:
    remedy = _SMALLER if reason in ("too_large", "extreme_shape", "too_slow") else _OTHER
    return ImageRefused(f"{reason}: {detail.rstrip('.')}", remedy=remedy)


def _checked_format(data: bytes, limits: ImageLimits) -> str:
    if not data:
        raise _refusal("empty", "the file has no bytes")
    if len(data) > limits.size_bytes:
        raise _refusal("too_large", f"{len(data)} bytes, at most {limits.size_bytes}")
    kind = sniff_format(data)
    if kind is None:
        raise _refusal("unsupported_format", _describe(data))
    if kind == "JPEG" and (scans := data.count(_START_OF_SCAN)) > limits.scans:
        raise _refusal("too_slow", f"{scans} scans, at most {limits.scans}")
    return kind


def _describe(data: bytes) -> str:
    """Return what a file of no accepted format looks like.

    >>> _describe(b"<?xml version='1.0'?><svg>")
    'looks like SVG'
    """
    head = data[:1024].lstrip().lower()
    for mark, name in ((b"<svg", "SVG"), (b"<html", "HTML"), (b"<!doctype html", "HTML")):
        if head.startswith((b"<", b"\xef\xbb\xbf<")) and mark in head:
            return f"looks like {name}"
    for name, magic in _REFUSED_FORMATS:
        if data.startswith(magic):
            return f"looks like {name}"
    return f"the first bytes are {data[:8]!r}"


def _check_size(size: tuple[int, int], limits: ImageLimits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise _refusal("broken", f"{width} x {height} pixels")
    if width * height > limits.pixels:
        raise _refusal("too_large", f"{width} x {height} pixels, at most {limits.pixels} in all")
    if max(size) > limits.aspect * min(size):
        raise _refusal("extreme_shape", f"{width} x {height} pixels, at most {limits.aspect}:1")


def _to_upright_rgb(image: Image.Image, limits: ImageLimits) -> Image.Image:
    size = image.size
    turn = _turn_of(image)
    # A JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, which takes less memory and time.
    image.draft(None, (limits.side_px, limits.side_px))
    image.load()
    rgb = _to_rgb(image)
    factor = min(rgb.size) // limits.side_px
    if factor > 1:
        rgb = rgb.reduce(factor)
    if turn is not None:
        rgb = rgb.transpose(turn)
        size = (size[1], size[0]) if turn.name in _SWAPS_SIDES else size
    return with_displayed_size(rgb, size)


def _turn_of(image: Image.Image) -> Image.Transpose | None:
    from PIL import Image

    try:
        turn = _TURNS.get(image.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:  # damaged EXIF: the picture is taken as it is stored
        return None
    return None if turn is None else Image.Transpose[turn]


def _to_rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I"):
        return _scale_16_bits(image).convert("RGB")
    if "A" in image.mode or "a" in image.mode or "transparency" in image.info:
        with_alpha = image.convert("RGBA")
        white = Image.new("RGB", with_alpha.size, "white")
        white.paste(with_alpha, mask=with_alpha.getchannel("A"))
        return white
    return image.convert("RGB")


def _scale_16_bits(image: Image.Image) -> Image.Image:
    """Scale grey values 0..65535 to 0..255, rounded; Pillow's convert would clip them. In bands, to save memory."""
    import numpy as np
    from PIL import Image

    grey = np.asarray(image)
    scaled = np.empty(grey.shape, np.uint8)
    for top in range(0, len(grey), 256):
        band = grey[top : top + 256].astype(np.float32)
        scaled[top : top + 256] = np.rint(np.clip(band, 0, 65535) * (255 / 65535))
    return Image.fromarray(scaled)
