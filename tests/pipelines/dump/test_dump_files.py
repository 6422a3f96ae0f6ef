"""The files of a dump: what is refused at once, which files a pattern names, the date in a name."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import pytest

from pipelines.dump import check_dump, dump_date, expand_inputs, find_streams, read_pages
from schemas.errors import InputError
from tests.support.dumps import INDEX_NAME, DumpPage, dump_xml, write_dump

XML = dump_xml([DumpPage("Tea", "a drink")])
BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>
"""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "no data in the file"),
        (bz2.compress(b""), "no data in the file"),
        (gzip.compress(b""), "no data in the file"),
        (b"just some words", "not XML"),
        (b'{"title": "Tea"}', "not XML"),
        (b"\0" * 100, "not XML"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"\n<html lang=en>", "an HTML page"),
        (gzip.compress(b"<HTML><body>"), "an HTML page"),
        (b"<?xml version='1.0'?><rss version='2.0'></rss>", "its root is <rss>"),
        (bz2.compress(b"<feed xmlns='x'/>"), "its root is <feed>"),
        (b"<mediawikis/>", "its root is <mediawikis>"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        (b"\x89PNG\r\n", "a PNG image"),
        (b"PK\x03\x04....", "a zip archive, which is not supported"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive, which is not supported"),
        (b"\xfd7zXZ\0", "xz data, which is not supported"),
        (b"\x28\xb5\x2f\xfd", "zstd data, which is not supported"),
        (XML.encode("utf-16"), "UTF-16"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?>' + XML.encode(), "declares the encoding ISO-8859-1"),
        (b"BZh91AY&SY and then nonsense", "does not decode"),
        (bz2.compress(XML.encode())[:40], "ends early"),
        (gzip.compress(XML.encode())[:12], "ends early"),
        (BOMB.encode() + XML.encode(), "declares a DOCTYPE"),
        (bz2.compress(BOMB.encode() + XML.encode()), "declares a DOCTYPE"),
        (b'<!DOCTYPE mediawiki SYSTEM "file:///etc/passwd">' + XML.encode(), "declares a DOCTYPE"),
    ],
)
def test_a_file_that_is_no_dump_is_refused_with_path_and_remedy(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "dump.xml.bz2"
    path.write_bytes(data)
    for check in (check_dump, find_streams):
        with pytest.raises(InputError, match=message) as caught:
            check(path)
        assert caught.value.path == str(path)
        assert caught.value.remedy
        assert len(str(caught.value)) < 600


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        check_dump(tmp_path / "none.xml")
    with pytest.raises(InputError, match="a folder, not a dump file"):
        check_dump(tmp_path)


@pytest.mark.parametrize(
    "start",
    ["", "\ufeff", "\n  ", '<?xml version="1.0" encoding="utf-8"?>\n', "<?xml version='1.0'?><!-- made\nby hand --> "],
)
def test_an_export_may_start_in_several_ways(tmp_path: Path, start: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(start + XML, encoding="utf-8")
    check_dump(path)
    assert [page.title for stream in find_streams(path) for page in read_pages(stream)] == ["Tea"]


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("enwiki-20251101-pages-articles.xml.bz2", "2025-11-01"),
        ("/a/20240101/simplewiki-20251120-pages-articles-multistream1.xml-p1p41242.bz2", "2025-11-20"),
        ("20251101.xml", "2025-11-01"),
        ("enwiki-20251301-pages-articles.xml.bz2", None),
        ("enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2", None),
        ("wikibrain_en.xml", None),
    ],
)
def test_the_day_of_a_dump_is_read_from_its_name(name: str, day: str | None) -> None:
    assert dump_date(name) == day


def test_patterns_give_each_file_once_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        (tmp_path / f"wiki-multistream{number}.xml.bz2").touch()
    (tmp_path / "wiki-multistream-index2.txt.bz2").touch()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "part[1].xml").touch()
    everything = f"{tmp_path}/**"
    found = expand_inputs([f"{tmp_path}/*multistream1*", f"{tmp_path}/*.bz2", f"{tmp_path}/deep/part[1].xml"])
    names = [path.name for path in found]
    assert names == [
        "part[1].xml",
        "wiki-multistream1.xml.bz2",
        "wiki-multistream2.xml.bz2",
        "wiki-multistream10.xml.bz2",
    ]
    assert expand_inputs([everything]) == found


def test_a_pattern_that_names_no_dump_is_an_error(tmp_path: Path) -> None:
    write_dump(tmp_path, [DumpPage("Tea")])
    for pattern, message in [
        (f"{tmp_path}/*.7z", "no file matches"),
        (f"{tmp_path}/none.xml", "there is no such file"),
        (f"{tmp_path}/{INDEX_NAME}", "only the index"),
        (f"{tmp_path}", "a folder"),
    ]:
        with pytest.raises(InputError, match=message) as caught:
            expand_inputs([f"{tmp_path}/*.bz2", pattern])
        assert caught.value.path == pattern
