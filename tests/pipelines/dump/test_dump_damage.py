"""Damaged dumps: flipped bytes, cuts and noise give pages, rejects or an InputError, and nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.dump import LOSS_REASONS, Page, Stream, find_streams, read_pages
from schemas.errors import InputError
from schemas.records import Reject
from tests.support.dumps import KINDS, DumpPage, Kind, compress, dump_xml, write_dump

WORDS = random.Random(5).sample([f"word{number}" for number in range(1000)], 400)
PAGES = [DumpPage(f"Page {number}", " ".join(random.Random(number).choices(WORDS, k=60))) for number in range(1, 41)]


def read_all(path: Path) -> list[Page | Reject]:
    return [item for stream in find_streams(path) for item in read_pages(stream)]


def is_loss(item: Page | Reject) -> bool:
    return isinstance(item, Reject) and item.reason in LOSS_REASONS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_a_cut_file_keeps_every_page_before_the_cut(tmp_path: Path, kind: Kind, seed: int) -> None:
    path = write_dump(tmp_path, PAGES, kind, with_index=False, pages_per_stream=5)
    whole = read_all(path)
    data = path.read_bytes()
    path.write_bytes(data[: random.Random(seed).randrange(len(data) // 10, len(data) - 1)])
    try:
        items = read_all(path)
    except InputError:
        assert kind == "bz2"  # one block only, which is not whole: there is nothing before the cut
        return
    pages = [item for item in items if isinstance(item, Page)]
    assert pages == whole[: len(pages)]
    assert is_loss(items[-1])
    assert len(items) == len(pages) + 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_a_flipped_byte_never_ends_the_reading_and_never_goes_unseen(tmp_path: Path, kind: Kind, seed: int) -> None:
    path = write_dump(tmp_path, PAGES, kind, with_index=False, pages_per_stream=5)
    whole = read_all(path)
    data = bytearray(path.read_bytes())
    source = random.Random(100 + seed)
    offset = source.randrange(len(data) // 10, len(data))
    data[offset] ^= 1 << source.randrange(8)
    path.write_bytes(data)
    try:
        items = read_all(path)
    except InputError:
        assert kind in ("bz2", "gz")  # the head of the only stream
        return
    pages = [item for item in items if isinstance(item, Page)]
    rejects = [item for item in items if isinstance(item, Reject)]
    if kind == "multistream":  # each block has a checksum: what is given is right, and five pages are lost at most
        assert all(page in whole for page in pages)
        assert len(pages) >= 35
    if kind in ("bz2", "multistream", "gz"):
        assert any(is_loss(item) for item in rejects) or pages == whole
    before = int(len(whole) * (offset / len(data)) * 0.7) - 5  # pages that lie before the damaged stream for certain
    if kind != "bz2" and before > 0:
        assert pages[:before] == whole[:before]
    assert len(pages) + len(rejects) >= len(whole) - 5


NOISE = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [
                b"<mediawiki>", b"</mediawiki>", b"<page>", b"</page>", b"<page", b"<page/>", b"<title>", b"</title>",
                b"<id>", b"</id>", b"1", b"<revision>", b"</revision>", b"<text>", b"</text>", b"<ns>", b"</ns>",
                b"<redirect title='x'/>", b"&amp;", b"&#xD800;", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"BZh91AY&SY",
                b"\x1f\x8b\x08", b"<page><title>A</title><id>1</id><revision><text>x</text></revision></page>",
            ]
        ),
    ),
    max_size=30,
).map(b"".join)  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=NOISE, packed=st.sampled_from(KINDS), read_as=st.sampled_from(["xml", "bz2", "gz"]), is_last=st.booleans())
def test_any_bytes_give_pages_rejects_or_an_input_error(
    tmp_path: Path, noise: bytes, packed: Kind, read_as: str, is_last: bool
) -> None:
    path = tmp_path / "noise"
    path.write_bytes(compress(noise, packed))
    streams = [Stream(str(path), 0, path.stat().st_size, read_as, is_last)]  # type: ignore[arg-type]
    try:
        streams += find_streams(path)
    except InputError as error:
        assert error.path == str(path)
    for stream in streams:
        try:
            for item in read_pages(stream):
                assert isinstance(item, Page | Reject)
        except InputError as error:
            assert error.path == str(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=200), kind=st.sampled_from(KINDS))
def test_any_text_comes_back_unchanged(tmp_path: Path, text: str, kind: Kind) -> None:
    text = "".join(char for char in text if char not in "\ufffe\uffff")
    pages = [DumpPage("A", text), DumpPage("B", text)]
    got = read_all(write_dump(tmp_path, pages, kind))
    assert [item.wikitext if isinstance(item, Page) else item for item in got] == [text, text]
    assert dump_xml(pages).count("<page>") == 2
