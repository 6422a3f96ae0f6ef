"""Structure of wikitext as MediaWiki's grammar has it, by both parsers: each case stands for its kind."""

from __future__ import annotations

import pytest

from pipelines.dump import Page
from pipelines.syntax import WIKITEXT_PARSERS, WikitextParser
from pipelines.wikitext import CleaningRules, parse_article
from pipelines.wikitext.article import Article


def parse(wikitext: str, parser: WikitextParser = "scanner", title: str = "Tea") -> Article:
    page = Page(1, 1, title, 0, None, wikitext, len(wikitext))
    return parse_article(page, CleaningRules(wikitext_parser=parser))


def texts(article: Article) -> list[str]:
    return [block.text for block in article.blocks]


CASES = {
    "an equals sign that a template shows names no argument": [
        ("It is {{nowrap|''n'' {{=}} 4}} here.", "It is n = 4 here."),
        ("It is {{small|{{nowrap|1=x = y}}}} here.", "It is x = y here."),
        ("It is {{lang|de|a {{=}} b}} here.", "It is a = b here."),
        ("It is {{nowrap|see [[A=B|b=c]]}} here.", "It is see b=c here."),
        ("It is {{nowrap|<math>a=b</math>}} here.", "It is a=b here."),
        ("It is {{nowrap|a<ref name=x>b=c</ref>}} here.", "It is a here."),
        ('It is {{nowrap|<span style="color:red">red</span>}} here.', "It is red here."),
    ],
    "a bar that a template shows cuts no argument": [
        ("It is {{nowrap|a {{!}} b}} here.", "It is a | b here."),
        ("It is {{nowrap|a<nowiki>|</nowiki>b}} here.", "It is a|b here."),
    ],
    "a label may hold brackets": [
        ("He is [[Ann|Ann [B.]]] today.", "He is Ann [B.] today."),
        ("He is [[Ann|[Dr] Ann]]s today.", "He is [Dr] Anns today."),
        ("He is [[Ann|A [b] c [d]]] today.", "He is A [b] c [d] today."),
        ("He is [[[Ann]] B.] today.", "He is [Ann B.] today."),
        ("He is [see [[Ann]]] today.", "He is [see Ann] today."),
        ("He is [http://x.org/a [Dr] Ann [B.]] today.", "He is [Dr] Ann [B.] today."),
        ("He is [[Ann|{{nowrap|A [b]}}]] today.", "He is A [b] today."),
    ],
    "what is emptied between quote marks takes them along": [
        ("The ship ''{{nosuch}}'' sank.", "The ship sank."),
        ("The '''{{nosuch}}''' and '''''{{nosuch}}''''' sank.", "The and sank."),
        ("The ''<ref>a</ref>{{nosuch}}'' sank.", "The sank."),
        ("The ''[[Category:Ships]]'' sank.", "The sank."),
        ("The ''[[File:Flag of X.svg|20px]]'' sank.", "The sank."),
        ('The ship "{{nosuch}}" sank.', "The ship sank."),
        ("The ships '{{nosuch}}' and «{{nosuch}} {{nosuch}}» sank.", "The ships and sank."),
        ('He said "no"{{nosuch}} "yes".', 'He said "no" "yes".'),
        ("The ''Ark''{{nosuch}}'s crew.", "The Ark's crew."),
        ("The ''[[Ark]]''<ref>a</ref>''s'' crew.", "The Arks crew."),
    ],
    "page variables know the title": [
        ("'''{{PAGENAME}}''' is hot.", "Tea is hot."),
        ("'''{{BASEPAGENAME}}''' and {{ PAGENAME }} are hot.", "Tea and Tea are hot."),
        ("{{nowrap|{{FULLPAGENAME}} time}} is hot.", "Tea time is hot."),
        ("It is {{lc:{{PAGENAME}}}} here.", "It is tea here."),
        ("It is {{PAGENAME:Help:Cup}}{{NAMESPACE}} here.", "It is Cup here."),
    ],
    "code inside a line stays, a block of code goes": [
        ("Use <syntaxhighlight lang=\"c\" inline>a[0] = '{{b}}'</syntaxhighlight> here.", "Use a[0] = '{{b}}' here."),
        ("Use <source lang=c enclose=none>a</source> here.", "Use a here."),
        ('Use <syntaxhighlight inline=1 lang="c">a</syntaxhighlight> here.', "Use a here."),
        ('Use it.<syntaxhighlight lang="c">a</syntaxhighlight>', "Use it."),
    ],
    "a break is a blank however it is written": [
        ("A</br>b<br/>c<br />d<BR>e<br clear=all>f", "A b c d e f"),
    ],
    "a labelled section is no break": [
        ('One <section begin="a" />two<section end="a" /> three.', "One two three."),
        ("<section begin=a/>One two three.<section end=a/>", "One two three."),
    ],
    "hidden text is out": [
        ("It is <span style='display: none'>x</span>hot.", "It is hot."),
        ('It is <span class="a" style="color:red; display:none;">x <span>y</span> z</span>hot.', "It is hot."),
        ("It is <small style=display:none>x</small>hot.", "It is hot."),
        ('It is <span style="visibility:hidden">0</span>hot.', "It is hot."),
        ('It is <span style="display:none">{{lang|de|x}}[[y]]</span>hot.', "It is hot."),
        ('It is <span style="display:inline">hot</span>.', "It is hot."),
        ('It is <span style="display:none">hot.', "It is hot."),
        ('It is {{nowrap|<span style="display:none">x</span>hot}}.', "It is hot."),
    ],
    "what shows nothing ends the word of a link": [
        ("A [[cup]]<nowiki/>board is [[hot]]<ref>x</ref>ter.", "A cupboard is hotter."),
    ],
    "brackets that are never closed leave their words": [
        ("It is {{lang|fr|hot.", "It is hot."),
        ("It is [[Heat|hot.", "It is hot."),
        ("It is hot.}} ]]", "It is hot."),
    ],
    "a parameter shows its default": [
        ("It is {{{heat|hot}}}{{{cold|}}}{{{none}}}.", "It is hot."),
    ],
    "nowiki keeps what looks like a comment": [
        ("Write <nowiki><!-- a --></nowiki> here.", "Write <!-- a --> here."),
        ("Tea<!-- <nowiki> --> is<!-- </nowiki> --> hot.", "Tea is hot."),
    ],
}


