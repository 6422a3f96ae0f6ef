"""CLIP without published weights: towers and preprocessing equal those of transformers and open_clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from indexer.encoders import ImageEncoder, decode_image, make_encoder
from tests.support.clip_architectures import known_architecture, save_random_weights

pytestmark = pytest.mark.integration

SIDE, LAYERS, HEADS, WIDTH, DIM = 64, 3, 4, 64, 48
SMALL: dict[str, Any] = {
    "embed_dim": DIM,
    "vision_cfg": {
        "image_size": SIDE,
        "layers": LAYERS,
        "width": WIDTH,
        "patch_size": 16,
        "head_width": WIDTH // HEADS,
    },
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": WIDTH, "heads": HEADS, "layers": LAYERS},
}
TEXTS = [
    "a dog in the snow",
    "Rocky",
    "naïve café, №5: 😀",
    "word " * 200,
    "the first animated feature film was made in Argentina",
]
PHOTOS = 50
START, END = 49406, 49407
"""Ids of CLIP's own tokenizer for the marks around a text."""


@pytest.fixture(scope="module", params=["gelu", "quick_gelu"])
def towers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """Our encoder, and transformers' model with the same random weights."""
    folder = tmp_path_factory.mktemp("archs")
    config = SMALL | {"quick_gelu": request.param == "quick_gelu"}
    with known_architecture("Test-Text", config, folder) as arch:
        path = save_random_weights(arch, folder / "small.safetensors")
        encoder = make_encoder(f"open_clip:{arch}:{path}", device="cpu")
        yield encoder, in_transformers(path, request.param)


@pytest.fixture(scope="module")
def real_photos(shared_data: Path) -> list[Path]:
    paths = sorted((shared_data / "coco128").glob("*.jpg"))[:PHOTOS]
    if len(paths) < PHOTOS:
        pytest.skip(f"no {PHOTOS} photos in {shared_data / 'coco128'}")
    return paths


def in_transformers(checkpoint: Path, activation: str) -> Any:
    """Fill transformers' CLIPModel with the weights of an open_clip checkpoint."""
    from safetensors.torch import load_file
    from transformers import CLIPConfig, CLIPModel

    tower = {
        "hidden_size": WIDTH,
        "intermediate_size": 4 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "hidden_act": activation,
    }
    text = tower | {"vocab_size": 49408, "max_position_embeddings": 77, "bos_token_id": START, "eos_token_id": END}
    vision = tower | {"image_size": SIDE, "patch_size": 16}
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=DIM)).eval()
    weights = to_transformers(load_file(checkpoint))
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and all(name.endswith("position_ids") for name in missing)
    return model


