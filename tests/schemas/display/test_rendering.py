"""Templates: all texts are escaped, the page loads nothing, and a macro without content writes nothing."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from schemas.display import render_template
from schemas.display.rendering import _environment
from tests.support.page_checks import read_sound_page

HOSTILE = '"><script>alert(1)</script>&\u202e\x1b'
IMPORTS = '{% from "display/parts.html" import facts, figure, link, section, table, table_frame %}'


def rendered(source: str, **values: object) -> str:
    """Render a template given as text; line ends do not matter in HTML, and are left out."""
    return _environment("schemas.display").from_string(IMPORTS + source).render(values).replace("\n", "")


def test_every_text_is_escaped_wherever_it_stands() -> None:
    page = rendered(
        '{% extends "display/page.html" %}{% block content %}' + IMPORTS + '<p title="{{ bad }}">{{ bad }}</p>'
        "{{ facts({bad: bad}) }}{{ table(bad, [bad, bad], [[bad, bad]]) }}{{ figure(bad, bad) }}"
        "{% call section(bad) %}{{ bad }}{% endcall %}{{ link('https://example.org/' ~ bad, bad) }}{% endblock %}",
        title=HOSTILE,
        bad=HOSTILE,
    )
    assert page.count("&lt;script&gt;alert(1)") == 17
    assert not re.search(r"<script|\x1b|\u202e", page)


def test_markup_is_put_in_as_it_is() -> None:
    assert rendered("{{ svg }}{{ text }}", svg=Markup("<b>\u202e</b>"), text="<b>") == "<b>\u202e</b>&lt;b&gt;"


def test_a_name_without_a_value_is_an_error_and_no_gap_in_the_page() -> None:
    with pytest.raises(UndefinedError, match="forgotten"):
        rendered("<p>{{ forgotten }}</p>")


def test_a_link_leads_to_the_web_and_nowhere_else() -> None:
    source = "{{ link(url, text) }}"
    assert (
        rendered(source, url="https://example.org/a?b=1&c", text="a")
        == '<a href="https://example.org/a?b=1&amp;c" rel="noreferrer">a</a>'
    )
    for url in ("javascript:alert(1)", "data:text/html,x", "http://example.org", "//example.org", "file:///etc", ""):
        assert rendered(source, url=url, text="a<b") == "a&lt;b"


def test_the_policy_of_a_page_allows_its_own_style_and_nothing_else() -> None:
    page = render_template("schemas.display", "page.html", title="a")
    read_sound_page(page)
    style = re.search(r"<style>(.*)</style>", page, re.S)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert style is not None
    assert policy is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert policy.group(1).split("; ")[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]
    assert "</style" not in style.group(1)


def test_a_table_names_its_rows_and_columns_for_readers_of_the_screen() -> None:
    assert rendered('{{ table("Pages", ["fate", "pages"], [["kept", 98]]) }}') == (
        '<div class="scroll"><table class="table"><caption>Pages</caption>'
        '<thead><tr><th scope="col">fate</th><th scope="col" class="num">pages</th></tr></thead>'
        '<tbody><tr><th scope="row">kept</th><td class="num">98</td></tr></tbody></table></div>'
    )


def test_columns_of_words_are_not_aligned_as_numbers() -> None:
    table = rendered('{{ table("Files", ["file", "day", "size"], [["a", "b", "c"]], words=2) }}')
    assert table.count('<td>b</td><td class="num">c</td>') == 1
    assert table.count('<th scope="col">day</th><th scope="col" class="num">size</th>') == 1


def test_facts_leave_out_pairs_without_a_value_and_keep_zero() -> None:
    assert rendered('{{ facts({"a": "", "b": none, "c": 0}) }}') == '<dl class="facts"><dt>c</dt><dd>0</dd></dl>'


@pytest.mark.parametrize(
    "source",
    [
        '{{ table("Pages", ["fate"], []) }}',
        '{{ facts({"a": "", "b": none}) }}',
        '{% call section("Pages") %}\n{{ facts({}) }} {% endcall %}',
    ],
)
def test_parts_without_content_are_left_out(source: str) -> None:
    assert rendered(source) == ""


def test_jinja_is_loaded_only_to_render() -> None:
    code = (
        "import sys; from schemas.display import render_template; assert 'jinja2' not in sys.modules;"
        "render_template('schemas.display', 'page.html', title='a'); assert 'jinja2' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
