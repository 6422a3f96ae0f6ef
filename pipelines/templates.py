"""Inline templates as the prose that Wikipedia shows for them: one table from name to rule."""

from __future__ import annotations

import re

from pipelines import dates, flags, foreign_text, numerals, units
from pipelines.silent_templates import is_silent
from pipelines.template_args import Args, Rule, joined, listed, positional, superscript, text_of

__all__ = ["MAX_RENDERED_CHARS", "render"]

MAX_RENDERED_CHARS = 100_000
"""Longest text of one template; the rest is cut (a template that shows more is a page part, not inline)."""

_PREFIX = re.compile(r"^(?:template:|subst:|safesubst:|msgnw:|msg:|:)\s*")


def render(name: str, args: Args) -> str | None:
    """Give the wikitext that stands in the place of a template.

    Args:
        name: template name; case, underscores and runs of blanks do not matter.
        args: positional arguments under "1", "2", ... and named ones, stripped; inner templates rendered.

    Returns:
        The text to show; "" where the template is known and shows nothing in prose; None where it is unknown.

    Source: the documentation of each template on English Wikipedia, named at its rule.

    >>> render("convert", {"1": "330", "2": "mi"})
    '330 miles (530 km)'
    >>> render("citation needed", {"date": "May 2014"})
    ''
    >>> render("no such template", {}) is None
    True
    """
    key = _PREFIX.sub("", " ".join(name.replace("_", " ").lower().split()))
    rule = _RULES.get(key) or foreign_text.language_rule(key) or flags.ship_rule(key) or _magic_word(key)
    if rule is not None:
        return rule(args)[:MAX_RENDERED_CHARS]
    return "" if is_silent(key) else None


def _wrapped(args: Args) -> str:
    """Templates that only style their text: `{{nowrap|x}}`, `{{small|x}}`. Source: Template:Nowrap, Template:Small."""
    return text_of(args, "1", "text", "2")


def _second(args: Args) -> str:
    """Templates whose first argument is a style: `{{color|red|x}}`. Source: Template:Color, Template:Resize."""
    return text_of(args, "2", "1")


def _block(args: Args) -> str:
    """Quotations that stand as a paragraph: the text, a dash, who said it and where. Source: Template:Blockquote."""
    text = text_of(args, "1", "text", "quote", "quotetext")
    who = joined(", ", text_of(args, "2", "author", "sign", "by", "char"), text_of(args, "3", "source", "title"))
    return f"\n\n{text} — {who}\n\n" if text and who else f"\n\n{text}\n\n" if text else ""


def _pull_quote(args: Args) -> str:
    """`{{rquote|left|text|author|source}}`: the first argument is the side. Source: Template:Rquote."""
    if positional(args, 1).lower() in ("left", "right", "center", "centre", ""):
        args = {**args, "1": positional(args, 2), "2": positional(args, 3), "3": positional(args, 4)}
    return _block(args)


def _centre_quote(args: Args) -> str:
    """`{{cquote|text|||author|source}}`: sizes stand between. Source: Template:Cquote."""
    if not args.get("2") and not args.get("3"):
        args = {**args, "2": positional(args, 4), "3": positional(args, 5)}
    return _block(args)


def _poem(args: Args) -> str:
    """`{{poemquote|text|author|source}}` keeps its lines. Source: Template:Poem quote."""
    return _block({**args, "1": text_of(args, "1", "text").replace("\n", "<br>")})


def _bullets(args: Args) -> str:
    """`{{plainlist|...}}` and `{{ubl|a|b}}`: one item a line. Source: Template:Plainlist, Template:Unbulleted list."""
    items = listed(args)
    if len(items) == 1 and re.search(r"^\s*[*#]", items[0]):
        return f"\n{items[0]}\n"
    return "\n" + "\n".join(f"* {item}" for item in items) + "\n" if items else ""


def _columns(args: Args) -> str:
    """`{{columns-list|...}}` and `{{columns|col1=...}}` show their text. Source: Template:Columns-list, Columns."""
    texts = [args[key] for key in ("col1", "col2", "col3", "col4", "col5", "col6") if args.get(key)]
    text = "\n".join(texts) or text_of(args, "2" if re.fullmatch(r"\d+\w*|", positional(args, 1)) else "1", "1")
    return f"\n{text}\n" if text else ""


