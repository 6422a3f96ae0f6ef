"""Context windows: which pieces of a sentence and of its ranked contexts go into the encoder; and reading a cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.context_cache import read_cache, read_context_rows, read_query_rows
from schemas.dataset import input_digest
from schemas.errors import IndexMismatch, UsageError
from schemas.records import Context, Sample

__all__ = ["Specials", "Window", "WindowCounts", "count_windows", "fill_window", "read_contexts"]

Pieces = Sequence[int]


@dataclass(frozen=True, slots=True)
class Specials:
    """The pieces around a sentence and its contexts: `begin x between z1 z2 ... end`, or `begin x end` without any.

    Args:
        begin: for instance (cls,) of BERT, (bos,) of RoBERTa.
        between: parts the sentence from its contexts: (sep,) or (eos, eos).
        end: ends the window: (sep,) or (eos,).
        unknown: stands for a token of which the tokenizer leaves no piece (white space only), so that it keeps a state.
    """

    begin: tuple[int, ...]
    between: tuple[int, ...]
    end: tuple[int, ...]
    unknown: int


@dataclass(frozen=True, slots=True)
class Window:
    """The input of the encoder for one sample.

    Args:
        ids: piece ids [L], L <= max_length.
        first_piece: position of the first piece of each token that is in the window [T'], T' <= T.
        context_start: position of the first piece behind the sentence's part (of `end` where no context is in).
        used: positions in the list of contexts of those that are in, ascending.
        skipped: contexts left out because they did not fit whole.
        cut_tokens: tokens at the end of a sentence longer than the window that are left out (T - T').
    """

    ids: tuple[int, ...]
    first_piece: tuple[int, ...]
    context_start: int
    used: tuple[int, ...]
    skipped: int
    cut_tokens: int


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """How much of a data set's input is in its windows. truncation_rate is of contexts, in [0, 1]."""

    windows: int
    contexts: int
    skipped: int
    windows_with_skipped: int
    cut_sentences: int
    cut_tokens: int
    mean_pieces: float

    @property
    def truncation_rate(self) -> float:
        """The share of contexts that did not fit."""
        return self.skipped / self.contexts if self.contexts else 0.0


def fill_window(
    token_pieces: Sequence[Pieces], contexts: Sequence[Pieces], max_length: int, specials: Specials
) -> Window:
    """Fill a window with a sentence and as many whole contexts as fit, in rank order.

    A context that does not fit whole is skipped and the next one is tried; none is ever cut. A context without pieces
    is in and takes no room. A sentence longer than the window is cut behind the last token that is in with all of its
    pieces: it gets no contexts, and the tokens left out have no state (predict O for them) and are counted.

    Args:
        token_pieces: the piece ids of each token [T][>= 0].
        contexts: the piece ids of each context, best first.
        max_length: pieces in the window with all specials.
        specials: the model's special pieces.

    Raises:
        ValueError: not even one piece fits.

    Source: the greedy filling of KB-NER (Wang et al., SemEval 2022), without its cutting.

    >>> marks = Specials(begin=(0,), between=(2,), end=(3,), unknown=1)
    >>> window = fill_window([[10], [11, 12]], [[20, 21, 22, 23], [30]], 9, marks)
    >>> window.ids, window.first_piece, window.used, window.skipped
    ((0, 10, 11, 12, 2, 30, 3), (1, 2), (1,), 1)
    """
    room = max_length - len(specials.begin) - len(specials.end)
    if room < 1:
        raise ValueError(f"a window of {max_length} pieces has no room beside its special pieces")
    ids, first_piece = list(specials.begin), []
    for pieces in token_pieces:
        whole = pieces or (specials.unknown,)
        if len(ids) - len(specials.begin) + len(whole) > room:
            break
        first_piece.append(len(ids))
        ids.extend(whole)
    room -= len(ids) - len(specials.begin) + len(specials.between)
    context_start = len(ids) + len(specials.between)
    used: list[int] = []
    inside: list[int] = []
    cut_tokens = len(token_pieces) - len(first_piece)
    for position, pieces in enumerate(contexts):
        if len(pieces) <= room and not cut_tokens:
            used.append(position)
            inside.extend(pieces)
            room -= len(pieces)
    if used:
        ids += [*specials.between, *inside]
    else:
        context_start = len(ids)
    ids += specials.end
    return Window(tuple(ids), tuple(first_piece), context_start, tuple(used), len(contexts) - len(used), cut_tokens)


def count_windows(windows: Sequence[Window]) -> WindowCounts:
    """Count what the windows of a data set left out."""
    return WindowCounts(
        windows=len(windows),
        contexts=sum(len(window.used) + window.skipped for window in windows),
        skipped=sum(window.skipped for window in windows),
        windows_with_skipped=sum(window.skipped > 0 for window in windows),
        cut_sentences=sum(window.cut_tokens > 0 for window in windows),
        cut_tokens=sum(window.cut_tokens for window in windows),
        mean_pieces=sum(len(window.ids) for window in windows) / len(windows) if windows else 0.0,
    )


def read_contexts(folder: str | Path, sources: Sequence[str], samples: Sequence[Sample]) -> dict[str, list[Context]]:
    """Read the contexts of samples from a cache, and check that it was made for exactly these samples.

    Args:
        folder: a finished cache.
        sources: which of its sources, in the order wanted.
        samples: all or some of the samples it was made for; labels do not matter.

    Returns:
        sample_id -> contexts, by source in the order given and by rank; an empty list where there are none.

    Raises:
        UsageError: the cache has no such source.
        IndexMismatch: a sample was not asked for, or had other tokens or another image.
    """
    known = read_cache(folder).sources
    for source in sources:
        if source not in known:
            raise UsageError(f"no source {source!r} in this cache, there are: {', '.join(known)}", path=folder)
    digests = {(query.sample_id, query.source): query.digest for query in read_query_rows(folder)}
    found: dict[str, list[Context]] = {}
    for sample in samples:
        for source in sources:
            _check_digest(digests.get((sample.sample_id, source)), sample, source, folder)
        found[sample.sample_id] = []
    order = {source: position for position, source in enumerate(sources)}
    for context in read_context_rows(folder):
        if context.source in order and context.sample_id in found:
            found[context.sample_id].append(context)
    for contexts in found.values():
        contexts.sort(key=lambda context: (order[context.source], context.rank))
    return found


def _check_digest(digest: str | None, sample: Sample, source: str, folder: str | Path) -> None:
    if digest == input_digest(sample):
        return
    fault = "was never asked for" if digest is None else "had other tokens or another image"
    raise IndexMismatch(
        f"the cache was made for other samples: {sample.sample_id} {fault}",
        path=folder,
        place=f"source {source}",
        remedy="make the cache for these samples: mie-index retrieve, or mie-index contexts import",
    )
