"""Windows: which pieces of a sentence and of its ranked contexts go into the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Specials", "Window", "WindowCounts", "count_windows", "fill_window"]

Pieces = Sequence[int]


@dataclass(frozen=True, slots=True)
class Specials:
    """The pieces around a sentence and its contexts: `begin x between z1 z2 ... end`, or `begin x end` without any.

    Args:
        begin: for instance (cls,) of BERT, (bos,) of RoBERTa.
        between: separates the sentence from its contexts: (sep,) or (eos, eos).
        end: ends the window: (sep,) or (eos,).
        unknown: stands for a token that the tokenizer drops (white space only), so that the token keeps a state.
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
        context_start: position of the first piece of the first context (of `end` where there is none).
        used: which contexts are in the window: their positions in the list given, ascending.
        skipped: contexts left out because they did not fit whole.
        cut_tokens: tokens at the end of a sentence longer than the window that are left out (T - T').
        cut: which contexts of `used` are in the window up to the end of a sentence only.
    """

    ids: tuple[int, ...]
    first_piece: tuple[int, ...]
    context_start: int
    used: tuple[int, ...]
    skipped: int
    cut_tokens: int
    cut: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """Sums over the windows of a data set: what they hold and what they leave out.

    Args:
        windows, contexts: how many there are.
        skipped: contexts left out; windows_with_skipped: windows that leave out one or more.
        cut_sentences: sentences longer than the window; cut_tokens: their tokens left out.
        mean_pieces: of a window.
        cut_contexts: contexts that are read up to the end of a sentence only.
        ranks: by source, for each rank from 1: contexts read whole, cut, and left out.
    """

    windows: int
    contexts: int
    skipped: int
    windows_with_skipped: int
    cut_sentences: int
    cut_tokens: int
    mean_pieces: float
    cut_contexts: int = 0
    ranks: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)

    @property
    def truncation_rate(self) -> float:
        """The share of contexts that did not fit, in [0, 1]."""
        return self.skipped / self.contexts if self.contexts else 0.0


def fill_window(
    token_pieces: Sequence[Pieces],
    contexts: Sequence[Pieces],
    max_length: int,
    specials: Specials,
    ends: Sequence[Pieces] | None = None,
) -> Window:
    """Fill a window with a sentence and as many whole contexts as fit, in rank order.

    A context that does not fit whole is cut after the last sentence that fits, where `ends` are given; where they are
    not, or its first sentence is too long, it is skipped and the next one is tried. A context without pieces counts as
    used and takes no room. A sentence longer than the window is cut after the last token that fits with all
    of its pieces, and gets no contexts. The tokens left out have no state (O is predicted for them) and are counted.

        begin | sentence | between | context 1 | context 3 | end        (context 2 did not fit)

    Args:
        token_pieces: the piece ids of each token [T][>= 0].
        contexts: the piece ids of each context, best first.
        max_length: pieces in the window with all specials.
        specials: the model's special pieces.
        ends: of each context, after how many of its pieces a sentence ends, ascending.

    Raises:
        ValueError: not even one piece fits.

    Source: the greedy filling of KB-NER (Wang et al., SemEval 2022), which cuts anywhere.

    >>> marks = Specials(begin=(0,), between=(2,), end=(3,), unknown=1)
    >>> window = fill_window([[10], [11, 12]], [[20, 21, 22, 23], [30]], 9, marks)
    >>> window.ids, window.first_piece, window.used, window.skipped
    ((0, 10, 11, 12, 2, 30, 3), (1, 2), (1,), 1)
    >>> window = fill_window([[10], [11, 12]], [[20, 21, 22, 23], [30]], 9, marks, ends=[(2, 4), (1,)])
    >>> window.ids, window.used, window.cut
    ((0, 10, 11, 12, 2, 20, 21, 30, 3), (0, 1), (0,))
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
    cut: list[int] = []
    inside: list[int] = []
    cut_tokens = len(token_pieces) - len(first_piece)
    for position, pieces in enumerate(contexts):
        if cut_tokens:
            break
        length = len(pieces)
        if length > room:
            length = max((end for end in (ends[position] if ends else ()) if end <= room), default=0)
            if not length:
                continue
            cut.append(position)
        used.append(position)
        inside.extend(pieces[:length])
        room -= length
    if used:
        ids += [*specials.between, *inside]
    else:
        context_start = len(ids)
    ids += specials.end
    skipped = len(contexts) - len(used)
    return Window(tuple(ids), tuple(first_piece), context_start, tuple(used), skipped, cut_tokens, tuple(cut))


def count_windows(windows: Sequence[Window]) -> WindowCounts:
    """Sum up what the windows of a data set hold and leave out."""
    return WindowCounts(
        windows=len(windows),
        contexts=sum(len(window.used) + window.skipped for window in windows),
        skipped=sum(window.skipped for window in windows),
        windows_with_skipped=sum(window.skipped > 0 for window in windows),
        cut_sentences=sum(window.cut_tokens > 0 for window in windows),
        cut_tokens=sum(window.cut_tokens for window in windows),
        mean_pieces=sum(len(window.ids) for window in windows) / len(windows) if windows else 0.0,
        cut_contexts=sum(len(window.cut) for window in windows),
    )
