"""Templates of other languages and of pronunciation, as the words that Wikipedia shows."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.templates.args import Args, Rule, joined, pairs, positional, text_of, with_aliases

__all__ = ["LANGUAGE_NAMES", "RULES", "language_rule"]

LANGUAGE_NAMES: Mapping[str, str] = pairs(
    """
aa=Afar,ab=Abkhaz,af=Afrikaans,akk=Akkadian,aln=Gheg Albanian,als=Tosk Albanian,am=Amharic,an=Aragonese,
ang=Old English,apc=Levantine Arabic,ar=Arabic,arc=Aramaic,arz=Egyptian Arabic,as=Assamese,ast=Asturian,
az=Azerbaijani,ba=Bashkir,bar=Bavarian,be=Belarusian,ber=Berber,bg=Bulgarian,bn=Bengali,bo=Tibetan,br=Breton,
bs=Bosnian,ca=Catalan,ce=Chechen,ceb=Cebuano,ckb=Central Kurdish,co=Corsican,cop=Coptic,cs=Czech,
cu=Church Slavonic,cv=Chuvash,cy=Welsh,da=Danish,de=German,dv=Divehi,egy=Ancient Egyptian,el=Greek,en=English,
enm=Middle English,eo=Esperanto,es=Spanish,et=Estonian,eu=Basque,fa=Persian,fi=Finnish,fil=Filipino,fj=Fijian,
fo=Faroese,fr=French,frk=Frankish,fro=Old French,frp=Franco-Provençal,frr=North Frisian,fy=West Frisian,ga=Irish,
gd=Scottish Gaelic,gl=Galician,gn=Guarani,goh=Old High German,got=Gothic,grc=Ancient Greek,gsw=Swiss German,
gu=Gujarati,gv=Manx,ha=Hausa,haw=Hawaiian,he=Hebrew,hi=Hindi,hr=Croatian,hu=Hungarian,hy=Armenian,ia=Interlingua,
id=Indonesian,ig=Igbo,io=Ido,is=Icelandic,it=Italian,iu=Inuktitut,ja=Japanese,jv=Javanese,ka=Georgian,kk=Kazakh,
km=Khmer,kn=Kannada,ko=Korean,ks=Kashmiri,ku=Kurdish,kw=Cornish,ky=Kyrgyz,la=Latin,lad=Judaeo-Spanish,
lb=Luxembourgish,li=Limburgish,lij=Ligurian,lmo=Lombard,ln=Lingala,lo=Lao,lt=Lithuanian,lv=Latvian,mg=Malagasy,
mi=Māori,mk=Macedonian,ml=Malayalam,mn=Mongolian,mr=Marathi,ms=Malay,mt=Maltese,mul=Multilingual,my=Burmese,
nah=Nahuatl,nap=Neapolitan,nci=Classical Nahuatl,nds=Low German,ne=Nepali,nl=Dutch,nn=Norwegian Nynorsk,
no=Norwegian,nb=Norwegian Bokmål,non=Old Norse,nv=Navajo,oc=Occitan,om=Oromo,or=Odia,ota=Ottoman Turkish,
pa=Punjabi,pap=Papiamento,peo=Old Persian,phn=Phoenician,pi=Pali,pl=Polish,pms=Piedmontese,ps=Pashto,
pt=Portuguese,qu=Quechua,rm=Romansh,ro=Romanian,rom=Romani,ru=Russian,rus=Russian,rw=Kinyarwanda,sa=Sanskrit,
sc=Sardinian,scn=Sicilian,sco=Scots,sd=Sindhi,se=Northern Sami,sh=Serbo-Croatian,si=Sinhala,sk=Slovak,sl=Slovene,
sm=Samoan,sn=Shona,so=Somali,sq=Albanian,sr=Serbian,st=Sotho,su=Sundanese,sux=Sumerian,sv=Swedish,sw=Swahili,
syr=Syriac,szl=Silesian,ta=Tamil,te=Telugu,tg=Tajik,th=Thai,ti=Tigrinya,tk=Turkmen,tl=Tagalog,tn=Tswana,
to=Tongan,tr=Turkish,ts=Tsonga,tt=Tatar,ty=Tahitian,ug=Uyghur,uk=Ukrainian,ur=Urdu,uz=Uzbek,vec=Venetian,
vi=Vietnamese,wa=Walloon,wo=Wolof,wuu=Wu Chinese,xh=Xhosa,yi=Yiddish,yo=Yoruba,yue=Cantonese,za=Zhuang,
zh=Chinese,zu=Zulu,grc-gre=Greek,zh-hans=Simplified Chinese,zh-hant=Traditional Chinese,sr-cyrl=Serbian Cyrillic,
sr-latn=Serbian,en-us=American English,en-gb=British English,pt-br=Portuguese,tu=Turkish,cat=Catalan
    """
)
"""Language codes with the name that Template:Langx shows. Source: Module:Lang/data, IANA subtag registry."""

_PHONEMES = {"'": "ˈ", ",": "ˌ", "_": " ", "-": "-", "i:": "iː", "u:": "uː", "r": "r", "ng": "ŋ", "th": "θ", "dh": "ð",
             "sh": "ʃ", "zh": "ʒ", "tsh": "tʃ", "ch": "tʃ", "j": "j", "y": "j", "dj": "dʒ", "g": "ɡ", "I": "ɪ",
             "E": "ɛ", "@": "ə", "3:": "ɜː", "A:": "ɑː", "O:": "ɔː", "Q": "ɒ", "U": "ʊ", "V": "ʌ"}  # fmt: skip
_LABELS = {"pron": "pronounced", "ipa": "IPA:", "us": "US:", "uk": "UK:", "local": "locally", "also": "also",
           "usalso": "US also", "ukalso": "UK also", "lang": ""}  # fmt: skip


def _lang(args: Args) -> str:
    """`{{lang|fr|x}}` shows x. Source: Template:Lang."""
    return text_of(args, "2", "text", "1")


def _langx(args: Args) -> str:
    """`{{langx|fr|x}}` shows 'French: x', with transliteration and meaning. Source: Template:Langx."""
    code = positional(args, 1)
    return _labelled(code, args, first=2)


def _labelled(code: str, args: Args, first: int) -> str:
    text = text_of(args, str(first), "text")
    if not text:
        return ""
    label = args.get("label", "")
    name = label or LANGUAGE_NAMES.get(code.lower(), "")
    parts = [text]
    romanised = text_of(args, str(first + 1), "translit", "tr")
    meaning = text_of(args, str(first + 2), "translation", "lit")
    if romanised:
        parts.append(f"romanized: {romanised}")
    if meaning:
        parts.append(f"lit. '{meaning}'")
    shown = ", ".join(parts)
    return shown if not name or label == "none" else f"{name}: {shown}"


def _transliteration(args: Args) -> str:
    """`{{transl|ar|ALA|x}}` shows x, the last positional argument. Source: Template:Transliteration."""
    return text_of(args, "3", "2", "text", "1")


def _nihongo(args: Args) -> str:
    """`{{nihongo|English|kanji|romaji|extra}}` shows 'English (kanji, romaji, extra)'. Source: Template:Nihongo."""
    english, kanji, romaji = (positional(args, place) for place in (1, 2, 3))
    extra = text_of(args, "4", "extra")
    if not english:
        english, romaji = romaji, ""
    inner = joined(", ", kanji, romaji, extra)
    tail = text_of(args, "5", "extra2")
    return joined(" ", english, f"({inner})" if inner and english else inner, tail)


def _nihongo3(args: Args) -> str:
    """`{{nihongo3|English|kanji|romaji}}` shows 'romaji (kanji, English)'. Source: Template:Nihongo3."""
    english, kanji, romaji = (positional(args, place) for place in (1, 2, 3))
    inner = joined(", ", kanji, english, text_of(args, "4", "extra"))
    return joined(" ", romaji, f"({inner})" if inner and romaji else inner)


def _chinese(args: Args) -> str:
    """`{{zh|c=北京|p=Běijīng}}` shows 'Chinese: 北京; pinyin: Běijīng'. Source: Template:Zh."""
    labels = {"c": "Chinese", "s": "simplified Chinese", "t": "traditional Chinese", "p": "pinyin",
              "tp": "Tongyong Pinyin", "w": "Wade–Giles", "j": "Jyutping", "cy": "Cantonese Yale",
              "poj": "Pe̍h-ōe-jī", "l": "lit."}  # fmt: skip
    parts = []
    for key, label in labels.items():
        value = args.get(key, "")
        if value:
            parts.append(f"lit. '{value}'" if key == "l" else f"{label}: {value}")
    return "; ".join(parts) or text_of(args, "1")


def _korean(args: Args) -> str:
    """`{{korean|hangul=한글|rr=hangeul}}` shows 'Korean: 한글; RR: hangeul'. Source: Template:Korean."""
    parts = [
        f"{label}: {args[key]}"
        for key, label in (("hangul", "Korean"), ("hanja", "Hanja"), ("rr", "RR"), ("mr", "MR"), ("lit", "lit."))
        if args.get(key)
    ]
    return "; ".join(parts) or text_of(args, "1")


def _ipa(args: Args) -> str:
    """`{{IPA|/a/}}` and `{{IPA|fr|a}}` show the transcription. Source: Template:IPA."""
    first, second = positional(args, 1), positional(args, 2)
    if second and first.lower().split("-")[0] in LANGUAGE_NAMES:
        return _bracketed(second)
    return first


def _ipa_language(args: Args) -> str:
    """`{{IPA-fr|a|pron}}` shows 'pronounced [a]'. Source: Template:IPA-fr and its family."""
    text, label = positional(args, 1), positional(args, 2).lower()
    return joined(" ", _LABELS.get(label, ""), _bracketed(text)) if text else ""


def _bracketed(text: str) -> str:
    return text if text[:1] in "[/⟨" else f"[{text}]"


def _ipac_en(args: Args) -> str:
    """`{{IPAc-en|æ|l|ə}}` shows /ælə/, one argument a phoneme. Source: Template:IPAc-en.

    >>> _ipac_en({"1": "ˌ", "2": "æ", "3": "l", "4": "ə"})
    '/ˌælə/'
    """
    phonemes: list[str] = []
    labels: list[str] = []
    place = 1
    while (value := args.get(str(place))) is not None:
        key = value.lower()
        if not phonemes and key in _LABELS:
            labels.append(_LABELS[key])
        elif value:
            phonemes.append(_PHONEMES.get(value, value.replace("_", " ")))
        place += 1
    sounds = "".join(phonemes).strip()
    return joined(" ", *labels, f"/{sounds}/") if sounds else ""


def _ipac(args: Args) -> str:
    """`{{IPAc-fr|b|o}}` shows [bo], one argument a phoneme. Source: Template:IPAc-fr and its family."""
    sounds = _ipac_en(args)
    return f"{sounds[:-1].replace('/', '[', 1)}]" if sounds else ""


def _respell(args: Args) -> str:
    """`{{respell|AL|ə|BAM|ə}}` shows 'AL-ə-BAM-ə'; '_' is a blank. Source: Template:Respell."""
    syllables, place = [], 1
    while (value := args.get(str(place))) is not None:
        syllables.append(value)
        place += 1
    words = "-".join(syllable for syllable in syllables if syllable)
    return words.replace("-_-", " ").replace("_", " ")


def _native_name(args: Args) -> str:
    """`{{native name|fr|x}}` shows 'x (French)'. Source: Template:Native name."""
    text, name = positional(args, 2), LANGUAGE_NAMES.get(positional(args, 1).lower(), "")
    return joined(" ", text, f"({name})" if text and name else "")


def _second(args: Args) -> str:
    """Templates that show their second argument: `{{script|Goth|x}}`. Source: Template:Script."""
    return text_of(args, "2", "1")


def _first(args: Args) -> str:
    """Templates that wrap one text of a script: `{{nastaliq|x}}`. Source: Template:Nastaliq."""
    return text_of(args, "1", "2")


def _language_icon(args: Args) -> str:
    """`{{in lang|fr}}` shows '(in French)'. Source: Template:In lang."""
    name = LANGUAGE_NAMES.get(positional(args, 1).lower(), "")
    return f"(in {name})" if name else ""


def language_rule(name: str) -> Rule | None:
    """Find the rule of a template whose name ends in a language code.

    Args:
        name: normalised template name, for instance `lang-fr`, `ipa-fr`, `ipac-pl`, `script/arabic`, `fr icon`.

    Returns:
        The rule, or None where the name is of no such family.

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
        return _first
    if name.endswith((" icon", "-icon")) and name[:-5] in LANGUAGE_NAMES:
        return lambda _args: ""
    return None