def _inline_list(args: Args) -> str:
    """`{{hlist|a|b}}` stands in one line; here with commas. Source: Template:Hlist."""
    items = listed(args)
    if len(items) == 1 and re.search(r"^\s*[*#]", items[0]):
        items = [line.strip("*# \t") for line in items[0].splitlines()]
    return joined(", ", *items)


def _interlanguage(args: Args) -> str:
    """`{{ill|title|de|foreign}}` shows its lt or title; the old order had the language first. Source: Template:Ill."""
    first = positional(args, 1)
    if first.lower() in foreign_text.LANGUAGE_NAMES and positional(args, 2):
        return text_of(args, "lt", "4", "3", "2")
    return text_of(args, "lt", "1")


def _section_link(args: Args) -> str:
    """`{{section link|Page|Part}}` shows 'Page § Part'. Source: Template:Section link."""
    sections = listed({str(place - 1): positional(args, place) for place in range(2, 7)})
    return joined(" ", positional(args, 1), f"§ {joined(', ', *sections)}" if sections else "")


def _quotation_mark(args: Args) -> str:
    """`{{'"}}`-like kerning templates show their marks. Source: Template:' "."""
    return "'\"" + positional(args, 1)


def _sort_name(args: Args) -> str:
    """`{{sortname|First|Last|link}}` shows 'First Last'. Source: Template:Sort name."""
    return joined(" ", positional(args, 1), positional(args, 2))


def _author_year(args: Args) -> str:
    """`{{harvtxt|Boolos|Jeffrey|1974}}` shows 'Boolos & Jeffrey (1974)'. Source: Template:Harvtxt."""
    *names, year = listed(args) or [""]
    who = joined(", ", *names[:-1]) + f" & {names[-1]}" if len(names) > 1 else joined("", *names)
    return joined(" ", who, f"({year})" if year else "")


def _verse(args: Args) -> str:
    """`{{bibleverse||James|5:14|NIV}}` shows 'James 5:14'. Source: Template:Bibleverse."""
    book = [positional(args, 1), positional(args, 2)]
    if re.match(r"\d", book[1]):
        return joined(" ", *book)
    return joined(" ", *book, positional(args, 3))


def _marriage(args: Args) -> str:
    """`{{marriage|name|1929|1979}}` shows 'name (m. 1929–1979)'. Source: Template:Marriage."""
    name, start, end = (positional(args, place) for place in (1, 2, 3))
    years = joined("–", start, end)
    return joined(" ", name, f"(m. {years})" if years else "")


def _sic(args: Args) -> str:
    """`{{sic|teh}}` shows 'teh [sic]', without text '[sic]', hidden nothing more. Source: Template:Sic."""
    text = joined("", positional(args, 1), positional(args, 2))
    return text if args.get("hide") in ("y", "yes") else joined(" ", text, "[sic]")


def _raised(args: Args) -> str:
    """`{{sup|2}}` shows a superscript. Source: Template:Sup."""
    return superscript(positional(args, 1))


def _constant(text: str) -> Rule:
    return lambda _args: text


def _between(before: str, after: str) -> Rule:
    """Templates that put marks around their text: `{{angbr|x}}` shows ⟨x⟩. Source: Template:Angbr."""
    return lambda args: f"{before}{text_of(args, '1')}{after}" if text_of(args, "1") else ""


def _repeated(args: Args) -> str:
    """`{{spaces|3}}` shows blanks, which are one blank in prose. Source: Template:Spaces."""
    return " "


def _keys(args: Args) -> str:
    """`{{keypress|Ctrl|C}}` shows 'Ctrl+C'. Source: Template:Keypress."""
    return joined("+", *listed(args))


def _music(args: Args) -> str:
    """`{{music|flat}}` shows ♭. Source: Template:Music."""
    signs = {"flat": "♭", "sharp": "♯", "natural": "♮", "b": "♭", "#": "♯", "doubleflat": "♭♭", "doublesharp": "𝄪"}
    return signs.get(positional(args, 1).lower(), positional(args, 1)) + positional(args, 2)


def _magic_word(name: str) -> Rule | None:
    """Find the rule of a magic word, whose first argument follows a colon in the name. Source: Help:Magic words."""
    head, colon, rest = name.partition(":")
    if not colon:
        return None
    rest = rest.strip()
    if head in ("lc", "uc", "ucfirst", "lcfirst", "padleft", "padright", "plural", "grammar", "int", "anchorencode"):
        return _constant({"uc": rest.upper(), "ucfirst": rest[:1].upper() + rest[1:]}.get(head, rest))
    if head == "formatnum":
        return _constant(numerals.with_commas(rest))
    if head in ("#if", "#ifexist"):
        return lambda args: text_of(args, "1") if rest else text_of(args, "2")
    if head.startswith("#") or head in ("defaultsort", "displaytitle", "ns", "fullurl", "localurl", "urlencode"):
        return _constant("")
    return None


