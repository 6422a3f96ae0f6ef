"""The embed stage: decoding runs beside encoding and changes no byte; the same bytes are encoded once."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from indexer.encoders import ImageEncoder, decode_image
from pipelines.images import FolderSource, SourceChain
from pipelines.stages import embed as embed_stage
from pipelines.stages.embed import embed_shard
from pipelines.stages.results import EmbedResult, ImageCounts
from pipelines.storage import WorkFolder

pytestmark = pytest.mark.integration

PICTURES = 150
"""Some batches."""
WAIT_S = 10
"""At most, where something is broken."""


class Colours:
    """An encoder whose vector is the colour of a picture; a black one has no direction. It counts its pictures."""

    def __init__(self, pause_s: float = 0) -> None:
        self.pictures = 0
        self.pause_s = pause_s

    def network(self, pixels: torch.Tensor) -> torch.Tensor:
        self.pictures += len(pixels)
        time.sleep(self.pause_s)
        return pixels.mean(dim=(2, 3))

    def encoder(self) -> ImageEncoder:
        def preprocess(image: Image.Image) -> torch.Tensor:
            return torch.from_numpy(np.asarray(image, np.float32).transpose(2, 0, 1).copy())

        return ImageEncoder("colours", "0" * 64, 3, "cpu", preprocess, self.network)


def png(red: int, green: int, blue: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2), (red, green, blue)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Pictures, copies of them near and far in the order, broken and black ones twice, and names that are not there."""
    folder = tmp_path_factory.mktemp("photos")
    names = [f"P {number:03d}.png" for number in range(PICTURES)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(png(number, 255 - number, 7))
    (folder / "P 000 copy.png").write_bytes(png(0, 255, 7))
    (folder / "Z copy.png").write_bytes(png(3, 252, 7))
    for name, data in (("Black.png", png(0, 0, 0)), ("Broken.png", b"\x89PNG\r\n\x1a\nno")):
        (folder / name).write_bytes(data)
        (folder / f"Z {name}").write_bytes(data)
    extra = ["P 000 copy.png", "Z copy.png", "Black.png", "Z Black.png", "Broken.png", "Z Broken.png"]
    return folder, [*names, *extra, "Absent.png", "Z absent.png"]


def embed(folder: Path, names: Iterable[str], work: Path, colours: Colours, pause_s: float = 0) -> EmbedResult:
    def decode(data: bytes) -> Image.Image:
        time.sleep(pause_s)
        return decode_image(data)

    source = SourceChain((FolderSource(str(folder)),))
    source.open()
    return embed_shard(0, 0, names, source, colours.encoder(), WorkFolder(work), decode=decode)


def test_the_same_bytes_are_encoded_once_and_every_file_keeps_its_row(
    photos: tuple[Path, list[str]], tmp_path: Path
) -> None:
    folder, names = photos
    colours = Colours()
    result = embed(folder, names, tmp_path, colours)
    assert result.images == ImageCounts(PICTURES + 8, embedded=PICTURES + 2, encoded=PICTURES, missing=2, broken=4)
    rows = pq.read_table(tmp_path / "ready" / "embeddings").to_pylist()
    assert [row["file"] for row in rows] == sorted(row["file"] for row in rows)
    for row in rows:
        number = {"P 000 copy.png": 0, "Z copy.png": 3}.get(row["file"]) or int(row["file"][2:5].strip("cop ") or 0)
        expected = np.array([number, 255 - number, 7]) / np.linalg.norm([number, 255 - number, 7])
        assert np.allclose(row["vector"], expected, atol=1e-6), row["file"]
    rejects = {row["id"]: row["reason"] for row in pq.read_table(tmp_path / "ready" / "rejects").to_pylist()}
    assert rejects == {
        **dict.fromkeys(("Absent.png", "Z absent.png"), "missing"),
        **dict.fromkeys(("Black.png", "Z Black.png"), "no_direction"),
        **dict.fromkeys(("Broken.png", "Z Broken.png"), "broken"),
    }
    in_a_batch_with_black, black = 32, 1
    assert PICTURES < colours.pictures <= PICTURES + black + in_a_batch_with_black, "that batch is tried one by one"
    by_source = [result.outcomes[f"images_{what}_by_source"] for what in ("embedded", "broken")]
    assert [sum(counts.values()) for counts in by_source] == [PICTURES + 2, 4]


@pytest.mark.parametrize(("decode_s", "encode_s"), [(0, 0.01), (0.002, 0)])
def test_decoding_beside_encoding_changes_no_byte(
    photos: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decode_s: float, encode_s: float
) -> None:
    folder, names = photos
    embed(folder, names[::-1], tmp_path / "beside", Colours(encode_s), decode_s)
    with monkeypatch.context() as patch:
        patch.setattr(embed_stage, "prefetched", lambda items, depth: items)
        embed(folder, names, tmp_path / "after", Colours())
    written = [
        {path.relative_to(root): path.read_bytes() for path in sorted((root / "ready").rglob("*.parquet"))}
        for root in (tmp_path / "beside", tmp_path / "after")
    ]
    assert len(written[0]) == 2 and written[0] == written[1]


def test_decoding_goes_on_while_a_batch_is_encoded(photos: tuple[Path, list[str]], tmp_path: Path) -> None:
    """The two wait for each other, so that no clock decides: one after the other, neither would come."""
    folder, names = photos
    colours = Colours()
    begun, decoded = threading.Event(), threading.Event()
    calls: list[bytes] = []
    together: list[bool] = []

    def network(pixels: torch.Tensor) -> torch.Tensor:
        begun.set()
        together.append(decoded.wait(WAIT_S))
        return colours.network(pixels)

    def decode(data: bytes) -> Image.Image:
        calls.append(data)
        if len(calls) > embed_stage._BATCH_IMAGES and begun.wait(WAIT_S):
            decoded.set()
        return decode_image(data)

    source = SourceChain((FolderSource(str(folder)),))
    source.open()
    beside = ImageEncoder("colours", "0" * 64, 3, "cpu", colours.encoder().preprocess, network)
    embed_shard(0, 0, names[:96], source, beside, WorkFolder(tmp_path), decode=decode)
    assert together[0]


def test_an_error_of_a_source_ends_the_stage_as_it_is(photos: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, names = photos

    def decode(_: bytes) -> Image.Image:
        raise OSError("the disk is gone")

    source = SourceChain((FolderSource(str(folder)),))
    source.open()
    with pytest.raises(OSError, match="the disk is gone"):
        embed_shard(0, 0, names, source, Colours().encoder(), WorkFolder(tmp_path), decode=decode)
    assert not list(tmp_path.rglob("*.parquet"))
