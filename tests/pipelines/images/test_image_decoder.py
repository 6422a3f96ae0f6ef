"""The guarded decoder: the same pixels as without it, and a reason for what hangs, crashes or eats memory; fuzzed.

MIE_FUZZ_MUTATIONS=10000 pytest tests/pipelines/images/test_image_decoder.py   # 300 without it
"""

from __future__ import annotations

import io
import os
import random
import signal
import struct
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from indexer.encoders import ImageRefused, decode_image, displayed_size
from pipelines.images import GuardedDecoder, Missing, SourceChain
from pipelines.images.decoder import DECODE_MEMORY_BYTES
from pipelines.stages import embed_shard
from pipelines.storage import WorkFolder

pytestmark = pytest.mark.integration

MUTATIONS = int(os.environ.get("MIE_FUZZ_MUTATIONS", "300"))
REASONS = {"too_large", "extreme_shape", "too_slow", "unsupported_format", "broken", "empty"}


@pytest.fixture(scope="module")
def decoder() -> Iterator[GuardedDecoder]:
    guarded = GuardedDecoder()
    yield guarded
    guarded.close()


@pytest.fixture(scope="module")
def photos(shared_data: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((shared_data / "coco128").glob("*.jpg"))[:24]]


def save(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def large_png(side: int) -> bytes:
    """A picture of side x side white pixels in few bytes."""
    packer = zlib.compressobj(1)
    row = b"\0" + b"\xff" * (3 * side)
    body = b"".join([packer.compress(row) for _ in range(side)]) + packer.flush()
    parts = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", body), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def child(decoder: GuardedDecoder) -> int:
    assert decoder._guard._child is not None
    return decoder._guard._child.pid


def test_the_child_gives_the_pixels_and_sizes_of_the_plain_decoder(
    decoder: GuardedDecoder, photos: list[bytes]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = save(Image.open(io.BytesIO(photos[0])), "JPEG", exif=exif)
    for data in [*photos[:5], turned, save(Image.effect_noise((3000, 2500), 50), "PNG")]:
        guarded, plain = decoder.decode(data), decode_image(data)
        assert guarded.mode == "RGB"
        assert guarded.tobytes() == plain.tobytes()
        assert displayed_size(guarded) == displayed_size(plain)


def test_refusals_pass_unchanged(decoder: GuardedDecoder) -> None:
    for data in (b"", b"<svg/>", b"\xff\xd8\xff\xe0 no picture"):
        with pytest.raises(ImageRefused) as plain:
            decode_image(data)
        with pytest.raises(ImageRefused) as guarded:
            decoder.decode(data)
        assert str(guarded.value) == str(plain.value)


def test_a_picture_that_takes_too_long_is_refused_and_the_next_one_comes(photos: list[bytes]) -> None:
    guarded = GuardedDecoder()
    guarded.decode(photos[0])
    guarded._guard._timeout_s = 0.2
    os.kill(child(guarded), signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(ImageRefused) as caught:
        guarded.decode(photos[1])
    assert caught.value.reason == "too_slow"
    assert time.monotonic() - start < 10
    guarded._guard._timeout_s = 60.0
    assert guarded.decode(photos[1]).size == decode_image(photos[1]).size
    guarded.close()


def test_a_picture_that_wants_too_much_memory_is_refused_and_the_next_one_comes(photos: list[bytes]) -> None:
    guarded = GuardedDecoder(memory_bytes=100 * 2**20)
    with pytest.raises(ImageRefused) as caught:
        guarded.decode(large_png(8000))
    assert caught.value.reason == "too_large"
    assert guarded.decode(photos[0]).tobytes() == decode_image(photos[0]).tobytes()
    guarded.close()


@pytest.mark.parametrize("way", ["no shared memory", "no way to it"])
def test_pixels_come_through_the_pipe_where_memory_cannot_be_shared(
    way: str, photos: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "no shared memory":
        monkeypatch.delattr(os, "memfd_create")
    else:
        monkeypatch.setattr(os, "getpid", lambda: 2**30)
    guarded = GuardedDecoder()
    assert guarded.decode(photos[0]).tobytes() == decode_image(photos[0]).tobytes()
    guarded.close()


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="memory is shared so on Linux only")
def test_shared_pixels_that_were_cut_off_are_refused_and_large_ones_given_back(
    photos: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = GuardedDecoder()
    guarded.decode(photos[0])
    assert os.fstat(guarded._shared).st_size >= 3 * 480 * 427
    run = guarded._guard.run

    def cut(item: object) -> object:
        answer = run(item)  # type: ignore[arg-type]
        os.ftruncate(guarded._shared, 1000)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(guarded._guard, "run", cut)
        with pytest.raises(ImageRefused, match="left no pixels"):
            guarded.decode(photos[1])
    assert guarded.decode(large_png(3000)).size == decode_image(large_png(3000)).size
    assert os.fstat(guarded._shared).st_size == 0
    guarded.close()


def test_a_crash_of_the_decoder_ends_neither_the_build_nor_the_picture(photos: list[bytes]) -> None:
    guarded = GuardedDecoder()
    guarded.decode(photos[0])
    os.kill(child(guarded), signal.SIGSEGV)
    assert guarded.decode(photos[1]).tobytes() == decode_image(photos[1]).tobytes()
    guarded.close()


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Change, drop, double or cut bytes, half of the times near the start, where the sizes stand."""
    body = bytearray(data)
    end = 200 if chance.random() < 0.5 else len(body)
    for _ in range(chance.randint(1, 6)):
        if not body:
            break
        at = chance.randrange(min(end, len(body)))
        kind = chance.randrange(6)
        if kind == 0:
            body[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            body[at : at + 4] = chance.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\x20\0\x20\0"])
        elif kind == 2:
            del body[at : at + chance.randint(1, 400)]
        elif kind == 3:
            body[at:at] = body[at : at + chance.randint(1, 4000)]
        elif kind == 4:
            body[at:at] = chance.randbytes(chance.randint(1, 40))
        elif chance.random() < 0.2:
            del body[max(1, at) :]
    return bytes(body) or b"\0"


class Mutants:
    """Every tenth file is whole, the rest are mutants of photos in all formats that are read."""

    spec = "dir:mutants"

    def __init__(self, seeds: Sequence[bytes]) -> None:
        self.seeds = seeds

    def open(self) -> None:
        pass

    def describe(self) -> dict[str, object]:
        return {}

    def fetch(self, file: str) -> bytes | Missing:
        number = int(file[:-4])
        seed = self.seeds[number % len(self.seeds)]
        return seed if number % 10 == 0 else mutate(seed, random.Random(number))


class Corners:
    """An encoder whose vector is the picture in small, so that a vector shows which picture it is of."""

    spec, fingerprint, dim = "corners", "none", 48

    def prepare(self, image: Image.Image) -> np.ndarray:
        return np.asarray(image.resize((4, 4), Image.Resampling.NEAREST), np.float32).ravel() + 1

    def encode_prepared(self, rows: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack(rows) / np.linalg.norm(np.stack(rows), axis=1, keepdims=True)

    def encode(self, images: Sequence[Image.Image]) -> np.ndarray:
        return self.encode_prepared([self.prepare(image) for image in images])


def seeds_of(photos: list[bytes]) -> list[bytes]:
    images = [Image.open(io.BytesIO(data)).convert("RGB") for data in photos[:6]]
    return [
        *photos,
        save(images[0], "PNG"),
        save(images[1].convert("P"), "PNG", transparency=3),
        save(images[2].convert("P"), "GIF", save_all=True, append_images=[images[3].convert("P")]),
        save(images[3], "WEBP"),
        save(images[4].resize((80, 60)), "BMP"),
        save(images[5], "JPEG", progressive=True),
        save(images[5].convert("CMYK"), "JPEG"),
    ]


def test_mutated_photos_end_as_pictures_or_reasons_and_shift_no_row(photos: list[bytes], tmp_path: Path) -> None:
    source, decoder = Mutants(seeds_of(photos)), GuardedDecoder()
    names = [f"{number:06d}.jpg" for number in range(MUTATIONS + MUTATIONS // 9)]
    starts: list[int] = []
    slowest = 0.0

    def timed(data: bytes) -> Image.Image:
        nonlocal slowest
        start = time.monotonic()
        try:
            return decoder.decode(data)
        finally:
            slowest = max(slowest, time.monotonic() - start)
            starts.append(child(decoder) if decoder._guard._child else -1)

    work = WorkFolder(tmp_path)
    result = embed_shard(0, 1, names, SourceChain((source,)), Corners(), work, decode=timed)  # type: ignore[arg-type]
    peak = int(Path(f"/proc/{child(decoder)}/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
    decoder.close()
    rows = pq.read_table(work.ready / "embeddings" / "part-00000.parquet").to_pylist()
    rejects = pq.read_table(work.ready / "rejects" / "part-00001.parquet").to_pylist()
    assert sorted([row["file"] for row in rows] + [row["id"] for row in rejects]) == names
    assert {row["reason"] for row in rejects} <= REASONS
    assert not [row for row in rejects if "parser process" in row["detail"] or "wanted more" in row["detail"]]
    assert not [row for row in rejects if row["detail"].startswith("no result")], "nothing hung"
    assert len(set(starts)) == 1, "the child never died"
    assert peak < DECODE_MEMORY_BYTES
    for row in rows:
        data = source.fetch(row["file"])
        assert isinstance(data, bytes)
        (expected,) = Corners().encode([decode_image(data)])
        np.testing.assert_array_equal(np.asarray(row["vector"], np.float32), expected)
    whole = {name for name in names if int(name[:-4]) % 10 == 0}
    assert whole <= {row["file"] for row in rows}
    assert min(len(rows) - len(whole), len(rejects)) > MUTATIONS // 20
    reasons = result.outcomes["images_broken_by_reason"]
    print(f"{result.images} {reasons} slowest {slowest:.2f} s, peak {peak / 1e6:.0f} MB")
