"""Where the streams of a dump are (by index, by scanning, by cutting), and how they are decompressed."""

from __future__ import annotations

import bz2
import gzip
import pickle
import random
import tracemalloc
from pathlib import Path

import pytest

from pipelines.dump import Page, Stream, decompress, find_streams, read_pages, scan_bz2
from pipelines.dump import reader as dump
from pipelines.dump.streams import StreamDamage, cut_xml
from schemas.errors import InputError
from schemas.records import Reject
from tests.support.dumps import INDEX_NAME, DumpPage, dump_xml, pages_xml, write_dump, write_multistream

PAGES = [DumpPage(f"Page {number}", f"Text of page {number}. " * 30) for number in range(1, 8)]


def read_all(path: Path, index_path: Path | None = None) -> list[Page | Reject]:
    return [item for stream in find_streams(path, index_path) for item in read_pages(stream)]


def covers(streams: list[Stream], path: Path) -> bool:
    """Check that streams lie end to end from the first byte to the last, and that only the last is marked as such."""
    ends = [stream.offset + stream.length for stream in streams]
    starts = [stream.offset for stream in streams]
    is_last = [stream.is_last for stream in streams]
    return (
        starts == [0, *ends[:-1]] and ends[-1] == path.stat().st_size and is_last == [False] * (len(ends) - 1) + [True]
    )


def test_a_stream_is_a_value_that_pickles(tmp_path: Path) -> None:
    streams = find_streams(write_dump(tmp_path, PAGES))
    assert pickle.loads(pickle.dumps(streams)) == streams
    assert len({*streams}) == len(streams)


def test_scanning_finds_every_stream_from_the_header_to_the_footer(tmp_path: Path) -> None:
    path = write_dump(tmp_path, PAGES, with_index=False)
    streams = find_streams(path)
    assert covers(streams, path)
    texts = [bz2.decompress(path.read_bytes()[s.offset : s.offset + s.length]).strip() for s in streams]
    assert texts[0].startswith(b"<mediawiki")
    assert [text.count(b"<page>") for text in texts] == [0, 2, 2, 2, 1, 0]
    assert texts[-1] == b"</mediawiki>"


def test_the_index_gives_the_same_pages_as_scanning(tmp_path: Path) -> None:
    path = write_dump(tmp_path, PAGES)
    by_index = find_streams(path)
    assert covers(by_index, path)
    assert len(by_index) == 5  # the footer belongs to the last stream of the index
    pages = read_all(path)
    (tmp_path / INDEX_NAME).unlink()
    assert len(find_streams(path)) == 6
    assert read_all(path) == pages
    assert [page.title for page in pages if isinstance(page, Page)] == [page.title for page in PAGES]


def test_an_index_may_be_given_and_may_be_unpacked(tmp_path: Path) -> None:
    path = write_dump(tmp_path, PAGES)
    packed = tmp_path / INDEX_NAME
    plain = tmp_path / "elsewhere.txt"
    plain.write_bytes(bz2.decompress(packed.read_bytes()))
    streams = find_streams(path)
    packed.unlink()
    assert find_streams(path, plain) == streams
    plain.rename(packed.with_suffix(""))
    assert find_streams(path) == streams


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        (lambda lines: [*lines[:3], "999999999:4:Page 4\n"], "line 4", "behind the end of the dump"),
        (lambda lines: [*lines[:2], "5:3:Page 3\n"], "line 3", "smaller than the one before"),
        (lambda lines: [f"{int(lines[0].split(':')[0]) + 1}:1:Page 1\n"], "line 1", "no bz2 stream starts"),
        (lambda lines: [*lines, "some words\n"], "line 8", "not a line of a multistream index"),
        (lambda lines: ["-5:1:Page 1\n"], "line 1", "not a line of a multistream index"),
        (lambda lines: [], None, "the file is empty"),
    ],
)
def test_a_wrong_index_is_an_error_with_its_line(tmp_path: Path, change, place: str | None, message: str) -> None:
    path = write_dump(tmp_path, PAGES)
    lines = bz2.decompress((tmp_path / INDEX_NAME).read_bytes()).decode().splitlines(keepends=True)
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("".join(change(lines)))
    with pytest.raises(InputError, match=message) as caught:
        find_streams(path, wrong)
    assert caught.value.path == str(wrong)
    assert caught.value.place == place
    if place:
        assert "leave the index out" in str(caught.value)


def test_a_truncated_index_is_an_error(tmp_path: Path) -> None:
    path = write_dump(tmp_path, PAGES)
    index = tmp_path / INDEX_NAME
    index.write_bytes(index.read_bytes()[:-20])
    with pytest.raises(InputError, match="the index cannot be read"):
        find_streams(path)


def test_an_index_for_another_compression_is_an_error(tmp_path: Path) -> None:
    write_dump(tmp_path, PAGES)
    with pytest.raises(InputError, match="bz2 dump only"):
        find_streams(write_dump(tmp_path, PAGES, "gz"), tmp_path / INDEX_NAME)


def test_compression_is_known_by_content_not_by_name(tmp_path: Path) -> None:
    expected = read_all(write_dump(tmp_path, PAGES, "xml"))
    for kind in ("xml", "bz2", "gz"):
        path = write_dump(tmp_path, PAGES, kind).rename(tmp_path / "dump.dat")
        assert [stream.compression for stream in find_streams(path)] == [kind]
        assert read_all(path) == expected


