"""The pages in a stream: their fields, and that a broken page is lost alone."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from pipelines.dump import LOSS_REASONS, Page, ReadLimits, find_streams, read_pages
from pipelines.dump.page_cutter import PageCutter
from schemas.errors import InputError
from schemas.records import Reject
from tests.support.dumps import FOOTER, KINDS, DumpPage, Kind, compress, dump_xml, header_xml, page_xml, write_dump

TEA = DumpPage("Tea", "'''Tea''' is a [[drink]] & more <ref>x</ref>")
DEFAULTS = ReadLimits()
PAGES = [TEA, DumpPage("Chai", "#REDIRECT [[Tea]]", redirect="Tea"), DumpPage("Talk:Tea", "Hot.", namespace=1)]


def read_all(path: Path, limits: ReadLimits = DEFAULTS) -> list[Page | Reject]:
    return [item for stream in find_streams(path) for item in read_pages(stream, limits)]


def read_xml(tmp_path: Path, xml: str | bytes, limits: ReadLimits = DEFAULTS) -> list[Page | Reject]:
    path = tmp_path / "dump.xml"
    path.write_bytes(xml if isinstance(xml, bytes) else xml.encode("utf-8"))
    return read_all(path, limits)


def around(*elements: str | bytes) -> bytes:
    """Write an export with these elements between two good pages."""
    parts = [header_xml(), page_xml(TEA, 1), *elements, page_xml(DumpPage("Last"), 99), FOOTER]
    return b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)


def one(tmp_path: Path, element: str | bytes) -> Page | Reject:
    """Read an element between two good pages, and check that they survive it."""
    first, item, last = read_xml(tmp_path, around(element))
    assert isinstance(first, Page)
    assert isinstance(last, Page)
    assert (first.title, last.title) == ("Tea", "Last")
    return item


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ["0.8", "0.10", "0.11", "0.12"])
@pytest.mark.parametrize("with_siteinfo", [True, False])
@pytest.mark.parametrize("with_ns", [True, False])
def test_every_kind_of_dump_gives_the_same_pages(
    tmp_path: Path, kind: Kind, version: str, with_siteinfo: bool, with_ns: bool
) -> None:
    path = write_dump(tmp_path, PAGES, kind, version=version, with_siteinfo=with_siteinfo, with_ns=with_ns)
    assert read_all(path) == [
        Page(1, 1001, "Tea", 0, None, TEA.text, len(TEA.text), 20251101000000),
        Page(2, 1002, "Chai", 0, "Tea", "#REDIRECT [[Tea]]", 17, 20251101000000),
        Page(3, 1003, "Talk:Tea", 1, None, "Hot.", 4, 20251101000000),
    ]


def test_a_dump_without_pages_has_none(tmp_path: Path) -> None:
    assert read_xml(tmp_path, header_xml() + FOOTER) == []


def test_a_namespace_comes_from_the_sites_own_names(tmp_path: Path) -> None:
    names = '<namespaces><namespace key="6" case="first-letter">Datei</namespace></namespaces>'
    pages = "".join(page_xml(DumpPage(title), 5, with_ns=False) for title in ("Datei:A.jpg", "File:A.jpg", "2001: A"))
    with_names = read_xml(tmp_path, f"<mediawiki><siteinfo>{names}</siteinfo>{pages}</mediawiki>")
    assert [page.namespace for page in with_names if isinstance(page, Page)] == [6, 0, 0]
    without = read_xml(tmp_path, f"<mediawiki>{pages}</mediawiki>")
    assert [page.namespace for page in without if isinstance(page, Page)] == [0, 6, 0]


def test_an_explicit_namespace_wins_over_the_title(tmp_path: Path) -> None:
    page = one(tmp_path, page_xml(DumpPage("Talk:Show", namespace=0), 5))
    assert isinstance(page, Page)
    assert page.namespace == 0


@pytest.mark.parametrize(
    "revision",
    [
        "",
        "<revision><id>0</id></revision>",
        '<revision><text bytes="0" xml:space="preserve" /></revision>',
        '<revision><text bytes="12" deleted="deleted"/></revision>',
        "<revision><content><role>aux</role><text>slot</text></content></revision>",
    ],
)
def test_a_page_without_text_is_a_page(tmp_path: Path, revision: str) -> None:
    assert one(tmp_path, f"<page><title>A</title><ns>0</ns><id>5</id>{revision}</page>") == Page(
        5, 0, "A", 0, None, "", 0
    )


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("#REDIRECT [[Green tea]]", "Green tea"),
        ("\n #redirect:[[:green_tea#History|x]] {{R from}}", "Green tea"),
        ("#Redirect[[File:A b.jpg]]", "File:A b.jpg"),
        ("#REDIRECT [[#Section]]", None),
        ("#REDIRECT [[Foo&#39;s_bar#One]]", "Foo's bar"),
        ("#REDIRECT [[Caf%C3%A9 &amp; bar|x]]", "Café & bar"),
        ("#REDIRECT Green tea", None),
        ("See #REDIRECT [[Tea]]", None),
        ("#REDIRECT [[" + "a" * 10**6, None),
        (" " * 10**6 + "#", None),
    ],
)
def test_a_redirect_without_a_tag_is_read_from_the_text(tmp_path: Path, text: str, target: str | None) -> None:
    page = one(tmp_path, page_xml(DumpPage("A", text), 5))
    assert isinstance(page, Page)
    assert page.redirect == target


def test_the_redirect_tag_wins_over_the_text(tmp_path: Path) -> None:
    page = one(tmp_path, page_xml(DumpPage("A", "#WEITERLEITUNG [[x]]", redirect='B & "c"'), 5))
    assert isinstance(page, Page)
    assert page.redirect == 'B & "c"'


def test_unusual_text_duplicates_and_big_ids_pass_through(tmp_path: Path) -> None:
    text = "עברית \u202eمرحبا\u202c 😀 \U0010ffff e\u0301 \t\r\n<page>&</page>"
    got = read_xml(tmp_path, around(page_xml(DumpPage("😀", text), 1), page_xml(DumpPage("Tea", text), 2**63 - 1001)))
    assert [(item.page_id, item.title) for item in got if isinstance(item, Page)] == [
        (1, "Tea"),
        (1, "😀"),
        (2**63 - 1001, "Tea"),
        (99, "Last"),
    ]
    page = got[1]
    assert isinstance(page, Page)
    assert page.wikitext == text.replace("\r\n", "\n")  # XML's own rule for line ends
    assert page.size_bytes == len(page.wikitext.encode())


def body(inner: bytes) -> bytes:
    return b"<page><title>Bad</title><ns>0</ns><id>5</id><revision><text>" + inner + b"</text></revision></page>"


@pytest.mark.parametrize(
    ("element", "reason", "detail"),
    [
        (body(b"a < b"), "broken_xml", "page 5 'Bad': line 1 of the page: not well-formed"),
        (body(b"a & b"), "broken_xml", "not well-formed"),
        (body(b"a \0 b"), "broken_xml", "not well-formed"),
        (body(b"a \x08 b"), "broken_xml", "not well-formed"),
        (body(b"\xff\xfe"), "broken_xml", "not well-formed"),
        (body("é".encode("latin-1")), "broken_xml", "not well-formed"),
        (body(b"\xed\xa0\x80"), "broken_xml", "not well-formed"),
        (body(b"&#xD800;"), "broken_xml", "invalid character number"),
        (body(b"&#0;"), "broken_xml", "invalid character number"),
        (body(b"&lol9;"), "broken_xml", "undefined entity"),
        (body(b"&nbsp;"), "broken_xml", "undefined entity"),
        (body(b'<!DOCTYPE x [<!ENTITY a "b">]>&a;'), "broken_xml", "not well-formed"),
        (body(b"x").replace(b"</text>", b""), "broken_xml", "mismatched tag"),
        (body(b"x").replace(b"</page>", b""), "broken_xml", "page 5 'Bad': the page is not closed"),
        (body(b"x").replace(b"<page>", b""), "broken_xml", "the end of a page whose start is missing"),
        (body(b"x").replace(b"<title>Bad</title>", b""), "missing_title", "a page without a title"),
        (body(b"x").replace(b"Bad", b" "), "missing_title", "no title"),
        (body(b"x").replace(b"<id>5</id>", b""), "missing_id", "page 'Bad': the page has no id"),
        (body(b"x").replace(b"<id>5", b"<id>five"), "bad_number", "'five' is not an id"),
        (body(b"x").replace(b"<id>5", b"<id>-5"), "bad_number", "'-5'"),
        (body(b"x").replace(b"<id>5", b"<id>9223372036854775808"), "bad_number", "'9223372036854775808'"),
        (body(b"x").replace(b"<ns>0", b"<ns>\xef\xbc\x91"), "bad_number", "namespace"),
        (b"<page/>", "broken_xml", "the page is not closed"),
    ],
)
def test_a_broken_page_is_a_reject_and_the_next_page_is_read(
    tmp_path: Path, element: bytes, reason: str, detail: str
) -> None:
    item = one(tmp_path, element)
    assert isinstance(item, Reject)
    assert (item.stage, item.reason) == ("dump", reason)
    assert detail in item.detail
    assert reason not in LOSS_REASONS


def test_a_reject_says_where_the_page_starts(tmp_path: Path) -> None:
    xml = around(body(b"\0"))
    item = read_xml(tmp_path, xml)[1]
    assert isinstance(item, Reject)
    assert item.id == f"dump.xml@0+{xml.index(b'<title>Bad') - len('<page>')}"


@pytest.mark.parametrize(
    ("kind", "limit", "size"),
    [
        ("xml", 10 * 2**20, 20 * 10**6),
        ("gz", 10 * 2**20, 20 * 10**6),
        ("bz2", 10**5, 10**6),
        ("multistream", 10**5, 10**6),
    ],
)
def test_a_page_above_the_limit_is_a_reject(tmp_path: Path, kind: Kind, limit: int, size: int) -> None:
    assert DEFAULTS.max_page_bytes == 10 * 2**20
    big = DumpPage("Big", "word " * (size // 5))
    path = write_dump(tmp_path, [TEA, big, PAGES[1]], kind, pages_per_stream=3)
    first, item, last = read_all(path, ReadLimits(limit))
    assert (getattr(first, "title", None), getattr(last, "title", None)) == ("Tea", "Chai")
    assert isinstance(item, Reject)
    assert item.reason == "page_too_large"
    assert item.detail == f"page 2 'Big': {len(page_xml(big, 2).strip())} bytes of XML, the limit is {limit}"
    pages = read_all(path, ReadLimits(2 * size))
    assert [getattr(page, "size_bytes", None) for page in pages] == [len(TEA.text), size, 17]


def test_a_page_exactly_at_the_limit_is_read(tmp_path: Path) -> None:
    size = len(page_xml(TEA, 1).strip())
    xml = header_xml() + page_xml(TEA, 1) + FOOTER
    assert [type(item) for item in read_xml(tmp_path, xml, ReadLimits(size))] == [Page]
    assert [type(item) for item in read_xml(tmp_path, xml, ReadLimits(size - 1))] == [Reject]


def test_a_page_above_the_limit_is_not_kept_in_memory() -> None:
    cutter = PageCutter(max_page_bytes=2**20)
    chunk = b"x" * 2**16
    tracemalloc.start()
    assert not list(cutter.feed(b"<page><title>Endless</title>"))
    for _ in range(1000):
        assert not list(cutter.feed(chunk))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 2**20
    (cut,) = cutter.feed(b"</page><page>")
    assert cut.problem is not None
    assert cut.problem.reason == "page_too_large"
    assert cut.data.startswith(b"<page><title>Endless")
    assert cutter.open_at == 28 + 1000 * 2**16 + len(b"</page>")


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 1000])
def test_pages_are_cut_the_same_however_the_bytes_come(step: int) -> None:
    xml = around(body(b"\0"), body(b"x").replace(b"</page>", b""), body(b"y"))
    whole = list(PageCutter(10**6).feed(xml))
    cutter = PageCutter(10**6)
    pieces = [cut for start in range(0, len(xml), step) for cut in cutter.feed(xml[start : start + step])]
    assert [(cut.position, cut.data, str(cut.problem)) for cut in pieces] == [
        (cut.position, cut.data, str(cut.problem)) for cut in whole
    ]
    assert len(whole) == 5
    assert cutter.is_ended


@pytest.mark.parametrize("kind", ["xml", "bz2", "gz"])
def test_a_dump_that_ends_inside_a_page_keeps_the_pages_before(tmp_path: Path, kind: Kind) -> None:
    xml = dump_xml(PAGES).encode()
    path = tmp_path / "cut.dat"
    path.write_bytes(compress(xml[: xml.index(b"Hot.")], kind))
    first, second, loss = read_all(path)
    assert [getattr(first, "title", None), getattr(second, "title", None)] == ["Tea", "Chai"]
    assert loss == Reject("dump", "cut.dat@0", "truncated_stream", "the XML ends early, inside page 3 'Talk:Tea'")
    assert loss.reason in LOSS_REASONS


def test_a_dump_that_ends_between_pages_is_a_loss_too(tmp_path: Path) -> None:
    xml = dump_xml(PAGES)
    *pages, loss = read_xml(tmp_path, xml[: xml.index("</mediawiki>")])
    assert len(pages) == 3
    assert loss == Reject("dump", "dump.xml@0", "truncated_stream", "the XML ends early")


def test_a_multistream_dump_without_its_last_stream_is_a_loss(tmp_path: Path) -> None:
    path = write_dump(tmp_path, PAGES, with_index=False)
    last = find_streams(path)[-1]
    path.write_bytes(path.read_bytes()[: last.offset])
    *pages, loss = read_all(path)
    assert len(pages) == 3
    assert isinstance(loss, Reject)
    assert loss.reason == "truncated_stream"


@pytest.mark.parametrize("kind", ["bz2", "gz"])
def test_truncated_compressed_data_keeps_the_pages_before(tmp_path: Path, kind: Kind) -> None:
    path = write_dump(tmp_path, PAGES * 20, kind)
    data = path.read_bytes()
    path.write_bytes(data[:-5])
    *pages, loss = read_all(path)
    assert len(pages) == 60
    assert loss == Reject("dump", f"{path.name}@0", "truncated_stream", f"the {kind} data ends early")


def test_a_damaged_stream_in_the_middle_costs_that_stream_only(tmp_path: Path) -> None:
    path = write_dump(tmp_path, [DumpPage(f"P{number}", "x" * number) for number in range(10)], with_index=False)
    data = bytearray(path.read_bytes())
    broken = find_streams(path)[2]
    data[broken.offset + 60] ^= 255
    path.write_bytes(data)
    items = read_all(path)
    assert [item.title for item in items if isinstance(item, Page)] == ["P0", "P1", *(f"P{n}" for n in range(4, 10))]
    (loss,) = [item for item in items if isinstance(item, Reject)]
    assert loss.id == f"{path.name}@{broken.offset}"
    assert loss.reason == "corrupt_stream"


def test_what_follows_the_last_stream_must_be_a_stream(tmp_path: Path) -> None:
    path = write_dump(tmp_path, PAGES, with_index=False)
    path.write_bytes(path.read_bytes() + b"garbage")
    *pages, loss = read_all(path)
    assert len(pages) == 3
    assert isinstance(loss, Reject)
    assert loss.reason == "corrupt_stream"


def test_an_entity_bomb_is_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>\n'
    with pytest.raises(InputError, match="DOCTYPE"):
        read_xml(tmp_path, bomb + dump_xml([DumpPage("A", "x")]).replace(">x<", ">&b;<"))
