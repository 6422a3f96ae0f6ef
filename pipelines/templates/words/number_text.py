"""Numbers as Wikipedia writes them: with commas, with a power of ten, in words."""

from __future__ import annotations

import re

from pipelines.templates.words.args import superscript

__all__ = ["MINUS", "in_words", "ordinal", "ordinal_in_words", "raised_power", "with_commas"]

MINUS = "−"
_NUMBER = re.compile(r"([+\-−]?)([0-9][0-9,]*|)(\.[0-9]+)?")
_SMALL = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
          "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_LARGE = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"))
_MAX_IN_WORDS = 10**15
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
             "twelve": "twelfth"}  # fmt: skip


def with_commas(text: str) -> str:
    """Group the digits of a number by three, as MediaWiki's formatnum does; other text stays as it is.

    >>> with_commas("1234567.25"), with_commas("-1200"), with_commas("12 to 15"), with_commas("1066")
    ('1,234,567.25', '−1,200', '12 to 15', '1,066')
    """
    match = _NUMBER.fullmatch(text.strip())
    if not match or not (match[2] or match[3]) or len(text) > 100:
        return text.strip()
    digits = match[2].replace(",", "")
    grouped = re.sub(r"(?<=[0-9])(?=(?:[0-9]{3})+$)", ",", digits) or "0"
    return match[1].replace("-", MINUS) + grouped + (match[3] or "")


def raised_power(exponent: str) -> str:
    """Write an exponent raised, or after a caret where it has other characters than digits and signs.

    >>> raised_power("-24"), raised_power("n")
    ('⁻²⁴', '^n')
    """
    digits = exponent.replace("-", MINUS)
    raised = superscript(digits)
    return raised if raised != digits else f"^{digits}"


def ordinal(number: str) -> str:
    """Write a whole number as an ordinal; other text stays as it is.

    >>> [ordinal(number) for number in ("1", "12", "23", "x")]
    ['1st', '12th', '23rd', 'x']
    """
    if not re.fullmatch(r"[0-9]+", number):
        return number
    # 11th, 12th and 13th, but 21st.
    ending = "th" if number[-2:-1] == "1" else {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
    return number + ending


def in_words(number: int, *, with_and: bool = True) -> str:
    """Write a whole number in words, or in digits where it is too large. Source: Template:Number to word.

    >>> in_words(5), in_words(-42), in_words(1203), in_words(1203, with_and=False)
    ('five', 'minus forty-two', 'one thousand two hundred and three', 'one thousand two hundred three')
    """
    if abs(number) >= _MAX_IN_WORDS:
        return with_commas(str(number))
    if number < 0:
        return f"minus {in_words(-number, with_and=with_and)}"
    for size, word in _LARGE:
        if number >= size:
            high = f"{in_words(number // size, with_and=with_and)} {word}"
            rest = number % size
            joint = " and " if with_and and rest < 100 else " "
            return high + (joint + in_words(rest, with_and=with_and) if rest else "")
    if number >= 100:
        rest = number % 100
        return f"{_SMALL[number // 100]} hundred" + ((" and " if with_and else " ") + in_words(rest) if rest else "")
    if number < 20:
        return _SMALL[number]
    return _TENS[number // 10] + (f"-{_SMALL[number % 10]}" if number % 10 else "")


def ordinal_in_words(number: int) -> str:
    """Write an ordinal in words. Source: Template:Ordinal to word.

    >>> ordinal_in_words(5), ordinal_in_words(20), ordinal_in_words(31)
    ('fifth', 'twentieth', 'thirty-first')
    """
    words = in_words(number)
    head, mark, last = re.fullmatch(r"(.*?)([ -]?)([^ -]*)", words, re.DOTALL).groups()  # type: ignore[union-attr]
    if not last[-1:].isalpha():
        return ordinal(str(number))
    ending = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th")
    return head + mark + ending