_WRAPPERS = """
nowrap|nobr|nobreak|nobold|noitalic|normal|small|smaller|smallsup|big|bigger|large|larger|huge|x-larger|xx-larger|midsize|sc|sc2|smallcaps|small caps|smcap|aut|allcaps
strong|em|strongbad|bold|italic|i|b|u|ins|del|s|strike|underline|overline|overbar|mono|monospace|code|codett|tt|kbd|samp|var|dfn|tmath|mvar|math|bigmath|nomath|noindent|block indent|indented quote
blockindent|center|centre|centered|right|left|float right|floatright|float left|align right|wikilink|no wrap|nwr|nowrap2|avoid wrap|pre|pre2|pre3|longitem|small div|font|unbolded
unichar/char|nbay|notatypo|typo|not a typo|proper name|as written|text|visible anchor|vanchor|abbr|abbrv|tooltip|abbreviation|popup|hover title|h:title|define/abbr|tlc|mark|highlight
linear-gradient|dfn|sfrac-text|no italic|nonbold|plain text|delink|first word|first|trim|break words|wbr text|white|black|red|green|blue|yellow|orange|grey|gray|brown|purple|pink|maroon
run-on|isbn text|ship event|blue text|red text|sup sub|subsup text|font-size|script text|bq text|not bold|nonitalic|emphasis|legend text|ibr|lino|stack text|kbd text|dropinitial|shadow|interp|bracket|esc|lssub
"""
_SECOND = "color|colour|font color|font colour|fontcolor|fontcolour|resize|size|font size|fontsize|background color|bgcolor|bg|align|hs2|style|class|rotate|shy text|lang-size|colored link|colored text|coloredlink|color box text|link if exists text|title-text"  # noqa: E501
_BLOCKS = "quote|blockquote|bquote|quotation|block quote|quotebox|quote box|quote frame|blockquotation|long quotation|longquote|epigraph|verse translation text|quote1|imagequote|quotetext|qquote|bq|divquote"  # noqa: E501

