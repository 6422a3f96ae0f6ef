"""The grammar of a text over the pieces of a tokenizer: which piece may come next, for a model that was pretrained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from trainer.model.formats import END, Grammar, State, Symbol

__all__ = ["PieceGrammar", "prefix_function", "symbol_pieces"]


class _Place(NamedTuple):
    """Where a text of pieces may be: a state of the grammar, and the pieces that its next symbol still lacks."""

    state: State
    rest: tuple[int, ...]


def symbol_pieces(tokenizer: Any, text: str) -> tuple[int, ...]:
    """Return the pieces of a fixed text, a word or a token, as they stand behind a blank."""
    pieces = tokenizer(" " + text.strip(), add_special_tokens=False)["input_ids"]
    return tuple(pieces) or (int(tokenizer.unk_token_id),)


class PieceGrammar:
    """The pieces that may come next in a text of a grammar.

    Several symbols may begin with one piece (`New`, `New York`), so a text may be at several places at once.

    Args:
        grammar: of one sample.
        tokens: of the sample.
        tokenizer: of the model.
        end: the piece after the last one.
    """

    def __init__(self, grammar: Grammar, tokens: Sequence[str], tokenizer: Any, end: int) -> None:
        self.grammar, self.end = grammar, end
        self._tokens = [symbol_pieces(tokenizer, token) for token in tokens]
        self._words: dict[str, tuple[int, ...]] = {}
        self._tokenizer = tokenizer
        self._seen: dict[tuple[int, ...], frozenset[_Place]] = {(): self._opened({_Place(grammar.start(), ())})}

    def allowed(self, pieces: Sequence[int]) -> list[int]:
        """Return the pieces that may come next, ascending; END's piece again where the text is over or none may."""
        places = self._places(tuple(pieces))
        return sorted({place.rest[0] for place in places}) or [self.end]

    def symbols(self, pieces: Sequence[int]) -> list[Symbol]:
        """Return the symbols of a text of pieces: of several readings the one whose copies come first.

        Raises:
            ValueError: the pieces are no text of the grammar, or END is lacking.
        """
        found = self._read(tuple(pieces), self.grammar.start())
        if found is None:
            raise ValueError("no text of the grammar")
        return found

    def _read(self, pieces: tuple[int, ...], state: State) -> list[Symbol] | None:
        if END in self.grammar.allowed(state).words and pieces == (self.end,):
            return []
        for symbol, own in self._next(state):
            if symbol != END and own and pieces[: len(own)] == own:
                rest = self._read(pieces[len(own) :], self.grammar.step(state, symbol))
                if rest is not None:
                    return [symbol, *rest]
        return None

    def _places(self, pieces: tuple[int, ...]) -> frozenset[_Place]:
        if pieces not in self._seen:
            before = self._places(pieces[:-1])
            moved = {_Place(place.state, place.rest[1:]) for place in before if place.rest[0] == pieces[-1]}
            self._seen[pieces] = self._opened(moved)
        return self._seen[pieces]

    def _opened(self, places: Iterable[_Place]) -> frozenset[_Place]:
        """Return places in which the next symbol has begun: those between two symbols become one for each symbol."""
        found: set[_Place] = set()
        for place in places:
            if place.rest:
                found.add(place)
                continue
            for symbol, own in self._next(place.state):
                found.add(_Place(self.grammar.step(place.state, symbol), own))
        return frozenset(found)

    def _next(self, state: State) -> list[tuple[Symbol, tuple[int, ...]]]:
        allowed = self.grammar.allowed(state)
        symbols: list[Symbol] = [*sorted(allowed.copies), *sorted(allowed.words)]
        return [(symbol, self._pieces(symbol)) for symbol in symbols]

    def _pieces(self, symbol: Symbol) -> tuple[int, ...]:
        if isinstance(symbol, int):
            return self._tokens[symbol]
        if symbol == END:
            return (self.end,)
        if symbol not in self._words:
            self._words[symbol] = symbol_pieces(self._tokenizer, symbol)
        return self._words[symbol]


def prefix_function(grammars: Sequence[PieceGrammar], skipped: int) -> Callable[[int, Any], list[int]]:
    """Return transformers' `prefix_allowed_tokens_fn` for a batch.

    Args:
        grammars: of each sample.
        skipped: pieces before the answer: the decoder's first one, or the whole prompt of a causal model.
    """

    def allowed(row: int, ids: Any) -> list[int]:
        return grammars[row].allowed([int(piece) for piece in ids[skipped:]])

    return allowed