def to_transformers(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Translate the names of open_clip's weights; query, key and value lie in one matrix there."""
    ends = {
        "visual.class_embedding": "vision_model.embeddings.class_embedding",
        "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
        "visual.ln_pre": "vision_model.pre_layrnorm",
        "visual.ln_post": "vision_model.post_layernorm",
        "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
        "positional_embedding": "text_model.embeddings.position_embedding.weight",
        "ln_final": "text_model.final_layer_norm",
    }
    parts = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
    parts["attn.out_proj"] = "self_attn.out_proj"
    found = {"logit_scale": weights["logit_scale"]}
    found["visual_projection.weight"] = weights["visual.proj"].T.contiguous()
    found["text_projection.weight"] = weights["text_projection"].T.contiguous()
    for name, values in weights.items():
        stem, _, kind = name.rpartition(".")
        if name in ends or stem in ends:
            found[ends[name] if name in ends else f"{ends[stem]}.{kind}"] = values
        elif "resblocks" in name:
            side = "vision_model" if name.startswith("visual.") else "text_model"
            number, part = name.partition("resblocks.")[2].split(".", 1)
            layer = f"{side}.encoder.layers.{number}"
            if part.startswith("attn.in_proj_"):
                for word, third in zip("qkv", values.chunk(3), strict=True):
                    found[f"{layer}.self_attn.{word}_proj.{part.removeprefix('attn.in_proj_')}"] = third
            else:
                stem, _, kind = part.rpartition(".")
                found[f"{layer}.{parts[stem]}.{kind}"] = values
    return found


def test_the_image_tower_equals_that_of_transformers(towers: tuple[ImageEncoder, Any], real_photos: list[Path]) -> None:
    encoder, model = towers
    images = [decode_image(path.read_bytes()) for path in real_photos[:8]]
    with torch.inference_mode():
        features = model.vision_model(pixel_values=torch.stack([encoder.prepare(image) for image in images]))
        expected = torch.nn.functional.normalize(model.visual_projection(features.pooler_output), dim=-1).numpy()
    vectors = encoder.encode(images)
    assert vectors.shape == expected.shape == (8, DIM)
    assert np.abs(vectors - expected).max() < 1e-4
    assert (vectors @ vectors.T)[~np.eye(8, dtype=bool)].max() < 0.9999, "different photos differ by more than that"


def test_the_text_tower_equals_that_of_transformers(towers: tuple[ImageEncoder, Any]) -> None:
    encoder, model = towers
    tokens = open_clip.tokenize(TEXTS)
    assert tokens.shape == (len(TEXTS), 77) and set(tokens[:, 0].tolist()) == {START}
    with torch.inference_mode():
        features = model.text_model(input_ids=tokens)
        expected = torch.nn.functional.normalize(model.text_projection(features.pooler_output), dim=-1).numpy()
    vectors = encoder.encode_texts(TEXTS)
    assert np.abs(vectors - expected).max() < 1e-4
    assert np.abs(vectors - encoder.encode_texts(TEXTS[::-1])[::-1]).max() < 1e-5, "the same alone as in a batch"
    assert (vectors @ vectors.T)[~np.eye(len(TEXTS), dtype=bool)].max() < 0.99
    assert encoder.encode_texts([]).shape == (0, DIM)


def test_our_preprocessing_of_real_photos_is_that_of_open_clip(
    towers: tuple[ImageEncoder, Any], real_photos: list[Path]
) -> None:
    """Bytes through our decoder and the encoder's preprocessing; bytes through Pillow and open_clip alone."""
    encoder, _ = towers
    reference = open_clip.image_transform(SIDE, is_train=False)
    for path in real_photos:
        with Image.open(path) as image:
            assert torch.equal(encoder.prepare(decode_image(path.read_bytes())), reference(image)), path.name


def test_the_preprocessing_of_real_photos_is_that_of_transformers_but_for_half_a_pixel(real_photos: list[Path]) -> None:
    """Equal to a grey level at the same cut. Where an odd number of pixels is cut off, torchvision rounds half of it
    to the even number and transformers down: those pictures lie a pixel apart, and are compared at the same cut."""
    from torchvision.transforms.v2 import functional
    from transformers import CLIPImageProcessor

    processor, reference = CLIPImageProcessor(), open_clip.image_transform(224, is_train=False)
    resize, _, *rest = reference.transforms
    shifted, grey_level = 0, 1 / 255 / 0.26
    for path in real_photos:
        image = decode_image(path.read_bytes())
        ours, theirs = reference(image), processor(image, return_tensors="pt")["pixel_values"][0]
        small = resize(image)
        top, left = (small.height - 224) // 2, (small.width - 224) // 2
        if (round((small.height - 224) / 2), round((small.width - 224) / 2)) != (top, left):
            shifted += 1
            ours = functional.crop(small, top, left, 224, 224)
            for step in rest:
                ours = step(ours)
        assert (ours - theirs).abs().max() <= 1.01 * grey_level, path.name
    assert 0 < shifted < PHOTOS / 4


def test_half_precision_gives_nearly_the_same_vectors(
    towers: tuple[ImageEncoder, Any], real_photos: list[Path]
) -> None:
    encoder, _ = towers
    half = make_encoder(encoder.spec, device="cpu", precision="bf16")
    assert (half.precision, encoder.precision, half.fingerprint) == ("bf16", "fp32", encoder.fingerprint)
    images = [decode_image(path.read_bytes()) for path in real_photos[:8]]
    for ours, exact in (
        (half.encode(images), encoder.encode(images)),
        (half.encode_texts(TEXTS), encoder.encode_texts(TEXTS)),
    ):
        assert ours.dtype == np.float32 and not np.array_equal(ours, exact)
        assert (ours * exact).sum(axis=1).min() > 0.999


def test_an_overflow_of_half_precision_is_computed_again_in_full() -> None:
    def network(pixels: torch.Tensor) -> torch.Tensor:
        large = torch.full((4, 4), 1e4)
        return torch.matmul(torch.matmul(pixels, large), large)  # 1.6e9 is beyond fp16

    encoder = ImageEncoder("test", "", 4, "cpu", lambda _: torch.ones(4), network, precision="fp16")
    assert np.allclose(encoder.encode([Image.new("RGB", (1, 1))]), 0.5)
