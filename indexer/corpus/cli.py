"""The commands `mie-index contexts topics` and `lexicon`: their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from indexer.contexts import AsJson, Out, Overwrite, Samples, contexts, print_cache

__all__ = ["add_corpus_commands"]


def add_corpus_commands() -> None:
    """Add `topics` and `lexicon` to the commands of `mie-index contexts`."""
    contexts.command()(topics)
    contexts.command()(lexicon)


def topics(
    samples: Samples,
    out: Out,
    source: Annotated[str, typer.Option(help="The name of this source of contexts.")] = "topics",
    number: Annotated[int, typer.Option("--topics", help="How many topics.")] = 10,
    words: Annotated[int, typer.Option(help="Words of a topic in a context.")] = 10,
    epochs: Annotated[int, typer.Option(help="Over the training samples.")] = 40,
    least_samples: Annotated[int, typer.Option(help="A word in fewer training samples is left out.")] = 3,
    seed: Annotated[int, typer.Option(help="Of the fit.")] = 1,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Fit topics to the training samples; the words of its topic are the context of each sample."""
    from indexer.corpus.topics import TopicSettings, make_topics
    from schemas.display import note, shown_steps

    settings = TopicSettings(number, words, epochs=epochs, least_samples=least_samples, seed=seed)
    with shown_steps():
        info, elbo = make_topics(samples, out, source, settings, overwrite=overwrite)
    note(f"ELBO {elbo:.3f} nats a training sample")
    print_cache(out, info, as_json=as_json)


def lexicon(
    samples: Samples,
    out: Out,
    source: Annotated[str, typer.Option(help="The name of this source of contexts.")] = "lexicon",
    words: Annotated[
        Path | None,
        typer.Option(help="A word a line; without it, the names of entities in train.", show_default=False),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Find the words of a lexicon in each sample, the longest first, and give them as its context."""
    from indexer.corpus.lexicon import make_lexicon
    from schemas.display import shown_steps

    with shown_steps():
        info = make_lexicon(samples, out, source, words, overwrite=overwrite)
    print_cache(out, info, as_json=as_json)
