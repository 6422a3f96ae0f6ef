"""A small index with a hostile article, and a client of the inspector over it that needs no network."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image

from indexer.index import WikiIndex
from indexer.web import make_app
from indexer.web.given import Inspector
from schemas.records import Link
from tests.support.index_folders import Page, make_folder

__all__ = ["HOSTILE", "ColourEncoder", "ask_inspector", "make_index", "picture_bytes"]

HOSTILE = "<script>alert('x')</script>"
PAGES = [
    Page(
        3,
        "Snow",
        [["Snow falls slowly.", "Dogs love the snow.", "It melts."], ["Rocky's dog loves snow."]],
        {"Snow.jpg": "white", "Dog.jpg": "a dog"},
        {0: [Link(0, 4, "Winter & <b>")]},
        "Frozen <b>water</b>",
    ),
    Page(
        9,
        HOSTILE,
        [[f"A burrow {HOSTILE} is dug.", '" onmouseover="alert(1)'], ["<img src=x onerror=alert(1)>"]],
        {"Evil<b>.jpg": "<i>caption</i>"},
    ),
]
VECTORS = {"Snow.jpg": [1.0, 0.0, 0.0], "Dog.jpg": [0.0, 1.0, 0.0], "Evil<b>.jpg": [0.0, 0.0, 1.0]}


class ColourEncoder:
    """Encodes a picture of one colour as that colour: red, green and blue are the components of its vector."""

    spec, fingerprint, dim = "efficientnet-lite0", "weights of the test", 3

    def encode(self, images: list[Image.Image]) -> np.ndarray:
        vectors = np.array([image.getpixel((0, 0)) for image in images], np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def encode_texts(self, texts: list[str]) -> np.ndarray:
        """Return green for the word green, and red for any other."""
        return np.array([[0.0, 1.0, 0.0] if text == "green" else [1.0, 0.0, 0.0] for text in texts], np.float32)


def make_index(folder: Path, *, encoder: str = "efficientnet-lite0", with_pictures: bool = True) -> WikiIndex:
    """Build the index, with an encoder that needs no weights."""
    index = WikiIndex(make_folder(folder, [PAGES], vectors=VECTORS if with_pictures else None, encoder=encoder))
    index.__dict__["encoder"] = ColourEncoder()
    return index


def ask_inspector(index: WikiIndex, **given: Path) -> TestClient:
    """Return a client of an inspector at 127.0.0.1."""
    app = make_app(Inspector(index, **given))
    return TestClient(app, base_url="http://127.0.0.1:8765", raise_server_exceptions=False)


def picture_bytes(red: int, green: int, blue: int, form: str = "PNG", size: tuple[int, int] = (40, 30)) -> bytes:
    """Return the bytes of a picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, (red, green, blue)).save(out, form)
    return out.getvalue()
