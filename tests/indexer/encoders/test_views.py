"""What an encoder shows of its inside: against its own vector and classes, for the stand-in and for CLIP towers."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from indexer.encoders import (
    ImageEncoder,
    class_scores,
    decode_image,
    encode_words,
    grid_vectors,
    make_encoder,
    propose_boxes,
    pyramid_vectors,
    whole_vectors,
)
from indexer.encoders.efficientnet import load_efficientnet_lite0
from indexer.encoders.views import _box_about_peak
from schemas.errors import UsageError
from tests.support.clip_architectures import known_architecture

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]

TINY: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 4, "width": 48, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def stand_in() -> ImageEncoder:
    return make_encoder("efficientnet-lite0", threads=1)


@pytest.fixture(scope="module")
def cat() -> Image.Image:
    """The photo of a cat that scikit-image carries."""
    try:
        files = metadata.files("scikit-image") or []
    except metadata.PackageNotFoundError:
        pytest.skip("scikit-image is not installed: pip install '.[demo]'")
    return decode_image(Path(str(next(file.locate() for file in files if file.name == "chelsea.png"))).read_bytes())


def test_the_maps_of_the_stand_in_are_its_stages_and_its_cells_average_to_its_vector(
    stand_in: ImageEncoder, cat: Image.Image
) -> None:
    pixels = stand_in.prepare(cat)
    assert stand_in.layers is not None
    maps = stand_in.layers.maps(pixels[None])
    assert [tuple(values.shape[1:]) for values in maps] == [
        (24, 56, 56), (40, 28, 28), (112, 14, 14), (320, 7, 7), (1280, 7, 7),
    ]  # fmt: skip
    mean = grid_vectors(stand_in, [pixels], 1)[0, 0]
    assert np.allclose(mean / np.linalg.norm(mean), stand_in.encode([cat])[0], atol=1e-5)
    assert np.allclose(whole_vectors(stand_in, [pixels]), stand_in.encode([cat]))
    corners = maps[1][0, :, :14, :14].mean((1, 2))
    assert np.allclose(pyramid_vectors(stand_in, [pixels])[0, 0, 24:64], corners.detach().numpy(), atol=1e-5)


def test_class_scores_are_the_softmax_of_the_whole_network(stand_in: ImageEncoder, cat: Image.Image) -> None:
    pixels = stand_in.prepare(cat)
    with torch.inference_mode():
        expected = load_efficientnet_lite0()(pixels[None]).softmax(1).numpy()
    scores = class_scores(stand_in, [pixels])
    assert np.allclose(scores, expected, atol=1e-6)
    assert stand_in.layers is not None
    assert len(stand_in.layers.class_names) == 1000
    assert "cat" in stand_in.layers.class_names[int(scores[0].argmax())]


def test_proposed_boxes_differ_and_the_first_shows_the_cat(stand_in: ImageEncoder, cat: Image.Image) -> None:
    boxes = propose_boxes(stand_in, cat, 3)
    assert "cat" in boxes[0].name or "lynx" in boxes[0].name
    assert [box.score for box in boxes] == sorted((box.score for box in boxes), reverse=True)
    x1, y1, x2, y2 = boxes[0].box
    assert x1 < 0.55 < x2
    assert y1 < 0.5 < y2


def test_the_box_about_the_peak_is_that_of_its_connected_part() -> None:
    values = np.zeros((4, 5), np.float32)
    values[1, 1:3] = 1.0
    values[2, 2] = 0.5
    values[3, 4] = 0.9  # not connected
    assert _box_about_peak(values) == (1 / 5, 1 / 4, 3 / 5, 3 / 4)
    assert _box_about_peak(-np.ones((2, 2), np.float32)) is None


def test_a_clip_shows_its_layers_and_has_no_classes(tmp_path: Path, cat: Image.Image) -> None:
    with known_architecture("tiny-views", TINY, tmp_path):
        torch.manual_seed(0)
        model = open_clip.create_model("tiny-views").eval()
        save_file(
            {name: values.contiguous() for name, values in model.state_dict().items()}, tmp_path / "w.safetensors"
        )
        encoder = make_encoder(f"open_clip:tiny-views:{tmp_path / 'w.safetensors'}", device="cpu")
    pixels = encoder.prepare(cat)
    with torch.inference_mode():
        states: list[torch.Tensor] = []
        hooks = [
            block.register_forward_hook(lambda _m, _i, output: states.append(output))
            for block in model.visual.transformer.resblocks
        ]
        model.encode_image(pixels[None])
        for hook in hooks:
            hook.remove()
        maps = [state[0, 1:].T.reshape(48, 4, 4) for state in states]
    expected = torch.cat([values[:, :2, :2].mean((1, 2)) for values in maps]).numpy()
    found = pyramid_vectors(encoder, [pixels])
    assert found.shape == (1, 4, 4 * 48)
    assert np.allclose(found[0, 0], expected, atol=1e-4)
    normed = torch.nn.functional.layer_norm(states[-1].clone(), (48,))[0, 1:].numpy()
    assert np.allclose(grid_vectors(encoder, [pixels], 4)[0], normed, atol=1e-4)
    with pytest.raises(UsageError, match="no classes"):
        propose_boxes(encoder, cat, 1)
    with pytest.raises(UsageError, match="no classes"):
        class_scores(encoder, [pixels])


def test_words_near_in_meaning_are_near() -> None:
    vectors, fingerprint = encode_words(["an image of dog", "an image of puppy", "an image of airliner"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert len(fingerprint) == 64
