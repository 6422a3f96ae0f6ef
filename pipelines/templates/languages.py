"""Templates of other languages: texts, transliterations, names and origins of words, as Wikipedia shows them."""

from __future__ import annotations

from pipelines.templates.words import LANGUAGE_NAMES, Args, Rule, first_value, join_nonempty, language_name, positional

__all__ = ["RULES", "language_rule"]


def _lang(args: Args) -> str:
    """Show `{{lang|fr|x}}` as x. Source: Template:Lang."""
    return first_value(args, "2", "text", "1")


def _langx(args: Args) -> str:
    """Show `{{langx|fr|x}}` as 'French: x', with transliteration and meaning. Source: Template:Langx."""
    return _labelled(positional(args, 1), args, first=2)


def _labelled(code: str, args: Args, first: int) -> str:
    """Write a text after the name of its language. first: the place of the text among the arguments."""
    text = first_value(args, str(first), "text")
    if not text:
        return ""
    label = args.get("label", "")
    name = label or language_name(code)
    parts = [text]
    romanised = first_value(args, str(first + 1), "translit", "tr", "r")
    meaning = first_value(args, str(first + 2), "translation", "lit", "t")
    if romanised:
        parts.append(f"romanized: {romanised}")
    if meaning:
        parts.append(f"lit. '{meaning}'")
    if args.get("p"):  # Template:Lang-rus gives the pronunciation, too
        parts.append(f"IPA: [{args['p'].strip('[]')}]")
    shown = ", ".join(parts)
    return shown if not name or label == "none" else f"{name}: {shown}"


def _transliteration(args: Args) -> str:
    """Show `{{transl|ar|ALA|x}}` as x, the last positional argument. Source: Template:Transliteration."""
    return first_value(args, "3", "2", "text", "1")


def _nihongo(args: Args) -> str:
    """Show `{{nihongo|English|kanji|romaji|extra}}` as 'English (kanji, romaji, extra)'. Source: Template:Nihongo.

    >>> _nihongo({"1": "Tokyo Tower", "2": "東京タワー", "3": "Tōkyō tawā", "lead": "yes"})
    'Tokyo Tower (Japanese: 東京タワー, Hepburn: Tōkyō tawā)'
    """
    english, kanji, romaji = (positional(args, place) for place in (1, 2, 3))
    if args.get("lead") == "yes":  # in an introduction it names the language and the romanisation
        kanji = f"Japanese: {kanji}" if kanji else ""
        romaji = f"Hepburn: {romaji}" if romaji and english else romaji
    extra = first_value(args, "4", "extra")
    if not english:  # the romanisation leads then
        english, romaji = romaji, ""
    inner = join_nonempty(", ", kanji, romaji, extra)
    tail = first_value(args, "5", "extra2")
    return join_nonempty(" ", english, f"({inner})" if inner and english else inner, tail)


def _nihongo3(args: Args) -> str:
    """Show `{{nihongo3|English|kanji|romaji}}` as 'romaji (kanji, English)'. Source: Template:Nihongo3."""
    english, kanji, romaji = (positional(args, place) for place in (1, 2, 3))
    inner = join_nonempty(", ", kanji, english, first_value(args, "4", "extra"))
    return join_nonempty(" ", romaji, f"({inner})" if inner and romaji else inner)


_CHINESE = {"c": "Chinese", "s": "simplified Chinese", "t": "traditional Chinese", "p": "pinyin", "hp": "pinyin",
            "tp": "Tongyong Pinyin", "w": "Wade–Giles", "g": "Gwoyeu Romatzyh", "j": "Jyutping", "cy": "Cantonese Yale",
            "sl": "Sidney Lau", "poj": "Pe̍h-ōe-jī", "tl": "Tâi-lô", "zhu": "Zhuyin Fuhao", "l": "lit.",
            "tr": "trans."}  # fmt: skip
"""Argument of Template:Zh -> its label, in the order in which they are shown."""


def _chinese(args: Args) -> str:
    """Show `{{zh|c=北京|p=Běijīng}}` as 'Chinese: 北京; pinyin: Běijīng'. Source: Template:Zh.

    >>> _chinese({"t": "廣州", "s": "广州", "first": "t"}), _chinese({"c": "北京", "labels": "no"})
    ('traditional Chinese: 廣州; simplified Chinese: 广州', '北京')
    """
    order = list(_CHINESE)
    if "t" in args.get("first", ""):
        order[1], order[2] = "t", "s"
    if "j" in args.get("first", ""):
        order = [key for key in order if key not in ("j", "cy")]
        order[3:3] = ["j", "cy"]
    if args.get("s") and args.get("s") == args.get("t"):  # the same in both
        args = {**args, "c": args["s"], "s": "", "t": ""}
    is_labelled = args.get("labels", "").lower() not in ("no", "n", "off")
    parts = []
    for key in order:
        if value := args.get(key, ""):
            text = f"'{value}'" if key in ("l", "tr") else value
            mark = " " if key in ("l", "tr") else ": "
            parts.append(f"{_CHINESE[key]}{mark}{text}" if is_labelled else text)
    return "; ".join(parts) or first_value(args, "1")


