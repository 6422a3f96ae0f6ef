"""Tiny random models that write: an encoder-decoder of two families, and a causal one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

WORDS = (
    "Paris met Hilton Give the text is a person location , which in image not SSEP [ ] | < > ; None <answer> </answer> "
    "<spot> <extra_id_0> <extra_id_1> <extra_id_5> [SSEP] box PER LOC ( ) A B"
)


def build_generator(folder: Path, kind: str, further: Iterable[str] = ()) -> Path:
    """Write a tiny random model and a tokenizer of words, of which one is two pieces; further words are one piece."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        BartConfig,
        BartForConditionalGeneration,
        GPT2Config,
        GPT2LMHeadModel,
        PreTrainedTokenizerFast,
        T5Config,
        T5ForConditionalGeneration,
    )  # fmt: skip

    words = ["<pad>", "</s>", "<unk>", *dict.fromkeys([*WORDS.split(), *further]), "Hil", "##ton"]
    words.remove("Hilton")
    model = models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="<unk>")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    fast.save_pretrained(folder)
    torch.manual_seed(1)
    size, ids = len(words), {"pad_token_id": 0, "eos_token_id": 1}
    made: Any
    if kind == "t5":
        made = T5ForConditionalGeneration(
            T5Config(
                vocab_size=size, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2, decoder_start_token_id=0, **ids
            )
        )
    elif kind == "bart":
        made = BartForConditionalGeneration(
            BartConfig(
                vocab_size=size, d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
                decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_position_embeddings=256,
                decoder_start_token_id=1, bos_token_id=1, forced_eos_token_id=None, **ids,
            )
        )  # fmt: skip
    else:
        made = GPT2LMHeadModel(GPT2Config(vocab_size=size, n_positions=256, n_embd=16, n_layer=1, n_head=2, **ids))
    made.save_pretrained(folder)
    return folder