_RULES: dict[str, Rule] = {name.strip(): _wrapped for name in _WRAPPERS.replace("\n", "|").split("|") if name.strip()}
_RULES |= dict.fromkeys(_SECOND.split("|"), _second)
_RULES |= dict.fromkeys(_BLOCKS.split("|"), _block)
_RULES |= {
    "'": _constant("'"), "'s": _constant("'s"), "' \"": _constant("'\""), "\" '": _constant("\"'"), "-\"": _constant("\""),
    "\"'": _constant("\"'"), "-'": _constant("'"), "'-": _constant("'"), "s'": _constant("s'"), "`": _constant("ʻ"),
    "!": _constant("|"), "!!": _constant("||"), "!-": _constant("|-"), "!(": _constant("["), ")!": _constant("]"), "(": _constant("{"), ")": _constant("}"), "((": _constant("{{"),
    "))": _constant("}}"), "=": _constant("="), "\\": _constant("/"), "pipe": _constant("|"), "bracket": _between("[", "]"), "brackets": _between("[", "]"),
    "nbsp": _constant(" "), "space": _constant(" "), "spaces": _repeated, "nbs": _constant(" "), "thinsp": _constant(" "), "thin space": _constant(" "), "hair space": _constant(""),
    "hsp": _constant(""), "zwsp": _constant(""), "nnbsp": _constant(" "), "figure space": _constant(" "), "gaps": lambda args: joined("", *listed(args)),
    "snd": _constant(" – "), "snds": _constant(" – "), "spnd": _constant(" – "), "sndash": _constant(" – "), "spaced ndash": _constant(" – "), "spaced en dash": _constant(" – "),
    "spaced en dash space": _constant(" – "), "ndash": _constant("–"), "endash": _constant("–"), "en dash": _constant("–"), "nsndns": _constant("–"), "mdash": _constant("—"), "mdashb": _constant("—"),
    "emdash": _constant("—"), "em dash": _constant("—"), "spaced mdash": _constant(" — "), "spaced em dash": _constant(" — "), "smd": _constant(" — "), "--": _constant("—"), "---": _constant("—"),
    "dot": _constant(" · "), "·": _constant(" · "), "middot": _constant(" · "), "bull": _constant(" • "), "bullet": _constant(" • "), "•": _constant(" • "), "\\\\": _constant(" / "), "slash": _constant("/"),
    "ellipsis": _constant("..."), "...": _constant("..."), "nb...": _constant("..."), "spaced ellipsis": _constant(". . ."), "shy": _constant(""), "hyphen": _constant("-"), "minus": _constant("−"),
    "dagger": _constant("†"), "double dagger": _constant("‡"), "double-dagger": _constant("‡"), "asterisk": _constant("*"), "hash-tag": _constant("#"), "em": _wrapped, "degree": _constant("°"), "pi": _constant("π"), "tau": _constant("τ"), "infinity": _constant("∞"),
    "radic": _between("√", ""), "sqrt": _between("√", ""), "abs": _between("|", "|"), "langle": _constant("⟨"), "rangle": _constant("⟩"), "bra": _between("⟨", "|"), "ket": _between("|", "⟩"), "norm": _between("‖", "‖"),
    "angbr": _between("⟨", "⟩"), "angle bracket": _between("⟨", "⟩"), "angbracket": _between("⟨", "⟩"), "angle brackets": _between("⟨", "⟩"), "grapheme": _between("⟨", "⟩"), "angbr ipa": _between("⟨", "⟩"),
    "char": _wrapped, "key": _keys, "key press": _keys, "keypress": _keys, "button": _wrapped, "music": _music, "flat": _constant("♭"), "sharp": _constant("♯"), "natural": _constant("♮"), "interpunct": _constant("·"),
    "sup": _raised, "sub": _wrapped, "su": lambda args: joined("", text_of(args, "b", "2"), superscript(text_of(args, "p", "1"))), "subsup": lambda args: joined("", positional(args, 1), positional(args, 2), superscript(positional(args, 3))),
    "qm": _constant("?"), "sic": _sic, "typo help inline": _wrapped, "not sic": _wrapped, "as is": _wrapped, "tq": _wrapped, "xt": _wrapped,
    "rquote": _pull_quote, "quote frame": _block, "pull quote": _centre_quote, "pullquote": _centre_quote, "cquote": _centre_quote, "poemquote": _poem, "poem quote": _poem, "poem": _poem, "verse": _poem,
    "plainlist": _bullets, "plain list": _bullets, "ubl": _bullets, "unbulleted list": _bullets, "unbulleted": _bullets, "bulleted list": _bullets, "blist": _bullets, "ordered list": _bullets, "vunblist": _bullets, "olist": _bullets,
    "flatlist": _inline_list, "flat list": _inline_list, "hlist": _inline_list, "horizontal list": _inline_list, "cslist": _inline_list, "comma separated entries": _inline_list, "csv": _inline_list, "enum": _inline_list, "collapsible list": lambda args: _bullets({k: v for k, v in args.items() if k.isdigit()}),
    "columns-list": _columns, "columns": _columns, "column list": _columns, "multi-column numbered list": _columns,
    "ill": _interlanguage, "interlanguage link": _interlanguage, "interlanguage link multi": _interlanguage, "link-interwiki": _interlanguage, "illm": _interlanguage, "red link": _wrapped,
    "section link": _section_link, "slink": _section_link, "sectionlink": _section_link, "see above": _between("see above: ", ""), "section": _between("§ ", ""), "sect": _between("§ ", ""),
    "sortname": _sort_name, "sort name": _sort_name, "sort": _second, "hs": _constant(""), "sortkey": _constant(""), "harvtxt": _author_year, "harvcoltxt": _author_year, "harvard citation text": _author_year,
    "bibleverse": _verse, "bibleref": _verse, "bibleref2": _verse, "bible": _verse, "marriage": _marriage, "flagathlete": _wrapped, "lj": _wrapped, "link": _wrapped, "l": _wrapped, "pagelist": _inline_list,
    "annotated link": _wrapped, "nom": _constant("Nominated"), "kia": _constant("†"), "pow": _constant("(POW)"), "aka": _constant("a.k.a."), "no": _constant("No."), "numero": _constant("No."), "yes": _constant("Yes"), "number sign": _constant("#"), "eqm": _constant(""),
    "langsa": _constant(""), "crossreference": _constant(""), "crossref": _constant(""), "xref": _constant(""), "cross-reference": _constant(""), "en icon": _constant(""),
}  # fmt: skip
for _more in (foreign_text.RULES, dates.RULES, numerals.RULES, units.RULES, flags.RULES):
    _RULES |= _more
