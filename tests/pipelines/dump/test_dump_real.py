"""Real dumps: the pages of three of them, through every kind of file, whole and damaged."""

from __future__ import annotations

import bz2
import random
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pipelines.dump import LOSS_REASONS, Page, find_streams, read_pages
from schemas.errors import InputError
from schemas.records import Reject
from tests.support.dumps import NAMES, Kind, compress, write_multistream

pytestmark = pytest.mark.integration

PAGES_PER_STREAM = 20


def read_all(path: Path, index_path: Path | None = None) -> list[Page | Reject]:
    return [item for stream in find_streams(path, index_path) for item in read_pages(stream)]


def pages_of(path: Path) -> list[Page]:
    items = read_all(path)
    assert [item for item in items if not isinstance(item, Page)] == []
    return [item for item in items if isinstance(item, Page)]


def by_element_tree(xml: bytes) -> list[tuple[int, int, str, str | None, str]]:
    """Read the same fields by an independent reader, which holds the whole document."""
    root = ElementTree.fromstring(xml)
    space = re.match(r"\{.*\}", root.tag)
    assert space is not None
    rows = []
    for page in root.iter(f"{space[0]}page"):
        revision = page.findall(f"{space[0]}revision")[-1]
        redirect = page.find(f"{space[0]}redirect")
        rows.append(
            (
                int(page.findtext(f"{space[0]}id") or ""),
                int(revision.findtext(f"{space[0]}id") or ""),
                page.findtext(f"{space[0]}title") or "",
                None if redirect is None else redirect.get("title"),
                revision.findtext(f"{space[0]}text") or "",
            )
        )
    return rows


def rows(pages: list[Page]) -> list[tuple[int, int, str, str | None, str]]:
    return [(page.page_id, page.revision_id, page.title, page.redirect, page.wikitext) for page in pages]


@pytest.fixture(scope="module")
def slice_xml(gensim_slice: Path) -> bytes:
    return bz2.decompress(gensim_slice.read_bytes())


@pytest.fixture(scope="module")
def slice_pages(gensim_slice: Path) -> list[Page]:
    return pages_of(gensim_slice)


def test_the_gensim_slice_has_206_pages_of_which_100_are_redirects(slice_pages: list[Page], slice_xml: bytes) -> None:
    pages = slice_pages
    assert len(pages) == 206
    assert sum(page.redirect is not None for page in pages) == 100
    assert [page.title for page in pages if page.namespace != 0] == ["Wikipedia:Adding Wikipedia articles to Nupedia"]
    assert rows(pages) == by_element_tree(slice_xml)
    assert all(page.size_bytes == len(page.wikitext.encode()) for page in pages)


def test_an_old_export_has_44_pages_of_which_11_are_redirects(shared_data: Path) -> None:
    path = shared_data / "dumps" / "wikibrain_en.xml"
    pages = pages_of(path)
    assert len(pages) == 44
    assert sum(page.redirect is not None for page in pages) == 11
    assert rows(pages) == by_element_tree(path.read_bytes())


def test_an_export_of_2025_without_siteinfo_has_70_pages_of_which_64_are_redirects(shared_data: Path) -> None:
    path = shared_data / "dumps" / "zulko_tiny.xml.bz2"
    pages = pages_of(path)
    assert len(pages) == 70
    assert sum(page.redirect is not None for page in pages) == 64
    assert rows(pages) == by_element_tree(bz2.decompress(path.read_bytes()))


def test_redirects_are_the_same_read_from_the_text_alone(
    tmp_path: Path, slice_pages: list[Page], slice_xml: bytes
) -> None:
    path = tmp_path / "untagged.xml"
    path.write_bytes(re.sub(rb"<redirect title=[^>]*>", b"", slice_xml))
    assert [page.redirect for page in pages_of(path)] == [page.redirect for page in slice_pages]


def write_kind(folder: Path, xml: bytes, kind: Kind) -> Path:
    """Write the slice again as a file of this kind, the multistream with its index."""
    path = folder / NAMES[kind]
    if kind != "multistream":
        path.write_bytes(compress(xml, kind))
        return path
    text = xml.decode()
    header, start, rest = text.partition("  <page>\n")
    elements = [f"{start}{page}" for page in rest.removesuffix("</mediawiki>\n").split(start)]
    offsets = write_multistream(path, header, elements, "</mediawiki>\n", PAGES_PER_STREAM)
    lines = (f"{offset}:{number}:title\n" for number, offset in enumerate(offsets))
    (folder / "index.txt").write_text("".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["xml", "gz", "multistream"])
def test_the_pages_are_the_same_through_every_kind_of_file(
    tmp_path: Path, slice_pages: list[Page], slice_xml: bytes, kind: Kind
) -> None:
    path = write_kind(tmp_path, slice_xml, kind)
    assert read_all(path) == slice_pages
    if kind == "multistream":
        assert len(find_streams(path)) == 1 + 11 + 1
        assert read_all(path, tmp_path / "index.txt") == slice_pages


@pytest.fixture(scope="module")
def damaged_kinds(tmp_path_factory: pytest.TempPathFactory, slice_xml: bytes) -> dict[Kind, bytes]:
    """The first 60 pages of the slice in three kinds: 1.9 MB of XML, so that a bz2 stream has several blocks."""
    folder = tmp_path_factory.mktemp("kinds")
    small = slice_xml[: [match.end() for match in re.finditer(rb"</page>\n", slice_xml)][59]] + b"</mediawiki>\n"
    kinds: tuple[Kind, ...] = ("bz2", "multistream", "gz", "xml")
    return {kind: write_kind(folder, small, kind).read_bytes() for kind in kinds}


@pytest.mark.parametrize("kind", ["bz2", "multistream", "gz", "xml"])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fault", ["cut", "flip"])
def test_pages_before_a_damage_are_kept_as_they_are(
    tmp_path: Path, slice_pages: list[Page], damaged_kinds: dict[Kind, bytes], kind: Kind, seed: int, fault: str
) -> None:
    data = bytearray(damaged_kinds[kind])
    offset = random.Random(f"{kind}{seed}").randrange(100, len(data))
    if fault == "cut":
        del data[offset:]
    else:
        data[offset] ^= 1 << seed
    path = tmp_path / "damaged"
    path.write_bytes(data)
    whole = slice_pages[:60]
    try:
        items = read_all(path)
    except InputError:
        assert kind == "bz2"
        assert offset < 300_000  # inside the first block: nothing lies before it
        return
    pages = [item for item in items if isinstance(item, Page)]
    losses = [item for item in items if isinstance(item, Reject) and item.reason in LOSS_REASONS]
    if kind in ("bz2", "multistream"):
        assert all(page in whole for page in pages)
    if fault == "cut":
        assert pages == whole[: len(pages)]
        assert len(losses) == 1
        assert items[-1] == losses[0]
    elif kind != "xml":
        assert len(losses) >= 1 or pages == whole
    if kind == "xml":
        assert len(items) >= (59 if fault == "flip" else 1)