@pytest.mark.parametrize("parser", WIKITEXT_PARSERS)
@pytest.mark.parametrize(
    ("wikitext", "text"), [case for cases in CASES.values() for case in cases], ids=lambda value: value[:40]
)
def test_structure_reads_as_mediawiki_reads_it(wikitext: str, text: str, parser: WikitextParser) -> None:
    assert texts(parse(wikitext, parser)) == [text]


@pytest.mark.parametrize("parser", WIKITEXT_PARSERS)
@pytest.mark.parametrize(
    "table",
    [
        "{|\n| inner\n|}",
        "{{(!}} class=x\n{{!}} inner\n{{!-}}\n{{!}} b\n{{!)}}",
        "{{(!}}\n{{!}}\n{{(!}}\n{{!}} inner\n{{!)}}\nb\n{{!)}}",
        "{{{!}} class=x\n{{!}} inner\n{{!}}}",
        "{{(!}}\n{{!}} inner\n|}",
        "{|\n| inner\n{{!)}}",
        ": {{(!}}\n{{!}} inner\n{{!)}}",
        "{{nowrap|{{(!}}\n{{!}} inner\n{{!)}}}}",
        "<table><tr><td>a<table><tr><td>inner</td></tr></table>b</td></tr></table>",
        "<TABLE class=x><tr><td>inner</td></tr></TABLE>",
    ],
)
def test_tables_are_out_however_they_are_written(table: str, parser: WikitextParser) -> None:
    article = parse(f"Before.\n{table}\nAfter.", parser)
    assert texts(article) == ["Before.", "After."]
    assert article.counters["tables"] >= 1


def test_a_table_that_templates_open_and_nothing_closes_ends_at_the_next_heading() -> None:
    assert texts(parse("Before.\n{{(!}}\n{{!}} a\n==Uses==\nAfter.")) == ["Before.", "After."]


