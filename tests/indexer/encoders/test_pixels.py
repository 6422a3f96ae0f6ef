"""Pictures from bytes: known pixels of every kind, and nothing but a picture or a reason from any bytes."""

from __future__ import annotations

import io
import pickle
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.encoders import ImageLimits, ImageRefused, decode_image, displayed_size
from schemas.errors import InputError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
REASONS = {"too_large", "extreme_shape", "too_slow", "unsupported_format", "broken", "empty"}


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def quarters(mode: str = "RGB") -> Image.Image:
    """Red, green over blue, white: every turn and flip of it differs."""
    image = Image.new("RGB", (32, 16), RED)
    image.paste(GREEN, (16, 0, 32, 8))
    image.paste(BLUE, (0, 8, 16, 16))
    image.paste(WHITE, (16, 8, 32, 16))
    return image.convert(mode)


def refusal(data: bytes, **options: ImageLimits) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        decode_image(data, **options)
    return caught.value


def assert_near(image: Image.Image, expected: Image.Image, tolerance: int) -> None:
    assert image.mode == "RGB"
    assert image.size == expected.size
    difference = np.abs(np.asarray(image, int) - np.asarray(expected.convert("RGB"), int))
    assert difference.max() <= tolerance


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, bits: int, rows: bytes) -> bytes:
    """A colour PNG, written by hand; rows may be fewer than its header promises."""
    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "BMP", "WEBP", "GIF"])
def test_lossless_formats_give_their_pixels(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    assert_near(decode_image(save(quarters(), kind, **options)), quarters(), 0)


def test_a_jpeg_gives_its_pixels_but_for_compression() -> None:
    assert_near(decode_image(save(quarters(), "JPEG", quality=100, subsampling=0)), quarters(), 3)


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_bilevel_grey_and_palette_become_rgb(mode: str) -> None:
    image = quarters(mode)
    assert_near(decode_image(save(image, "PNG")), image, 0)


@pytest.mark.parametrize(
    ("orientation", "corners"),
    [
        (1, (RED, GREEN, BLUE, WHITE)),
        (2, (GREEN, RED, WHITE, BLUE)),
        (3, (WHITE, BLUE, GREEN, RED)),
        (4, (BLUE, WHITE, RED, GREEN)),
        (5, (RED, BLUE, GREEN, WHITE)),
        (6, (BLUE, RED, WHITE, GREEN)),
        (7, (WHITE, GREEN, BLUE, RED)),
        (8, (GREEN, WHITE, RED, BLUE)),
        (9, (RED, GREEN, BLUE, WHITE)),
    ],
)
def test_exif_orientation_is_applied(orientation: int, corners: tuple[tuple[int, int, int], ...]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode_image(save(quarters(), "PNG", exif=exif))
    right, bottom = image.width - 1, image.height - 1
    found = tuple(image.getpixel(at) for at in ((0, 0), (right, 0), (0, bottom), (right, bottom)))
    assert found == corners
    assert image.size == ((16, 32) if 5 <= orientation <= 8 else (32, 16))
    assert displayed_size(image) == image.size


def test_damaged_exif_leaves_the_picture_as_it_lies() -> None:
    assert_near(decode_image(save(quarters(), "PNG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")), quarters(), 0)


def test_transparency_is_laid_on_white() -> None:
    image = Image.new("RGBA", (3, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (255, 0, 0, 0))
    image.putpixel((2, 0), (0, 0, 0, 128))
    found = decode_image(save(image, "PNG"))
    assert [found.getpixel((x, 0)) for x in range(3)] == [RED, WHITE, (127, 127, 127)]


def test_a_transparent_palette_entry_and_colour_key_are_white() -> None:
    palette = quarters("P")
    index = palette.getpixel((0, 0))
    assert decode_image(save(palette, "PNG", transparency=index)).getpixel((0, 0)) == WHITE
    assert decode_image(save(palette, "GIF", transparency=index)).getpixel((0, 0)) == WHITE
    keyed = decode_image(save(quarters(), "PNG", transparency=BLUE))
    assert keyed.getpixel((0, 15)) == WHITE
    assert keyed.getpixel((0, 0)) == RED


def test_grey_with_alpha_is_laid_on_white() -> None:
    found = decode_image(save(Image.new("LA", (2, 2), (100, 0)), "PNG"))
    assert found.getpixel((0, 0)) == WHITE


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    grey = np.array([[0, 257, 32896, 65535]], np.uint16)
    found = decode_image(save(Image.fromarray(grey), "PNG"))
    assert [found.getpixel((x, 0))[0] for x in range(4)] == [0, 1, 128, 255]


def test_16_bit_colour_is_scaled() -> None:
    row = b"\x00" + struct.pack(">6H", 65535, 0, 32896, 257, 65535, 0)
    found = decode_image(png(2, 1, 16, row))
    assert [found.getpixel((x, 0)) for x in range(2)] == [(255, 0, 128), (1, 255, 0)]


def test_cmyk_as_adobe_inverts_it_shows_the_colours_meant() -> None:
    data = save(quarters("CMYK"), "JPEG", quality=100, subsampling=0)
    assert b"Adobe" in data
    assert_near(decode_image(data), quarters(), 6)


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN, BLUE)]
    for kind in ("GIF", "WEBP", "PNG"):
        options = {"lossless": True} if kind == "WEBP" else {}
        data = save(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert decode_image(data).getpixel((4, 4)) == RED, kind


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(("sides", "smaller"), [((4400, 4200), (1050, 1100)), ((2500, 2047), (2047, 2500))])
def test_a_large_picture_comes_smaller_and_its_size_is_kept(
    kind: str, sides: tuple[int, int], smaller: tuple[int, int]
) -> None:
    image = Image.linear_gradient("L").resize(sides)
    exif = Image.Exif()
    exif[0x0112] = 6
    found = decode_image(save(image, kind, exif=exif))
    assert found.size == smaller
    assert displayed_size(found) == sides[::-1]
    left, right = found.getpixel((5, 1000)), found.getpixel((found.width - 5, 1000))
    assert min(left) > 245
    assert max(right) < 10


@pytest.mark.parametrize("size", [(30_000, 30_000), (12_000, 12_000), (2**31 - 1, 2**31 - 1)])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    assert refusal(png(*size, 8, b"")).reason == "too_large"


def test_a_bomb_is_refused_where_warnings_are_errors() -> None:
    assert refusal(png(10_000, 10_000, 8, b"")).reason == "too_large"


def test_a_gif_bomb_is_refused() -> None:
    screen = b"GIF89a" + struct.pack("<HHBBB", 30_000, 30_000, 0, 0, 0)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 30_000, 30_000, 0) + b"\x02\x02\x4c\x01\x00;"
    assert refusal(screen + frame).reason == "too_large"


def test_a_progressive_jpeg_of_very_many_scans_is_refused_before_it_takes_hours() -> None:
    data = save(Image.new("L", (2000, 2000), 128), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert len(scan) < 20
    assert decode_image(data[:-2] + scan * 40 + data[-2:]).size == (2000, 2000)
    error = refusal(data[:-2] + scan * 3_000_000 + data[-2:])
    assert error.reason == "too_slow"
    assert "at most 64" in error.detail


def test_limits_on_bytes_pixels_and_shape_hold() -> None:
    data = save(quarters(), "PNG")
    assert refusal(data, limits=ImageLimits(size_bytes=len(data) - 1)).reason == "too_large"
    assert refusal(data, limits=ImageLimits(pixels=511)).reason == "too_large"
    assert refusal(data, limits=ImageLimits(aspect=1)).reason == "extreme_shape"
    assert decode_image(data, limits=ImageLimits(len(data), 512, 2)).size == (32, 16)
    assert refusal(save(Image.new("L", (10_001, 100)), "PNG")).reason == "extreme_shape"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"  <!DOCTYPE html><html><body>404</body></html>", "HTML"),
        (save(Image.new("RGB", (4, 4)), "TIFF"), "TIFF"),
        (b"AT&TFORM\x00\x00\x01\x00DJVM", "DjVu"),
        (b"%PDF-1.7 ...", "PDF"),
        (save(Image.new("RGB", (4, 4)), "PPM"), "first bytes"),
        (b"hello", "first bytes"),
        (b"\x00", "first bytes"),
    ],
)
def test_other_formats_are_named_and_refused(data: bytes, says: str) -> None:
    error = refusal(data)
    assert error.reason == "unsupported_format"
    assert says in error.detail