def _korean(args: Args) -> str:
    """Show `{{korean|hangul=한글|rr=hangeul}}` as 'Korean: 한글; RR: hangeul'. Source: Template:Korean."""
    values = (
        ("Korean", first_value(args, "hangul", "1")),
        ("Hanja", first_value(args, "hanja", "2")),
        ("RR", first_value(args, "rr", "3")),
        ("MR", first_value(args, "mr", "4")),
    )
    parts = [f"{label}: {value}" for label, value in values if value]
    if args.get("labels", "").lower() == "no":
        parts = [value for _, value in values if value]
    return join_nonempty("; ", *parts, f"lit. '{args['lit']}'" if args.get("lit") else "")


def _native_name(args: Args) -> str:
    """Show `{{native name|fr|x}}` as 'x (French)'. Source: Template:Native name."""
    text, name = positional(args, 2), language_name(positional(args, 1))
    return join_nonempty(" ", text, f"({name})" if text and name else "")


def _show_second(args: Args) -> str:
    """Show `{{script|Goth|x}}` as x. Source: Template:Script."""
    return first_value(args, "2", "1")


def _show_first(args: Args) -> str:
    """Show `{{nastaliq|x}}` as x. Source: Template:Nastaliq."""
    return first_value(args, "1", "2")


def _language_icon(args: Args) -> str:
    """Show `{{in lang|fr}}` as '(in French)'. Source: Template:In lang."""
    name = language_name(positional(args, 1))
    return f"(in {name})" if name else ""


def _origin(args: Args) -> str:
    """Show `{{etymology|la|albedo|whiteness}}` as "from Latin albedo 'whiteness'". Source: Template:Etymology.

    >>> _origin({"1": "grc", "2": "a", "3": "x", "4": "b", "5": "y"})
    "from Ancient Greek a 'x' and b 'y'"
    """
    words = []
    for place in range(2, 12, 2):
        word, meaning = positional(args, place), positional(args, place + 1)
        if word or meaning:
            words.append(join_nonempty(" ", word, f"'{meaning}'" if meaning else ""))
    return join_nonempty(" ", "from", language_name(positional(args, 1)), " and ".join(words)) if words else ""


def _literal(args: Args) -> str:
    """Show `{{literally|young people}}` as "lit. 'young people'". Source: Template:Literal translation."""
    meanings = [f"'{positional(args, place)}'" for place in range(1, 5) if positional(args, place)]
    return f"lit. {' or '.join(meanings)}" if meanings else ""


def _two_scripts(first: str, second: str) -> Rule:
    """Show `{{lang-sr-Cyrl-Latn|Београд|Beograd}}` with the name of each script. Source: Template:Lang-sr-Cyrl-Latn."""

    def rule(args: Args) -> str:
        texts = ((first, positional(args, 1)), (second, positional(args, 2)))
        return join_nonempty(", ", *(f"{label}: {text}" for label, text in texts if text))

    return rule


def language_rule(name: str) -> Rule | None:
    """Find the rule of a template whose name ends in a language code.

    Args:
        name: normalised template name, for instance `lang-fr`, `script/arabic`, `fr icon`.

    Returns:
        The rule, or None where the name belongs to no such family.

    Source: Category:Lang-x templates, Category:Script formatting templates.

    >>> language_rule("lang-fr")({"1": "Bonjour"})
    'French: Bonjour'
    """
    head, dash, code = name.partition("-")
    if dash and head == "lang":
        return lambda args: _labelled(code, args, first=1)
    if name.startswith("script/"):
        return _show_first
    if name.endswith((" icon", "-icon")) and name[:-5] in LANGUAGE_NAMES:
        return lambda _args: ""
    return None


RULES: dict[str, Rule] = {
    "angle ipa": lambda args: f"⟨{first_value(args, '1')}⟩",
    "etymology": _origin,
    "hebrew": _show_first,
    "iast": _show_first,
    "in lang": _language_icon,
    "korean": _korean,
    "lang": _lang,
    "langx": _langx,
    "lang-sr-cyrl-latn": _two_scripts("Serbian Cyrillic", "Serbian Latin"),
    "lang-sr-latn-cyrl": _two_scripts("Serbian Latin", "Serbian Cyrillic"),
    "linktext": lambda args: join_nonempty("", *(positional(args, place) for place in range(1, 10))),
    "literally": _literal,
    "nastaliq": _show_first,
    "native name": _native_name,
    "nihongo": _nihongo,
    "nihongo foot": lambda args: first_value(args, "1", "3", "2"),
    "nihongo2": _show_first,
    "nihongo3": _nihongo3,
    "nq": _show_first,
    "okina": lambda _args: "ʻ",
    "polytonic": _show_first,
    "rtl-lang": _show_second,
    "script": _show_second,
    "transl": _transliteration,
    "unicode": _show_first,
    "wikt-lang": lambda args: first_value(args, "3", "2"),
    "zh": _chinese,
}
