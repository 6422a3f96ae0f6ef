"""Arithmetic of the parser function #expr, with bounds on its length, depth and numbers."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable

__all__ = ["evaluate", "number_of_expression"]

_MAX_CHARS = 400
_MAX_DEPTH = 20
_TOKEN = re.compile(r"\s*(?:([0-9]+\.?[0-9]*|\.[0-9]+)|([a-z]+)|(<=|>=|<>|!=|[-+*/^=<>()−×÷]))")
_Value = float


def _power(base: _Value, exponent: _Value) -> _Value:
    result = base**exponent if abs(exponent) <= 1000 else math.nan
    return result if isinstance(result, float) else math.nan  # a root of a negative number is complex


def _rounded(value: _Value, places: _Value) -> _Value:
    """Round halves away from zero, as PHP does."""
    scale = 10.0 ** max(min(int(places), 15), -15)
    return math.copysign(math.floor(abs(value) * scale + 0.5) / scale, value)


_BINARY: dict[str, tuple[int, Callable[[_Value, _Value], _Value]]] = {
    "or": (1, lambda a, b: float(bool(a) or bool(b))),
    "and": (2, lambda a, b: float(bool(a) and bool(b))),
    "=": (3, lambda a, b: float(a == b)),
    "<>": (3, lambda a, b: float(a != b)),
    "!=": (3, lambda a, b: float(a != b)),
    "<": (3, lambda a, b: float(a < b)),
    ">": (3, lambda a, b: float(a > b)),
    "<=": (3, lambda a, b: float(a <= b)),
    ">=": (3, lambda a, b: float(a >= b)),
    "round": (4, _rounded),
    "+": (5, operator.add),
    "-": (5, operator.sub),
    "−": (5, operator.sub),
    "*": (6, operator.mul),
    "×": (6, operator.mul),
    "/": (6, operator.truediv),
    "÷": (6, operator.truediv),
    "div": (6, operator.truediv),
    "mod": (6, lambda a, b: math.fmod(int(a), int(b))),
    "fmod": (6, math.fmod),
    "^": (7, _power),
    "e": (8, lambda a, b: a * _power(10.0, b)),
}
"""Operator -> how tightly it binds, and what it does. Source: Help:Calculation, ExprParser.php."""
_UNARY: dict[str, Callable[[_Value], _Value]] = {
    "+": lambda a: a,
    "-": operator.neg,
    "−": operator.neg,
    "not": lambda a: float(not a),
    "abs": abs,
    "ceil": lambda a: float(math.ceil(a)),
    "floor": lambda a: float(math.floor(a)),
    "trunc": lambda a: float(math.trunc(a)),
    "sqrt": math.sqrt,
    "exp": math.exp,
    "ln": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
}
_CONSTANTS = {"pi": math.pi, "e": math.e}


def evaluate(text: str) -> str:
    """Evaluate an expression as MediaWiki writes the result, or '' where it is wrong or out of bounds.

    >>> evaluate("2+3"), evaluate("(1 + 2) * 3 / 4"), evaluate("10/3 round 2"), evaluate("2 > 1 and 3 = 4")
    ('5', '2.25', '3.33', '0')
    >>> evaluate("1/0"), evaluate("9^999"), evaluate("two")
    ('', '', '')
    """
    value = number_of_expression(text)
    if value is None:
        return ""
    shown = f"{value:.14g}".replace("e", "E")
    return "0" if shown == "-0" else shown


def number_of_expression(text: str) -> float | None:
    """Evaluate an expression; None where it is wrong or out of bounds.

    >>> number_of_expression("6 mod 4"), number_of_expression("((1)")
    (2.0, None)
    """
    if len(text) > _MAX_CHARS:
        return None
    tokens, at = [], 0
    text = text.lower().strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            return None
        tokens.append(match[1] or match[2] or match[3])
        at = match.end()
    try:
        reader = _Reader(tokens)
        value = reader.expression(0, 0)
        return value if not reader.tokens and math.isfinite(value) else None
    except (ArithmeticError, ValueError, IndexError, KeyError):
        return None


class _Reader:
    """Reads tokens from the front by precedence."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens[::-1]

    def expression(self, least: int, depth: int) -> float:
        """Read operands as long as the operators between them bind at least so tightly."""
        value = self._operand(depth)
        while self.tokens and (found := _BINARY.get(self.tokens[-1])) and found[0] >= least:
            self.tokens.pop()
            value = float(found[1](value, self.expression(found[0] + 1, depth + 1)))
        return value

    def _operand(self, depth: int) -> float:
        if depth > _MAX_DEPTH:
            raise ValueError("the expression is too deep")
        word = self.tokens.pop()
        if word == "(":
            value = self.expression(0, depth + 1)
            if self.tokens.pop() != ")":
                raise ValueError("a parenthesis is not closed")
            return value
        if word[0].isdigit() or word[0] == ".":
            return float(word)
        if word in _CONSTANTS:
            return _CONSTANTS[word]
        return float(_UNARY[word](self._operand(depth + 1)))
