"""Pieces of a tokenizer: its special pieces, and the piece ids of tokens and texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trainer.inputs.window import Specials

__all__ = ["find_specials", "piece_ids", "token_piece_ids"]

_BARE: dict[str, Any] = {
    "add_special_tokens": False,
    "return_attention_mask": False,
    "return_token_type_ids": False,
    "truncation": False,
    "verbose": False,
}


def find_specials(tokenizer: Any) -> Specials:
    """Return the pieces that a tokenizer puts around and between two texts, read off from two texts that it encoded."""
    encoded = tokenizer(["a"], ["a"], is_split_into_words=False)
    ids, parts = encoded["input_ids"][0], encoded.sequence_ids(0)
    first, second = parts.index(0), parts.index(1)
    after_first = next(i for i in range(first, len(parts)) if parts[i] != 0)
    after_second = next((i for i in range(second, len(parts)) if parts[i] != 1), len(parts))
    unknown = tokenizer.unk_token_id if tokenizer.unk_token_id is not None else ids[0]
    return Specials(tuple(ids[:first]), tuple(ids[after_first:second]), tuple(ids[after_second:]), unknown)


def token_piece_ids(tokenizer: Any, sentences: Sequence[Sequence[str]]) -> Iterator[list[list[int]]]:
    """Return for each sentence the piece ids of each of its tokens [T][>= 0]; tokens are cut one by one."""
    encoded = tokenizer([list(tokens) for tokens in sentences], is_split_into_words=True, **_BARE)
    for row, tokens in enumerate(sentences):
        pieces: list[list[int]] = [[] for _ in tokens]
        for piece, word in zip(encoded["input_ids"][row], encoded.word_ids(row), strict=True):
            if word is not None:
                pieces[word].append(piece)
        yield pieces


def piece_ids(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Return the piece ids of each text, without special pieces."""
    return tokenizer(list(texts), **_BARE)["input_ids"] if texts else []
