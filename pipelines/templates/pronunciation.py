"""Templates of pronunciation: transcriptions with the words before them, sound by sound, and respellings."""

from __future__ import annotations

from pipelines.templates.words import (
    DATA,
    LANGUAGE_NAMES,
    Args,
    Rule,
    first_value,
    join_nonempty,
    language_name,
    positional,
    read_table,
)

__all__ = ["RULES", "pronunciation_rule"]

_PHONEMES = read_table(DATA / "phonemes.tsv", 2, str)
"""Argument of Template:IPAc-en -> the sound that it shows, where they differ."""
_LABELS = read_table(DATA / "pronunciation_labels.tsv", 2, str)
"""Label of a transcription -> the words before it, in which $1 is the name of the language."""
_NO_LABEL = frozenset({"-", "–", "", "none", "no"})


def _ipa(args: Args) -> str:
    """Show `{{IPA|/a/}}` as '/a/', and `{{IPA|fr|paʁi}}` as 'French pronunciation: [paʁi]'. Source: Template:IPA.

    >>> _ipa({"1": "fr", "2": "paʁi", "3": "lang"}), _ipa({"1": "es", "2": "a", "label": "Latin American:"})
    ('French: [paʁi]', 'Latin American: [a]')
    """
    first, second = positional(args, 1), positional(args, 2)
    # The newer form names the language first, with or without a region: fr, pt-BR.
    if second and first.lower().split("-")[0] in LANGUAGE_NAMES:
        return _labelled(first, second, args, place=3)
    return first


def _language_ipa(code: str) -> Rule:
    """Show `{{IPA-fr|a|pron}}` as 'pronounced [a]'. Source: Template:IPA-fr and its family."""
    return lambda args: _labelled(code, positional(args, 1), args, place=2)


def _labelled(code: str, text: str, args: Args, place: int) -> str:
    """Write a transcription after the words that its label asks for. place: of the label among the arguments."""
    if not text:
        return ""
    if "label" in args:
        label = args["label"]
    elif args.get(str(place), "pronunciation").strip().lower() in _NO_LABEL:
        label = ""
    else:
        label = "IPA:" if code == "all" else _label(args.get(str(place), "pronunciation"), language_name(code))
    return join_nonempty(" ", label, _bracketed(text))


def _label(name: str, language: str) -> str:
    """Return the words of a label; '' where they need a language whose name is unknown, or it is no label.

    >>> _label("lang", "French"), _label("local", ""), _label("lang", ""), _label("x.ogg", "French")
    ('French:', 'locally', '', '')
    """
    words = _LABELS.get(name.strip().lower(), "")
    return "" if "$1" in words and not language else words.replace("$1", language)


def _bracketed(text: str) -> str:
    """Put a transcription in brackets where the article gives none."""
    return text if text[:1] in "[/⟨" else f"[{text}]"


def _ipac_en(args: Args) -> str:
    """Show `{{IPAc-en|æ|l|ə}}` as /ælə/, one argument a phoneme. Source: Template:IPAc-en.

    >>> _ipac_en({"1": "ˌ", "2": "æ", "3": "l", "4": "ə"}), _ipac_en({"1": "lang", "2": "p"})
    ('/ˌælə/', 'English: /p/')
    """
    return _sound_by_sound(args, "English", "/", "/")


def _sound_by_sound(args: Args, language: str, opening: str, closing: str) -> str:
    """Write labels and sounds, one argument each."""
    phonemes: list[str] = []
    labels: list[str] = []
    place = 1
    # Labels come before the first sound only: behind it `us` is a sound that is written so.
    while (value := args.get(str(place))) is not None:
        if not phonemes and value.lower() in _LABELS:
            labels.append(_label(value, language))
        elif value and (phonemes or value.lower() not in ("-", "icon")):
            phonemes.append(_PHONEMES.get(value, value.replace("_", " ")))
        place += 1
    sounds = "".join(phonemes).strip()
    return join_nonempty(" ", *labels, f"{opening}{sounds}{closing}") if sounds else ""


def _ipac(code: str) -> Rule:
    """Show `{{IPAc-fr|b|o}}` as [bo], one argument a phoneme. Source: Template:IPAc-fr and its family."""
    return lambda args: _sound_by_sound(args, language_name(code), "[", "]")


def _respell(args: Args) -> str:
    """Show `{{respell|AL|ə|BAM|ə}}` as 'AL-ə-BAM-ə'; '_' is a blank. Source: Template:Respell."""
    syllables, place = [], 1
    while (value := args.get(str(place))) is not None:
        syllables.append(value)
        place += 1
    words = "-".join(syllable for syllable in syllables if syllable)
    # An argument `_` separates two words, and `_` inside an argument is a blank.
    return words.replace("-_-", " ").replace("_", " ")


def _pronounced(args: Args) -> str:
    """Show `{{pron-en|ˈæ}}` as 'pronounced /ˈæ/'. Source: Template:Pron-en."""
    text = positional(args, 1)
    return f"pronounced {text if text[:1] in '[/' else f'/{text}/'}" if text else ""


def _show_first(args: Args) -> str:
    """Show `{{IPA link|a}}` as a. Source: Template:IPA link."""
    return first_value(args, "1", "2")


def pronunciation_rule(name: str) -> Rule | None:
    """Find the rule of a template whose name ends in the code of the language: `ipa-fr`, `ipac-pl`.

    Source: Category:IPA templates.

    >>> pronunciation_rule("ipa-fr")({"1": "paʁi", "2": "lang"}), pronunciation_rule("ipac-pl")({"1": "a"})
    ('French: [paʁi]', '[a]')
    """
    head, dash, code = name.partition("-")
    if not dash:
        return None
    return _ipac(code) if head == "ipac" else _language_ipa(code) if head == "ipa" else None


RULES: dict[str, Rule] = {
    "audio-ipa": lambda args: first_value(args, "2", "1"),
    "ipa": _ipa,
    "ipa all": lambda args: first_value(args, "1"),
    "ipa link": _show_first,
    "ipablink": lambda args: f"[{first_value(args, '1')}]" if first_value(args, "1") else "",
    "ipac-en": _ipac_en,
    "ipalink": _show_first,
    "ipaslink": lambda args: f"/{first_value(args, '1')}/" if first_value(args, "1") else "",
    "pronounced": _pronounced,
    "pronunciation": lambda args: first_value(args, "2", "3"),
    "respell": _respell,
}