RULES: dict[str, Rule] = {
    "audio-ipa": _second,
    "angle ipa": lambda args: f"⟨{text_of(args, '1')}⟩",
    "hebrew": _first,
    "iast": _first,
    "in lang": _language_icon,
    "ipa": _ipa,
    "ipa all": lambda args: text_of(args, "1"),
    "ipa link": _first,
    "ipablink": lambda args: f"[{text_of(args, '1')}]" if text_of(args, "1") else "",
    "ipac-en": _ipac_en,
    "ipalink": _first,
    "ipaslink": lambda args: f"/{text_of(args, '1')}/" if text_of(args, "1") else "",
    "korean": _korean,
    "lang": _lang,
    "langx": _langx,
    "linktext": lambda args: joined("", *(positional(args, place) for place in range(1, 10))),
    "nastaliq": _first,
    "native name": _native_name,
    "native phrase": _native_name,
    "nihongo": _nihongo,
    "nihongo foot": lambda args: text_of(args, "1", "3", "2"),
    "nihongo krt": _nihongo3,
    "nihongo title": _nihongo,
    "nihongo2": _first,
    "nihongo3": _nihongo3,
    "nq": _first,
    "okina": lambda _args: "ʻ",
    "polytonic": _first,
    "pronunciation": lambda args: text_of(args, "2", "3"),
    "respell": _respell,
    "rtl-lang": _second,
    "script": _second,
    "tlit": _transliteration,
    "transl": _transliteration,
    "transliteration": _transliteration,
    "unicode": _first,
    "wikt-lang": lambda args: text_of(args, "3", "2"),
    "zh": _chinese,
}  # fmt: skip
RULES = with_aliases(
    RULES,
    {
        "ipa all": "ipa-en|ipaall|ipaen|pron|pron-en|pronounced",
        "korean": "ko-hhrm",
        "lang": "lang-nowrap|langr",
        "langx": "lang-x",
        "linktext": "wt",
        "nastaliq": "nastaleeq",
        "nihongo": "jp|nihongo-s",
        "nq": "hbo|sinhala|unicode fonts|vr|zh-c",
        "respell": "pronunciation respelling|respelling|usdict",
        "transl": "transl.|translit|xlit",
        "zh": "lang-zh",
    },
)
