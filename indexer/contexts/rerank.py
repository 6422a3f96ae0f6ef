"""Contexts in another order: by how similar their texts are to the post, as an encoder of words sees both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from schemas.errors import UsageError
from schemas.records import Context, Sample

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ENCODERS", "find_encoder", "order_by_similarity", "rerank"]

Encode: TypeAlias = "Callable[[Sequence[str]], NDArray[np.float32]]"
ENCODERS = ("all-minilm-l6-v2",)


def order_by_similarity(contexts: Sequence[Context], similarities: Sequence[float]) -> list[Context]:
    """Return contexts of one source, the most similar first, with ranks and scores anew; equal ones keep their order.

    >>> rows = [Context("a", "text", rank, 9.0, "", "", text, "") for rank, text in ((1, "x"), (2, "y"))]
    >>> [(row.rank, row.text, row.score) for row in order_by_similarity(rows, [0.25, 0.75])]
    [(1, 'y', 0.75), (2, 'x', 0.25)]
    """
    order = sorted(range(len(contexts)), key=lambda number: (-similarities[number], number))
    return [
        replace(contexts[number], rank=rank, score=float(similarities[number]))
        for rank, number in enumerate(order, start=1)
    ]


def rerank(samples: Sequence[Sample], contexts: Sequence[Context], encode: Encode) -> list[Context]:
    """Return the contexts of samples, those of each sample and source ordered by the cosine with its text.

    Args:
        samples: of which they are.
        contexts: of any sources.
        encode: texts to unit vectors [n, D]; called once, with different texts.
    """
    posts = {sample.sample_id: " ".join(sample.tokens) for sample in samples}
    texts = list(dict.fromkeys([*posts.values(), *(context.text for context in contexts)]))
    rows = {text: number for number, text in enumerate(texts)}
    vectors = encode(texts)
    groups: dict[tuple[str, str], list[Context]] = {}
    for context in contexts:
        groups.setdefault((context.source, context.sample_id), []).append(context)
    found: list[Context] = []
    for (_, sample_id), own in groups.items():
        post = vectors[rows[posts[sample_id]]]
        found += order_by_similarity(own, [float(vectors[rows[context.text]] @ post) for context in own])
    return found


def find_encoder(name: str) -> Encode:
    """Return the encoder of a name.

    Raises:
        UsageError: there is none.
        MissingDependency: its package is not installed.
    """
    if name not in ENCODERS:
        raise UsageError(f"no encoder of texts {name!r}", remedy=f"choose {', '.join(ENCODERS)}")
    from indexer.encoders import encode_words

    return lambda texts: encode_words(texts)[0]