def test_the_stream_magic_inside_of_compressed_data_is_no_stream(tmp_path: Path) -> None:
    """The magic is put into the file by hand: bz2 changes even data that it cannot compress."""
    stream = bz2.compress(random.Random(1).randbytes(5000))
    magic = b"BZh91AY&SY"
    forged = stream[:2000] + magic + stream[2000 + len(magic) :]
    path = tmp_path / "a.bz2"
    path.write_bytes(bz2.compress(b"<mediawiki>") + forged + bz2.compress(b"</mediawiki>"))
    first = len(bz2.compress(b"<mediawiki>"))
    assert scan_bz2(path) == [0, first, first + len(forged)]


def test_a_stream_whose_predecessor_lost_its_end_is_found_by_decoding_its_head(tmp_path: Path) -> None:
    one, two = bz2.compress(b"<page>one</page>"), bz2.compress(b"<page>two</page>")
    path = tmp_path / "a.bz2"
    path.write_bytes(one[:-12] + b"x" * 12 + two)
    assert scan_bz2(path) == [0, len(one)]


@pytest.mark.parametrize("shift", range(-12, 13, 3))
def test_streams_are_found_across_the_borders_of_what_is_scanned_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shift: int
) -> None:
    streams = [bz2.compress(f"<page>{number}</page>".encode()) for number in range(40)]
    monkeypatch.setattr("pipelines.dump.streams._SCAN_BYTES", len(streams[0]) * 3 + shift)
    path = tmp_path / "a.bz2"
    path.write_bytes(b"".join(streams))
    sizes = [len(stream) for stream in streams]
    assert scan_bz2(path) == [sum(sizes[:number]) for number in range(40)]


def test_empty_streams_and_zero_padding_are_passed_over(tmp_path: Path) -> None:
    path = write_dump(tmp_path, PAGES, with_index=False)
    expected = read_all(path)
    path.write_bytes(bz2.compress(b"") + path.read_bytes() + bz2.compress(b"") + b"\0" * 512)
    assert read_all(path) == expected


def test_streams_that_are_not_cut_at_pages_are_read_as_one(tmp_path: Path) -> None:
    xml = dump_xml(PAGES).encode()
    path = tmp_path / "pbzip2.xml.bz2"
    pieces = [xml[start : start + 1000] for start in range(0, len(xml), 1000)]
    path.write_bytes(b"".join(map(bz2.compress, pieces)))
    assert [(s.offset, s.length) for s in find_streams(path)] == [(0, path.stat().st_size)]
    assert read_all(path) == read_all(write_dump(tmp_path, PAGES, "xml"))


def test_gz_of_several_members_is_read_through(tmp_path: Path) -> None:
    xml = dump_xml(PAGES).encode()
    path = tmp_path / "a.xml.gz"
    path.write_bytes(gzip.compress(xml[:1500]) + gzip.compress(xml[1500:]) + b"\0" * 100)
    assert read_all(path) == read_all(write_dump(tmp_path, PAGES, "xml"))


@pytest.mark.parametrize("range_bytes", [1, 100, 1000, 10**6])
def test_plain_xml_is_cut_at_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, range_bytes: int) -> None:
    path = write_dump(tmp_path, PAGES, "xml")
    whole = read_all(path)
    monkeypatch.setattr(dump, "cut_xml", lambda path: cut_xml(path, range_bytes))
    streams = find_streams(path)
    assert covers(streams, path)
    assert len(streams) == {1: 8, 100: 8, 10**6: 1}.get(range_bytes, len(streams))
    assert all(stream.length >= range_bytes for stream in streams[:-1])
    data = path.read_bytes()
    assert all(data[stream.offset :].startswith(b"<page>") for stream in streams[1:])
    assert read_all(path) == whole


def test_a_dump_of_bare_pages_is_read(tmp_path: Path) -> None:
    path = tmp_path / "pages.xml"
    path.write_text("".join(pages_xml(PAGES)), encoding="utf-8")
    assert read_all(path) == read_all(write_dump(tmp_path, PAGES, "xml"))


def test_decompression_is_bounded_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.bz2"
    path.write_bytes(bz2.compress(b"<page>" + b" " * 10**8))
    assert path.stat().st_size < 1000
    tracemalloc.start()
    total = sum(len(piece) for piece in decompress(Stream(str(path), 0, path.stat().st_size, "bz2")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 10**8 + 6
    assert peak < 60 * 2**20


def test_bz2_text_of_a_damaged_block_is_not_returned(tmp_path: Path) -> None:
    """The middle one of three blocks is damaged, which its checksum shows only after its last byte."""
    source = random.Random(3)
    words = [source.randbytes(4).hex().encode() for _ in range(5000)]
    text = b" ".join(source.choice(words) for _ in range(250_000))
    good = bytearray(bz2.compress(text))
    path = tmp_path / "a.bz2"
    for offset in range(len(good) * 5 // 10, len(good) * 6 // 10, 3000):
        data = good.copy()
        data[offset] ^= 1
        path.write_bytes(data)
        out = b""
        with pytest.raises(StreamDamage, match="does not decode") as caught:
            for piece in decompress(Stream(str(path), 0, len(data), "bz2")):
                out += piece
        assert caught.value.reason == "corrupt_stream"
        assert text.startswith(out)
        assert 890_000 < len(out) < 910_000  # the first block


def test_a_file_that_went_away_is_an_error(tmp_path: Path) -> None:
    path = write_dump(tmp_path, PAGES, "xml")
    streams = find_streams(path)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        list(read_pages(streams[0]))


def test_a_multistream_file_holds_what_the_index_promises(tmp_path: Path) -> None:
    offsets = write_multistream(tmp_path / "a.bz2", "<mediawiki>", pages_xml(PAGES), "</mediawiki>", 3)
    assert sorted(set(offsets)) == scan_bz2(tmp_path / "a.bz2")[1:-1]
