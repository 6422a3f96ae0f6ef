"""Encoders of three families, and names that cannot be had."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from schemas.errors import InputError, MissingDependency, UsageError
from tests.support.tiny_encoder import PEOPLE, PLACES, WORDS, build_encoder
from trainer.inputs import find_specials, piece_ids, token_piece_ids
from trainer.model import resolve_encoder
from trainer.model.encoder import OFFLINE, load_encoder, window_limit

pytestmark = pytest.mark.integration


def build_roberta(folder: Path) -> Path:
    """Write a random RoBERTa with a byte-level tokenizer, in which a word's beginning is a blank."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([f" {word}" for word in (*PEOPLE, *PLACES, *WORDS)] * 5, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", cls_token="<s>", sep_token="</s>",
        pad_token="<pad>", unk_token="<unk>", mask_token="<mask>",
    )  # fmt: skip
    fast.save_pretrained(folder)
    config = RobertaConfig(
        vocab_size=len(fast), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=42, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    RobertaModel(config).save_pretrained(folder)
    return folder


def test_roberta_cuts_words_as_in_running_text_and_takes_its_whole_window(tmp_path: Path) -> None:
    model, tokenizer = load_encoder(str(build_roberta(tmp_path / "roberta")))
    specials = find_specials(tokenizer)
    assert (specials.begin, specials.between, specials.end) == ((0,), (2, 2), (2,))
    words = ["anna", "saw", "rome"]
    (pieces,) = token_piece_ids(tokenizer, [words])
    assert [piece for row in pieces for piece in row] == piece_ids(tokenizer, [" anna saw rome"])[0]
    assert window_limit(model) == 40
    ids = torch.full((1, 40), 7)
    assert model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.shape == (1, 40, 16)


def test_xlm_r_specials_and_limit(tmp_path: Path) -> None:
    model, tokenizer = load_encoder(str(build_encoder(tmp_path / "xlmr")))
    specials = find_specials(tokenizer)
    assert (specials.begin, specials.between, specials.end, specials.unknown) == ((0,), (2, 2), (2,), 3)
    assert window_limit(model) == 64


def test_the_offline_encoder_is_a_bert_that_knows_words() -> None:
    try:
        model, tokenizer = load_encoder(OFFLINE)
    except MissingDependency as error:
        pytest.skip(str(error))
    specials = find_specials(tokenizer)
    assert (specials.begin, specials.between, specials.end) == ((101,), (102,), (102,))
    assert window_limit(model) == 512
    (pieces,) = token_piece_ids(tokenizer, [["Kobe", "\u200d", "Bryant's"]])
    assert [len(row) for row in pieces] == [1, 0, 3]
    vectors = []
    for text in ("a big dog", "a large dog", "stock prices fell"):
        ids = torch.tensor([[101, *piece_ids(tokenizer, [text])[0], 102]])
        with torch.no_grad():
            vectors.append(model(input_ids=ids).last_hidden_state.mean(1)[0])
    near, far = (torch.cosine_similarity(vectors[0], other, dim=0) for other in vectors[1:])
    assert near > far + 0.3


def test_a_hub_name_without_network_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingDependency, match=r"the encoder 'no-such-owner/no-such-model' cannot be had.*offline"):
        load_encoder("no-such-owner/no-such-model")


HUB = """
import json, time
from schemas.errors import MissingDependency
from trainer.model.encoder import load_encoder
started = time.perf_counter()
kind = load_encoder("owner/tiny")[0].config.model_type
try:
    load_encoder("owner/absent")
except MissingDependency as error:
    print(json.dumps([kind, str(error), time.perf_counter() - started]))
"""


def test_a_hub_name_is_taken_from_the_cache_and_an_unreachable_hub_is_asked_once(tmp_path: Path) -> None:
    """The hub's client alone asks again five times, with waits of 1 to 8 s, before it gives up."""
    snapshot = tmp_path / "models--owner--tiny" / "snapshots" / "abc"
    build_encoder(snapshot)
    (tmp_path / "models--owner--tiny" / "refs").mkdir()
    (tmp_path / "models--owner--tiny" / "refs" / "main").write_text("abc")
    hub = {"HF_HUB_CACHE": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", HUB], env={**os.environ, **hub}, capture_output=True, text=True, check=True, timeout=600
    )
    kind, said, _ = json.loads(done.stdout)
    assert kind == "xlm-roberta" and "the hub is not reachable" in said
    assert "offline:minilm, or to a folder" in said and "Retrying" not in done.stderr


def test_weights_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    folder = build_encoder(tmp_path / "encoder")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="no encoder can be loaded"):
        load_encoder(str(folder))


def test_a_path_that_is_no_folder_is_never_taken_for_a_hub_name() -> None:
    for name in ("./nowhere", "/nowhere", "~/nowhere", "a/b/c", ""):
        with pytest.raises(UsageError, match="no such folder"):
            resolve_encoder(name)
    assert resolve_encoder("xlm-roberta-large") == ("xlm-roberta-large", False)
