"""Templates of other languages and of pronunciation, as the words that Wikipedia shows."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.templates.args import Args, Rule, first_value, join_nonempty, positional
from pipelines.templates.tables import DATA, read_table

__all__ = ["LANGUAGE_NAMES", "RULES", "language_rule"]

LANGUAGE_NAMES: Mapping[str, str] = read_table(DATA / "languages.tsv", 2, str)
"""Language code -> the name that Template:Langx shows. Source: Module:Lang/data, IANA subtag registry."""

_PHONEMES = read_table(DATA / "phonemes.tsv", 2, str)
"""Argument of Template:IPAc-en -> the sound that it shows, where they differ."""
_LABELS = {"pron": "pronounced", "ipa": "IPA:", "us": "US:", "uk": "UK:", "local": "locally", "also": "also",
           "usalso": "US also", "ukalso": "UK also", "lang": ""}  # fmt: skip


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
    name = label or LANGUAGE_NAMES.get(code.lower(), "")
    parts = [text]
    romanised = first_value(args, str(first + 1), "translit", "tr")
    meaning = first_value(args, str(first + 2), "translation", "lit")
    if romanised:
        parts.append(f"romanized: {romanised}")
    if meaning:
        parts.append(f"lit. '{meaning}'")
    shown = ", ".join(parts)
    return shown if not name or label == "none" else f"{name}: {shown}"


def _transliteration(args: Args) -> str:
    """Show `{{transl|ar|ALA|x}}` as x, the last positional argument. Source: Template:Transliteration."""
    return first_value(args, "3", "2", "text", "1")


def _nihongo(args: Args) -> str:
    """Show `{{nihongo|English|kanji|romaji|extra}}` as 'English (kanji, romaji, extra)'. Source: Template:Nihongo."""
    english, kanji, romaji = (positional(args, place) for place in (1, 2, 3))
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


def _chinese(args: Args) -> str:
    """Show `{{zh|c=北京|p=Běijīng}}` as 'Chinese: 北京; pinyin: Běijīng'. Source: Template:Zh."""
    labels = {"c": "Chinese", "s": "simplified Chinese", "t": "traditional Chinese", "p": "pinyin",
              "tp": "Tongyong Pinyin", "w": "Wade–Giles", "j": "Jyutping", "cy": "Cantonese Yale",
              "poj": "Pe̍h-ōe-jī", "l": "lit."}  # fmt: skip
    parts = []
    for key, label in labels.items():
        value = args.get(key, "")
        if value:
            parts.append(f"lit. '{value}'" if key == "l" else f"{label}: {value}")
    return "; ".join(parts) or first_value(args, "1")


def _korean(args: Args) -> str:
    """Show `{{korean|hangul=한글|rr=hangeul}}` as 'Korean: 한글; RR: hangeul'. Source: Template:Korean."""
    parts = [
        f"{label}: {args[key]}"
        for key, label in (("hangul", "Korean"), ("hanja", "Hanja"), ("rr", "RR"), ("mr", "MR"), ("lit", "lit."))
        if args.get(key)
    ]
    return "; ".join(parts) or first_value(args, "1")


def _ipa(args: Args) -> str:
    """Show the transcription of `{{IPA|/a/}}` or `{{IPA|fr|a}}`. Source: Template:IPA."""
    first, second = positional(args, 1), positional(args, 2)
    # The newer form names the language first, with or without a region: fr, pt-BR.
    if second and first.lower().split("-")[0] in LANGUAGE_NAMES:
        return _bracketed(second)
    return first


def _ipa_language(args: Args) -> str:
    """Show `{{IPA-fr|a|pron}}` as 'pronounced [a]'. Source: Template:IPA-fr and its family."""
    text, label = positional(args, 1), positional(args, 2).lower()
    return join_nonempty(" ", _LABELS.get(label, ""), _bracketed(text)) if text else ""


def _bracketed(text: str) -> str:
    """Put a transcription in brackets where the article gives none."""
    return text if text[:1] in "[/⟨" else f"[{text}]"


def _ipac_en(args: Args) -> str:
    """Show `{{IPAc-en|æ|l|ə}}` as /ælə/, one argument a phoneme. Source: Template:IPAc-en.

    >>> _ipac_en({"1": "ˌ", "2": "æ", "3": "l", "4": "ə"})
    '/ˌælə/'
    """
    phonemes: list[str] = []
    labels: list[str] = []
    place = 1
    # Labels come before the first sound only: behind it `us` is a sound that is written so.
    while (value := args.get(str(place))) is not None:
        key = value.lower()
        if not phonemes and key in _LABELS:
            labels.append(_LABELS[key])
        elif value:
            phonemes.append(_PHONEMES.get(value, value.replace("_", " ")))
        place += 1
    sounds = "".join(phonemes).strip()
    return join_nonempty(" ", *labels, f"/{sounds}/") if sounds else ""


def _ipac(args: Args) -> str:
    """Show `{{IPAc-fr|b|o}}` as [bo], one argument a phoneme. Source: Template:IPAc-fr and its family."""
    sounds = _ipac_en(args)
    return f"{sounds[:-1].replace('/', '[', 1)}]" if sounds else ""


def _respell(args: Args) -> str:
    """Show `{{respell|AL|ə|BAM|ə}}` as 'AL-ə-BAM-ə'; '_' is a blank. Source: Template:Respell."""
    syllables, place = [], 1
    while (value := args.get(str(place))) is not None:
        syllables.append(value)
        place += 1
    words = "-".join(syllable for syllable in syllables if syllable)
    # An argument `_` separates two words, and `_` inside an argument is a blank.
    return words.replace("-_-", " ").replace("_", " ")


def _native_name(args: Args) -> str:
    """Show `{{native name|fr|x}}` as 'x (French)'. Source: Template:Native name."""
    text, name = positional(args, 2), LANGUAGE_NAMES.get(positional(args, 1).lower(), "")
    return join_nonempty(" ", text, f"({name})" if text and name else "")


def _show_second(args: Args) -> str:
    """Show `{{script|Goth|x}}` as x. Source: Template:Script."""
    return first_value(args, "2", "1")


def _show_first(args: Args) -> str:
    """Show `{{nastaliq|x}}` as x. Source: Template:Nastaliq."""
    return first_value(args, "1", "2")


def _language_icon(args: Args) -> str:
    """Show `{{in lang|fr}}` as '(in French)'. Source: Template:In lang."""
    name = LANGUAGE_NAMES.get(positional(args, 1).lower(), "")
    return f"(in {name})" if name else ""


def language_rule(name: str) -> Rule | None:
    """Find the rule of a template whose name ends in a language code.

    Args:
        name: normalised template name, for instance `lang-fr`, `ipa-fr`, `ipac-pl`, `script/arabic`, `fr icon`.

    Returns:
        The rule, or None where the name belongs to no such family.

    Source: Category:Lang-x templates, Category:IPA templates, Category:Script formatting templates.

    >>> language_rule("lang-fr")({"1": "Bonjour"})
    'French: Bonjour'
    >>> language_rule("ipa-fr")({"1": "bɔ̃ʒuʁ"})
    '[bɔ̃ʒuʁ]'
    """
    head, dash, code = name.partition("-")
    if dash and head == "lang":
        return lambda args: _labelled(code, args, first=1)
    if dash and head == "ipac":
        return _ipac
    if dash and head == "ipa":
        return _ipa_language
    if name.startswith("script/"):
        return _show_first
    if name.endswith((" icon", "-icon")) and name[:-5] in LANGUAGE_NAMES:
        return lambda _args: ""
    return None


RULES: dict[str, Rule] = {
    "audio-ipa": _show_second,
    "angle ipa": lambda args: f"⟨{first_value(args, '1')}⟩",
    "hebrew": _show_first,
    "iast": _show_first,
    "in lang": _language_icon,
    "ipa": _ipa,
    "ipa all": lambda args: first_value(args, "1"),
    "ipa link": _show_first,
    "ipablink": lambda args: f"[{first_value(args, '1')}]" if first_value(args, "1") else "",
    "ipac-en": _ipac_en,
    "ipalink": _show_first,
    "ipaslink": lambda args: f"/{first_value(args, '1')}/" if first_value(args, "1") else "",
    "korean": _korean,
    "lang": _lang,
    "langx": _langx,
    "linktext": lambda args: join_nonempty("", *(positional(args, place) for place in range(1, 10))),
    "nastaliq": _show_first,
    "native name": _native_name,
    "nihongo": _nihongo,
    "nihongo foot": lambda args: first_value(args, "1", "3", "2"),
    "nihongo2": _show_first,
    "nihongo3": _nihongo3,
    "nq": _show_first,
    "okina": lambda _args: "ʻ",
    "polytonic": _show_first,
    "pronunciation": lambda args: first_value(args, "2", "3"),
    "respell": _respell,
    "rtl-lang": _show_second,
    "script": _show_second,
    "transl": _transliteration,
    "unicode": _show_first,
    "wikt-lang": lambda args: first_value(args, "3", "2"),
    "zh": _chinese,
}
