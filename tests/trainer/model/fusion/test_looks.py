"""Where a fusion looked: shares by hand, what they sum to, and the rows of predictions that have them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from schemas.dataset import read_samples
from schemas.predictions import predictions_path, read_predictions
from tests.support.feature_store import write_features
from tests.support.tiny_encoder import build_encoder, write_tweets
from tests.support.tiny_fusion import HEADS, HIDDEN, SIZE, make_features, make_windows, tiny_encoder, without
from trainer.commands import fit_and_evaluate
from trainer.config import RunConfig, override
from trainer.model.build import FUSIONS
from trainer.model.fusion.cross import Attention
from trainer.model.fusion.fuse import EncoderShape

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("one_thread")]
LOOKING = ["aligned", "two_way"]


def test_shares_are_those_of_a_plain_loop_over_heads_queries_and_keys() -> None:
    torch.manual_seed(4)
    attention = Attention(8, 6, heads=2).eval()
    queries, keys = torch.randn(1, 3, 8), torch.randn(1, 4, 6)
    present = torch.tensor([[True, False, True, True]])
    found = attention.shares(queries, keys, present)[0]
    query, key = attention.query(queries)[0], attention.key(keys)[0]
    right = torch.zeros(3, 4)
    for head in range(2):
        part = slice(4 * head, 4 * head + 4)
        for t in range(3):
            scores = torch.stack([query[t, part] @ key[k, part] / 2 for k in (0, 2, 3)])
            right[t, [0, 2, 3]] += scores.softmax(0) / 2
    assert torch.allclose(found, right, atol=1e-6)
    assert attention.shares(queries, keys, torch.zeros_like(present)).abs().sum() == 0
    assert attention.shares(queries, keys[:, :0], present[:, :0]).shape == (1, 3, 0)


@pytest.mark.parametrize("kind", LOOKING)
def test_weights_sum_to_1_over_what_is_present_and_padding_has_no_say(kind: str) -> None:
    settings = FUSIONS[kind].load_settings()(feature_dim=SIZE)
    torch.manual_seed(5)
    fusion = FUSIONS[kind].load()(EncoderShape(HIDDEN, 2, HEADS), settings).eval()  # type: ignore[arg-type, call-arg]
    encoder = tiny_encoder("bert")
    fusion.attach(encoder)
    ids, mask = make_windows()
    features = without(make_features(), (0, 1), *((1, column) for column in range(4)))
    with torch.no_grad():
        weights = fusion.encode(encoder, ids, mask, features).weights
        alone = fusion.encode(encoder, ids[2:, :7], mask[2:, :7], type(features)(*_rows(features, 2))).weights
    assert weights is not None and alone is not None and weights.shape == (3, 4)
    assert torch.allclose(weights.sum(1), torch.tensor([1.0, 0.0, 1.0]), atol=1e-5)
    assert weights[0, 1] == 0 and (weights[2] > 0).all() and torch.allclose(weights[2], alone[0], atol=1e-5)


def _rows(features: object, first: int) -> list[torch.Tensor | None]:
    parts = features._asdict()  # type: ignore[attr-defined]
    return [part if part is None or name == "view" else part[first:] for name, part in parts.items()]


def test_predictions_say_which_vectors_of_a_store_were_read(tmp_path: Path) -> None:
    tweets = write_tweets(tmp_path / "tweets", train=16, dev=6, test=6)
    samples = [row for split in ("train", "dev", "test") for row in read_samples(tweets, split)]
    rows = {row.image: [[1.0] * 8, [0.5] * 8] for row in samples if row.image}
    store = write_features(tmp_path / "store", samples, {"regions": rows}, dim=8)
    config = override(
        RunConfig(),
        [
            f"encoder.name={build_encoder(tmp_path / 'encoder')}", f"data.samples={tweets}", f"data.features={store}",
            "encoder.max_length_pieces=48", "training.epochs=1", "model.fusion.kind=two_way",
            "model.fusion.feature_dim=8",
        ],
    )  # fmt: skip
    fit_and_evaluate(config, tmp_path / "run")
    for row in read_predictions(predictions_path(tmp_path / "run", "test")):
        places = [(one.store, one.view, one.number) for one in row.region_weights]
        assert places == ([("store", "regions", 0), ("store", "regions", 1)] if row.image else [])
        assert not places or sum(one.weight for one in row.region_weights) == pytest.approx(1, abs=1e-5)
