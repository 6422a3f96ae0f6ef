"""CLIP's arithmetic that is left out: the vectors stay, for towers of every kind, and what is left out is counted."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch

from indexer.encoders import make_encoder
from tests.support.clip_architectures import known_architecture, save_random_weights

pytestmark = pytest.mark.integration

VISION: dict[str, Any] = {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 16}
TEXT = {"context_length": 16, "vocab_size": 100, "width": 32, "heads": 2, "layers": 1}
TOKENS = 1 + (64 // 16) ** 2
TOWERS: dict[str, tuple[dict[str, Any], int]] = {
    "first token": ({}, 1),
    "layer scale": ({"ls_init_value": 0.5}, 1),
    "no norm before": ({"no_ln_pre": True}, 1),
    "norm after pooling": ({"final_ln_after_pool": True}, 1),
    "mean of tokens": ({"pool_type": "avg"}, TOKENS),
    "attentional pool": ({"attentional_pool": True, "attn_pooler_heads": 4, "attn_pooler_queries": 8}, TOKENS),
    "other blocks": ({"qk_norm": True}, TOKENS),
}


@pytest.mark.parametrize(("kind", "is_quick"), [("first token", True), *((kind, False) for kind in TOWERS)])
def test_every_tower_gives_its_vectors_and_reads_one_token_where_that_is_enough(
    kind: str, is_quick: bool, tmp_path: Path
) -> None:
    import open_clip

    more, tokens_read = TOWERS[kind]
    config = {"embed_dim": 64, "quick_gelu": is_quick, "vision_cfg": VISION | more, "text_cfg": TEXT}
    with known_architecture("Test-Tower", config, tmp_path) as arch:
        checkpoint = save_random_weights(arch, tmp_path / "tower.safetensors")
        plain = open_clip.create_model(arch, pretrained=str(checkpoint)).eval()
        encoder = make_encoder(f"open_clip:{arch}:{checkpoint}", device="cpu")
        assert encoder.text is not None
    pixels = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    words = torch.randint(1, 99, (3, 16), generator=torch.Generator().manual_seed(1))
    seen: list[int] = []
    hook = torch.nn.modules.module.register_module_forward_hook(
        lambda module, given, _: seen.append(given[0].shape[1]) if type(module) is torch.nn.Sequential else None
    )
    with torch.inference_mode():
        found = encoder.network(pixels.clone())
        hook.remove()
        assert torch.allclose(found, plain.encode_image(pixels), rtol=1e-4, atol=1e-5)
        assert torch.allclose(encoder.text.network(words), plain.encode_text(words), rtol=1e-4, atol=1e-5)
    assert seen[-1] == tokens_read
    assert seen[0] == TOKENS


def test_the_picture_that_is_given_is_not_changed(tmp_path: Path) -> None:
    """Quick GELU works in place, in a buffer of its own."""
    from indexer.encoders.clip_forward import _quick_gelu

    given = torch.linspace(-9, 9, 101)
    before = copy.deepcopy(given)
    assert torch.allclose(_quick_gelu(given), before * torch.sigmoid(1.702 * before), atol=1e-6)
    assert torch.equal(given, before)
