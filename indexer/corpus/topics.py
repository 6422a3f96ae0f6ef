"""Topics of a data set's own text: ProdLDA on its training samples, and the best words of each sample's topic.

Nothing of dev and test is in the vocabulary, in the fit, or in what each sample gets: its topic is a function of the
fitted network and of its own words.

Source: ProdLDA (Srivastava and Sutton, ICLR 2017), as ISE (Wu et al., ACL 2023) uses it.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.corpus.cache import Made, read_splits, write_made
from schemas.context_cache import CacheInfo
from schemas.display import tell
from schemas.errors import InputError, UsageError
from schemas.records import Sample

if TYPE_CHECKING:
    from indexer.corpus.prod_lda import ProdLda

__all__ = ["TopicSettings", "bag_words", "fit_vocabulary", "make_topics"]

_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """How topics are fitted.

    Args:
        topics: K.
        words: of a topic in a context.
        vocabulary: the commonest words of the training samples.
        most_share: a word in a larger share of the training samples says nothing.
        least_samples: a word in fewer says nothing either.
        epochs: over the training samples.
        seed: of the weights, the order and the noise.
    """

    topics: int = 10
    words: int = 10
    vocabulary: int = 2000
    most_share: float = 0.1
    least_samples: int = 3
    epochs: int = 40
    seed: int = 1

    def check(self) -> None:
        """Check the ranges.

        Raises:
            UsageError: a value is out of its range.
        """
        if min(self.topics, self.words, self.vocabulary, self.least_samples, self.epochs) < 1 or self.topics < 2:
            raise UsageError("there must be two topics or more, and one word, sample and epoch or more")
        if not 0 < self.most_share <= 1:
            raise UsageError(f"a share of {self.most_share}", remedy="set it in (0, 1]")


def bag_words(tokens: Sequence[str]) -> list[str]:
    """Return the words of a post that count for topics: lower case, three letters or more, no addresses or names.

    >>> bag_words(["RT", "@NASA", ":", "Rockets", "launch", "http://t.co/x", "in", "2015"])
    ['rockets', 'launch']
    """
    kept = [token.lower() for token in tokens if not token.startswith(("@", "http", "www."))]
    return [token.lstrip("#") for token in kept if _WORD.fullmatch(token.lstrip("#"))]


def fit_vocabulary(train: Sequence[Sample], settings: TopicSettings) -> tuple[str, ...]:
    """Return the words of the training samples that topics are made of, the commonest first.

    Raises:
        InputError: there are none.
    """
    counts = Counter(word for sample in train for word in set(bag_words(sample.tokens)))
    most = settings.most_share * len(train)
    kept = [(-count, word) for word, count in counts.items() if settings.least_samples <= count <= max(most, 1)]
    if not kept:
        raise InputError("no word of the training samples is common enough for topics", remedy="lower --least-samples")
    return tuple(word for _, word in sorted(kept)[: settings.vocabulary])


def make_topics(
    samples: Path, out: Path, source: str = "topics", settings: TopicSettings | None = None, *, overwrite: bool = False
) -> tuple[CacheInfo, float]:
    """Fit topics to the training samples, and write the best words of each sample's topic as its context.

    A sample without a word of the vocabulary gets none.

    Args:
        samples: the folder of the data set.
        out: the folder of the cache.
        source: its name there.
        settings: of the fit.
        overwrite: replace another cache.

    Returns:
        the cache, and the ELBO of a training sample after the last epoch, in nats.

    Raises:
        UsageError: the data set has no split train, or another cache is at out.
    """
    from indexer.corpus.prod_lda import fit_topics, to_bags, topic_words

    settings = settings or TopicSettings()
    settings.check()
    rows = read_splits(samples)
    if not rows.get("train"):
        raise UsageError("topics are fitted to the split train, which is not there", path=samples)
    vocabulary = fit_vocabulary(rows["train"], settings)
    bags = to_bags([bag_words(sample.tokens) for sample in rows["train"]], vocabulary)
    epochs = settings.epochs
    model, elbo = fit_topics(
        bags, settings.topics, epochs, settings.seed, lambda epoch: tell("topics", epoch, epochs, "epochs")
    )
    texts = [" ".join(words) for words in topic_words(model, vocabulary, settings.words)]
    made: dict[str, list[Made]] = {}
    for part in rows.values():
        made |= _topics_of(model, part, vocabulary, texts)
    parameters = {"made": "topics", "settings": asdict(settings), "topics": texts, "elbo": round(elbo, 6)}
    return write_made(out, source, samples, made, parameters, overwrite=overwrite), elbo


def _topics_of(
    model: ProdLda, samples: Sequence[Sample], vocabulary: Sequence[str], texts: Sequence[str]
) -> dict[str, list[Made]]:
    from indexer.corpus.prod_lda import to_bags

    bags = to_bags([bag_words(sample.tokens) for sample in samples], vocabulary)
    shares = model.shares(bags)
    best = shares.max(1)
    found = {}
    for sample, bag, share, topic in zip(samples, bags, best.values.tolist(), best.indices.tolist(), strict=True):
        if bool(bag.any()) and math.isfinite(share):
            found[sample.sample_id] = [Made(texts[topic], share, f"topic-{topic}")]
    return found