@pytest.mark.parametrize("parser", WIKITEXT_PARSERS)
def test_captions_of_galleries_are_rendered_like_all_text(parser: WikitextParser) -> None:
    gallery = (
        "Tea.\n<gallery widths=200>\nFile:A.jpg|[[Cup|A cup]], {{circa|465 BC}}<ref>x</ref>\n"
        "File:B.jpg|alt=b|{{convert|5|m}} of {{lang|fr|''thé''}}<!-- c -->\nFile:C.jpg\n</gallery>"
    )
    article = parse(gallery, parser)
    assert [(image.file, image.caption) for image in article.images] == [
        ("A.jpg", "A cup, c. 465 BC"),
        ("B.jpg", "5 metres (16 ft) of thé"),
        ("C.jpg", ""),
    ]
    assert article.counters["references"] == 1


@pytest.mark.parametrize("parser", WIKITEXT_PARSERS)
def test_the_caption_of_an_image_map_is_rendered_too(parser: WikitextParser) -> None:
    article = parse(
        "Tea.\n<imagemap>\nFile:A.jpg|thumb|{{lang|fr|thé}}<ref>x</ref>\nrect 1 2 [[B]]\n</imagemap>", parser
    )
    assert [(image.file, image.caption) for image in article.images] == [("A.jpg", "thé")]


@pytest.mark.parametrize("parser", WIKITEXT_PARSERS)
def test_a_box_that_is_never_closed_is_out_and_the_prose_behind_it_stays(parser: WikitextParser) -> None:
    article = parse("{{Infobox town\n| name = Baz\n| web = {{URL|http://x}\nBaz is a city.\n\nIt is old.", parser)
    assert texts(article) == ["Baz is a city.", "It is old."]


@pytest.mark.parametrize("parser", WIKITEXT_PARSERS)
def test_a_picture_that_is_never_closed_ends_with_its_line(parser: WikitextParser) -> None:
    article = parse("Baz is old.\n\n[[File:Baz.jpg|thumb|The [[hall]]\n\nIt is big.", parser)
    assert texts(article) == ["Baz is old.", "It is big."]
    assert [(image.file, image.caption) for image in article.images] == [("Baz.jpg", "The hall")]


@pytest.mark.parametrize("parser", WIKITEXT_PARSERS)
def test_links_with_brackets_in_their_label_keep_their_target_and_span(parser: WikitextParser) -> None:
    (block,) = parse("Then [[Ann|Ann [B.]]] and [see [[Cup]]]s left.", parser).blocks
    spans = [(block.text[link.start : link.end], link.target) for link in block.links]
    assert spans == [("Ann [B.]", "Ann"), ("Cup", "Cup")]


@pytest.mark.parametrize("parser", WIKITEXT_PARSERS)
@pytest.mark.parametrize(
    "value",
    [
        "A.jpg{{!}}border",
        "A.jpg {{!}} 200px",
        "A.jpg<br/>",
        "A.jpg<ref>x</ref>",
        "File:A.jpg{{!}}thumb",
        "[[File:A.jpg{{!}}thumb]]",
        "[[File:A.jpg|thumb{{!}}200px]]",
    ],
)
def test_an_infobox_names_its_picture_in_any_form(value: str, parser: WikitextParser) -> None:
    article = parse(f"{{{{Infobox person|name=Ann|image={value}|caption=Ann in 1990}}}}\nAnn is a leader.", parser)
    assert [(image.file, image.caption) for image in article.images] == [("A.jpg", "Ann in 1990")]


def test_a_bar_that_a_template_shows_separates_in_a_link() -> None:
    (block,) = parse("He saw [[Cup{{!}}a cup]].").blocks
    assert (block.text, block.links[0].target) == ("He saw a cup.", "Cup")


def test_columns_show_the_content_that_they_are_given_and_nothing_else() -> None:
    assert texts(parse("{{div col|content=\n* one\n* two\n}}")) == ["one\ntwo"]
    assert texts(parse("{{div col|colwidth=20em}}\n* one\n{{div col end}}")) == ["one"]


def test_a_link_ends_before_what_shows_nothing() -> None:
    (block,) = parse("A [[cup]]<nowiki/>board and [[cup]]s.").blocks
    assert [block.text[link.start : link.end] for link in block.links] == ["cup", "cups"]


def test_images_of_a_table_that_templates_open_stay() -> None:
    assert [image.file for image in parse("A.\n{{(!}}\n{{!}} [[File:A.jpg]]\n{{!)}}\nB.").images] == ["A.jpg"]
