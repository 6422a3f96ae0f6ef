"""Templates that stand for one mark, put marks around their text, or only style it."""

from __future__ import annotations

from pipelines.templates.args import Args, Rule, positional, superscript, text_of

__all__ = ["RULES"]

_STYLES = """
abbr|abbreviation|abbrv|align right|allcaps|annotated link|as is|as written|aut|avoid wrap|b|big|bigger|bigmath
black|block indent|blockindent|blue|blue text|bold|bq text|bracket|break words|brown|button|center|centered
centre|char|code|codett|define/abbr|del|delink|dfn|dropinitial|em|emphasis|esc|first|first word|flagathlete
float left|float right|floatright|font|font-size|gray|green|grey|h:title|highlight|hover title|huge|i|ibr
indented quote|ins|interp|isbn text|italic|kbd|kbd text|l|large|larger|left|legend text|linear-gradient|link
lino|lj|longitem|lssub|mark|maroon|math|midsize|mono|monospace|mvar|nbay|no italic|no wrap|nobold|nobr|nobreak
noindent|noitalic|nomath|nonbold|nonitalic|normal|not a typo|not bold|not sic|notatypo|nowrap|nowrap2|nwr|orange
overbar|overline|pink|plain text|popup|pre|pre2|pre3|proper name|purple|red|red link|red text|right|run-on|s
samp|sc|sc2|script text|sfrac-text|shadow|ship event|small|small caps|small div|smallcaps|smaller|smallsup|smcap
stack text|strike|strong|strongbad|sub|subsup text|sup sub|text|tlc|tmath|tooltip|tq|trim|tt|typo
typo help inline|u|unbolded|underline|unichar/char|vanchor|var|visible anchor|wbr text|white|wikilink|x-larger
xt|xx-larger|yellow
"""
_STYLES_WITH_VALUE = """
align|background color|bg|bgcolor|class|color|color box text|colored link|colored text|coloredlink|colour
font color|font colour|font size|fontcolor|fontcolour|fontsize|hs2|lang-size|link if exists text|resize|rotate
shy text|size|sort|style|title-text
"""
_MARKS = {
    "'": (
        "'",
        "-'",
        "'-",
    ),
    "'s": ("'s",),
    "'\"": ("' \"",),
    "\"'": (
        "\" '",
        "\"'",
    ),
    '"': ('-"',),
    "s'": ("s'",),
    "ʻ": ("`",),
    "|": (
        "!",
        "pipe",
    ),
    "||": ("!!",),
    "|-": ("!-",),
    "[": ("!(",),
    "]": (")!",),
    "{": ("(",),
    "}": (")",),
    "{{": ("((",),
    "}}": ("))",),
    "=": ("=",),
    " / ": (
        "\\",
        "\\\\",
    ),
    "/": ("slash",),
    " ": (
        "nbsp",
        "space",
        "spaces",
        "nbs",
        "thinsp",
        "thin space",
        "nnbsp",
        "figure space",
    ),
    "": (
        "hair space",
        "hsp",
        "zwsp",
        "shy",
        "hs",
        "sortkey",
        "langsa",
        "crossreference",
        "crossref",
        "xref",
        "cross-reference",
        "en icon",
    ),
    " – ": (
        "snd",
        "snds",
        "spnd",
        "sndash",
        "spaced ndash",
        "spaced en dash",
        "spaced en dash space",
    ),
    "–": (
        "ndash",
        "endash",
        "en dash",
        "nsndns",
    ),
    "—": (
        "mdash",
        "mdashb",
        "emdash",
        "em dash",
        "--",
        "---",
    ),
    " — ": (
        "spaced mdash",
        "spaced em dash",
        "smd",
    ),
    " · ": (
        "dot",
        "·",
        "middot",
    ),
    " • ": (
        "bull",
        "bullet",
        "•",
    ),
    "...": (
        "ellipsis",
        "...",
        "nb...",
    ),
    ". . .": ("spaced ellipsis",),
    "-": ("hyphen",),
    "−": ("minus",),
    "†": (
        "dagger",
        "kia",
    ),
    "‡": (
        "double dagger",
        "double-dagger",
    ),
    "*": ("asterisk",),
    "#": (
        "hash-tag",
        "number sign",
    ),
    "°": ("degree",),
    "π": ("pi",),
    "τ": ("tau",),
    "∞": ("infinity",),
    "⇌": ("eqm",),
    "⟨": ("langle",),
    "⟩": ("rangle",),
    "♭": ("flat",),
    "♯": ("sharp",),
    "♮": ("natural",),
    "·": ("interpunct",),
    "?": ("qm",),
    "C": ("carbon",),
    "H": ("hydrogen",),
    "N": ("nitrogen",),
    "O": ("oxygen",),
    "Nominated": ("nom",),
    "(POW)": ("pow",),
    "a.k.a.": ("aka",),
    "No.": (
        "numero",
        "no.",
    ),
    "Yes": ("yes",),
    "No": ("no",),
}
"""What is shown, and the templates that show it. Source: Category:Typing-aid templates, Template:Spaced en dash."""
_AROUND = {
    ("[", "]"): (
        "bracket",
        "brackets",
    ),
    ("'", "'"): ("gloss",),
    ("√", ""): (
        "radic",
        "sqrt",
    ),
    ("|", "|"): ("abs",),
    ("⟨", "|"): ("bra",),
    ("|", "⟩"): ("ket",),
    ("‖", "‖"): ("norm",),
    ("⟨", "⟩"): (
        "angbr",
        "angle bracket",
        "angbracket",
        "angle brackets",
        "grapheme",
        "gph",
        "angbr ipa",
    ),
    ("see above: ", ""): ("see above",),
    ("§ ", ""): (
        "section",
        "sect",
    ),
}
"""Marks before and after the text. Source: Template:Angbr, Template:Bracket, Template:Radic."""


def _styled(args: Args) -> str:
    """`{{nowrap|x}}` and `{{small|x}}` show x. Source: Template:Nowrap, Template:Small."""
    return text_of(args, "1", "text", "2")


def _styled_with_value(args: Args) -> str:
    """`{{color|red|x}}` shows x: the style comes first. Source: Template:Color, Template:Resize."""
    return text_of(args, "2", "1")


def _constant(text: str) -> Rule:
    return lambda _args: text


def _between(before: str, after: str) -> Rule:
    return lambda args: f"{before}{text_of(args, '1')}{after}" if text_of(args, "1") else ""


def _raised(args: Args) -> str:
    """`{{sup|2}}` shows a superscript. Source: Template:Sup."""
    return superscript(positional(args, 1))


def _raised_and_lowered(args: Args) -> str:
    """`{{su|p=2|b=i}}` shows both; the lower one comes first. Source: Template:Su."""
    return text_of(args, "b", "2") + superscript(text_of(args, "p", "1"))


def _lowered_and_raised(args: Args) -> str:
    """`{{subsup|x|i|2}}` shows xi². Source: Template:Subsup."""
    return positional(args, 1) + positional(args, 2) + superscript(positional(args, 3))


def _names(text: str) -> list[str]:
    return text.strip().replace("\n", "|").split("|")


RULES: dict[str, Rule] = {
    **dict.fromkeys(_names(_STYLES), _styled),
    **dict.fromkeys(_names(_STYLES_WITH_VALUE), _styled_with_value),
    **{name: _constant(mark) for mark, names in _MARKS.items() for name in names},
    **{name: _between(*marks) for marks, names in _AROUND.items() for name in names},
    "su": _raised_and_lowered,
    "subsup": _lowered_and_raised,
    "sup": _raised,
}