def test_empty_and_truncated_files_are_refused() -> None:
    assert refusal(b"").reason == "empty"
    for kind in ("JPEG", "PNG", "WEBP", "BMP"):
        data = save(Image.effect_noise((64, 64), 90).convert("RGB"), kind)
        for share in (0.1, 0.5, 0.9):
            assert refusal(data[: int(len(data) * share)]).reason == "broken", (kind, share)
    assert refusal(b"GIF89a").reason == "broken"


def test_a_refusal_is_an_input_error_and_survives_pickling() -> None:
    error = refusal(b"")
    assert isinstance(error, InputError)
    assert error.exit_code == 3
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.reason, copy.detail, copy.remedy) == ("empty", "the file has no bytes", error.remedy)


def seeds() -> list[bytes]:
    photo = Image.effect_mandelbrot((60, 40), (-2, -1, 1, 1), 50).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        save(photo, "JPEG", exif=exif),
        save(photo, "JPEG", progressive=True),
        save(photo.convert("CMYK"), "JPEG"),
        save(photo, "PNG", exif=exif),
        save(photo.convert("P"), "PNG", transparency=3),
        save(photo, "GIF", save_all=True, append_images=[photo.rotate(90)]),
        save(photo, "WEBP"),
        save(photo, "BMP"),
    ]


def mutate(data: bytes, chance: random.Random) -> bytes:
    body = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(body))
        kind = chance.randrange(4)
        if kind == 0:
            body[at] = chance.randrange(256)
        elif kind == 1:
            body[at : at + 4] = chance.choice([b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff"])
        elif kind == 2:
            del body[at : at + chance.randint(1, 40)]
        else:
            body[at:at] = chance.randbytes(chance.randint(1, 40))
        if not body:
            return bytes(body)
    return bytes(body)


@pytest.mark.parametrize("is_header", [True, False])
def test_mutated_images_give_a_picture_or_a_reason(is_header: bool) -> None:
    chance = random.Random(20)
    outcomes = {"picture": 0, "refused": 0}
    for data in seeds():
        for _ in range(60):
            head = 120 if is_header else len(data)
            mutant = mutate(data[:head], chance) + data[head:]
            try:
                assert decode_image(mutant).mode == "RGB"
                outcomes["picture"] += 1
            except ImageRefused as error:
                assert error.reason in REASONS
                outcomes["refused"] += 1
    assert min(outcomes.values()) > 10


def test_mutated_photos_give_a_picture_or_a_reason(shared_data: Path) -> None:
    chance = random.Random(21)
    for path in sorted((shared_data / "coco128").glob("*.jpg"))[:20]:
        for _ in range(5):
            try:
                assert decode_image(mutate(path.read_bytes(), chance)).mode == "RGB"
            except ImageRefused as error:
                assert error.reason in REASONS
