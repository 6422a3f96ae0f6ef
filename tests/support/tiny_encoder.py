"""A two-layer random XLM-R and small made-up data sets, for tests that train in seconds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from schemas.context_cache import CacheInfo, summarise, write_cache, write_rows
from schemas.dataset import fingerprint_samples, input_digest, write_dataset
from schemas.records import Context, Query, Sample, Span
from schemas.tables import CONTEXTS, QUERIES

PEOPLE = ("anna", "bert", "carl", "dora", "emil", "frida")
PLACES = ("rome", "oslo", "lima", "cairo", "quito", "accra")
WORDS = ("the", "a", "saw", "in", "went", "to", "and", "with", "today", "from", "old", "big", "city", "person")
RELATIONS = ("None", "/per/loc/visits", "/per/per/peer")


def build_encoder(folder: Path) -> Path:
    """Write a random two-layer XLM-R with a word-level tokenizer in XLM-R's form."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *(f"▁{word}" for word in (*PEOPLE, *PLACES, *WORDS))]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    marks = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "pad_token": "<pad>"}
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", mask_token="<mask>", **marks)
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = XLMRobertaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=66,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    XLMRobertaModel(config).save_pretrained(folder)
    return folder


def make_tweets(count: int, split: str, seed: int) -> list[Sample]:
    """Make sentences whose people and places can be known by their words."""
    draw = random.Random(f"{seed}{split}")
    samples = []
    for number in range(count):
        pairs = [(draw.choice(WORDS), "O") for _ in range(draw.randint(2, 6))]
        pairs.insert(draw.randint(0, len(pairs)), (draw.choice(PEOPLE), "B-PER"))
        place = draw.randint(0, len(pairs))
        pairs[place:place] = [(draw.choice(PLACES), "B-LOC"), (draw.choice(PLACES), "I-LOC")]
        tokens, tags = zip(*pairs, strict=True)
        image = f"{split}{number}.jpg" if number % 2 else None
        samples.append(Sample(f"{split}-{number + 1}", tokens, image, tags=tags, split=split))
    return samples


def make_pairs(count: int, split: str, seed: int) -> list[Sample]:
    """Make sentences whose relation can be known by the words between head and tail."""
    draw = random.Random(f"{seed}{split}")
    samples = []
    for number in range(count):
        relation = draw.choice(RELATIONS)
        verb, tail = {
            "None": ("saw", PLACES),
            "/per/loc/visits": ("to", PLACES),
            "/per/per/peer": ("with", PEOPLE),
        }[relation]
        tokens = (draw.choice(WORDS), draw.choice(PEOPLE), "went", verb, draw.choice(tail), "today")
        spans = (Span(1, 2), Span(4, 5))
        samples.append(Sample(f"{split}-{number}", tokens, None, None, *spans, relation, split))
    return samples


def write_tweets(folder: Path, train: int = 48, dev: int = 24, test: int = 24, seed: int = 1) -> Path:
    """Write a small entity set."""
    samples = {name: make_tweets(n, name, seed) for name, n in (("train", train), ("dev", dev), ("test", test))}
    write_dataset(folder, samples, name="tiny", task="ner", labels=["LOC", "PER"], inputs=[], counters={})
    return folder


def write_pairs(folder: Path, train: int = 60, dev: int = 24, test: int = 24, seed: int = 1) -> Path:
    """Write a small relation set."""
    samples = {name: make_pairs(n, name, seed) for name, n in (("train", train), ("dev", dev), ("test", test))}
    write_dataset(folder, samples, name="tiny-pairs", task="re", labels=RELATIONS, inputs=[], counters={})
    return folder


def write_contexts(folder: Path, samples: Sequence[Sample], sources: Sequence[str] = ("text",), per: int = 3) -> Path:
    """Write a cache that says of each sample which of its words are people or places."""
    folder.mkdir(parents=True, exist_ok=True)
    contexts, queries = [], []
    for sample in samples:
        for source in sources:
            named = [token for token in sample.tokens if token in (*PEOPLE, *PLACES)][:per]
            for rank, token in enumerate(named, start=1):
                text = f"{token} the {'person' if token in PEOPLE else 'big city'}"
                contexts.append(Context(sample.sample_id, source, rank, 1.0, f"{token}#0", token, text, ""))
            status = "hit" if named else "no_hit"
            queries.append(Query(sample.sample_id, source, input_digest(sample), status, len(named)))
    write_rows(folder / "contexts.parquet", CONTEXTS, contexts)
    write_rows(folder / "queries.parquet", QUERIES, queries)
    prints = {
        split: fingerprint_samples([s for s in samples if s.split == split]) for split in ("train", "dev", "test")
    }
    write_cache(folder, CacheInfo("tiny", prints, summarise(queries), None, {}, {}))
    return folder


def without_labels(samples: Sequence[Sample]) -> list[Sample]:
    """Take the labels away."""
    return [replace(sample, tags=None, relation=None) for sample in samples]
