"""The files of a dump: find them, check that they are exports, read their date, site and multistream index."""

from __future__ import annotations

import bz2
import datetime
import glob
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from pipelines.dump.site import Site, read_siteinfo
from pipelines.dump.streams import BZ2_MAGIC, Stream, StreamDamage, compression_of, decompress
from pipelines.storage import RemoteFile, find_files, is_remote, open_file, size_of
from schemas.errors import InputError

__all__ = ["check_dump", "dump_date", "expand_inputs", "index_beside", "read_index", "read_site"]

_HEAD_BYTES = 2**20
"""Bytes of XML in which the first page must begin; the siteinfo before it has some 5 kB."""
_ROOT = re.compile(rb"<(?:mediawiki|page)[\s/>]")
_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?\s*(<\?xml[^>]*>)?\s*(?:<!--.*?-->\s*)*", re.DOTALL)
_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([^\"']{1,40})")
_DATE = re.compile(r"(?:^|-)([0-9]{8})(?:-|\.|$)")
_INDEX_NAME = re.compile(r"-index[0-9]*\.txt")
_MAX_INDEX_LINE_BYTES = 4096
_FETCH_AGAIN = "fetch the file again and compare its checksum with the one that the dump site gives"
_GIVE_EXPORT = "give a MediaWiki XML export (pages-articles), as .xml, .xml.bz2 or .xml.gz"
_NO_INDEX = "leave the index out (or move it away): the streams are found without it"
_OTHER_FORMATS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive, which is not supported",
    b"PK\x03\x04": "a zip archive, which is not supported",
    b"\xfd7zXZ\x00": "xz data, which is not supported",
    b"\x28\xb5\x2f\xfd": "zstd data, which is not supported",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89PNG": "a PNG image",
    b"%PDF": "a PDF file",
    b"\xff\xfe": "UTF-16 text, and exports are UTF-8",
    b"\xfe\xff": "UTF-16 text, and exports are UTF-8",
}


def dump_date(path: str | PathLike[str]) -> str | None:
    """Read the day of a dump from its file's name.

    >>> dump_date("enwiki-20251101-pages-articles.xml.bz2"), dump_date("enwiki-latest-pages-articles.xml.bz2")
    ('2025-11-01', None)
    """
    match = _DATE.search(Path(path).name)
    try:
        return datetime.date.fromisoformat(match.group(1)).isoformat() if match else None
    except ValueError:
        return None


def expand_inputs(patterns: Sequence[str]) -> list[Path | RemoteFile]:
    """Return the dump files that paths, URLs and globs name.

    Args:
        patterns: paths, URLs, or globs ("**" crosses folders).

    Returns:
        Each file once, sorted by name with numbers as numbers (part 2 before part 10); index files are left out.

    Raises:
        InputError: a pattern names no dump file.
    """
    found: dict[Path | RemoteFile, Path | RemoteFile] = {}
    for pattern in patterns:
        names: list[str] = []
        files: Sequence[Path | RemoteFile]
        if is_remote(pattern):
            files = find_files(pattern)
        else:
            names = [pattern] if Path(pattern).exists() else glob.glob(pattern, recursive=True)  # noqa: PTH207
            files = [Path(name) for name in names if Path(name).is_file()]
        paths = [path for path in files if not _INDEX_NAME.search(path.name)]
        if not paths:
            raise InputError(_describe_no_match(pattern, names), path=pattern, remedy=_GIVE_EXPORT)
        for path in paths:
            found.setdefault(path if isinstance(path, RemoteFile) else path.resolve(), path)
    return sorted(found.values(), key=lambda path: _by_numbers(str(path)))


def _describe_no_match(pattern: str, names: Sequence[str]) -> str:
    """Return why a pattern names no dump file, given the paths that it matched."""
    if any(_INDEX_NAME.search(Path(name).name) for name in names):
        return "only the index of a multistream dump, not the dump"
    if any(Path(name).is_dir() for name in names):
        return "a folder, not a dump file"
    return "no file matches" if glob.has_magic(pattern) else "there is no such file"


def _by_numbers(name: str) -> list[tuple[int, str]]:
    """Return a key for sorting that compares runs of digits as numbers.

    >>> sorted(["a10.xml", "a2.xml"], key=_by_numbers)
    ['a2.xml', 'a10.xml']
    """
    parts = re.split(r"([0-9]+)", name)
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts]


def check_dump(path: str | PathLike[str]) -> bytes:
    """Check by its first bytes that a file is a MediaWiki export that can be read.

    Returns:
        The first bytes, decompressed: up to the first page or more, 1 MiB at most.

    Raises:
        InputError: it is missing, empty, something else, compressed in another way, or damaged at its head; or it
            declares entities (DOCTYPE). Exports never do, and an entity that names others many times over (a "bomb")
            would fill the memory.
    """
    head = _raw_head(path)
    for magic, what in _OTHER_FORMATS.items():
        if head.startswith(magic):
            raise InputError(f"not a MediaWiki export but {what}", path=path, remedy=_GIVE_EXPORT)
    xml = read_head(path)
    prolog = _PROLOG.match(xml)
    assert prolog is not None
    declared = _ENCODING.search(prolog.group(1) or b"")
    if declared and declared.group(1).lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        encoding = declared.group(1).decode("ascii", "replace")
        raise InputError(f"declares the encoding {encoding}, and exports are UTF-8", path=path, remedy=_GIVE_EXPORT)
    body = xml[prolog.end() :]
    if not _ROOT.match(body):
        raise InputError(_describe_root(body), path=path, place="the first bytes", remedy=_GIVE_EXPORT)
    return xml


def _raw_head(path: str | PathLike[str]) -> bytes:
    """Read the first bytes of a file, as they are.

    Raises:
        InputError: it cannot be read, or is empty.
    """
    try:
        with open_file(path) as file:
            head = file.read(64)
    except IsADirectoryError as error:
        raise InputError("a folder, not a dump file", path=path, remedy=_GIVE_EXPORT) from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", path=path, remedy="check the path") from error
    if not head:
        raise InputError("the file is empty", path=path, remedy=_FETCH_AGAIN)
    return head


def _describe_root(body: bytes) -> str:
    """Return why XML (or other text) that does not begin as an export does is none."""
    start = body[:200].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page, not a MediaWiki export (a download that ended at an error page?)"
    if start.startswith((b"<!doctype", b"<!entity")):
        return "the XML declares a DOCTYPE, which exports never do; it is refused because entities can be bombs"
    root = re.match(rb"<([a-z_][\w:.-]{0,40})[\s/>]", start)
    if root:
        return f"XML, but not a MediaWiki export (its root is <{root.group(1).decode('ascii', 'replace')}>)"
    return "not XML"


def read_head(path: str | PathLike[str]) -> bytes:
    """Read the first bytes of a dump, decompressed: up to the first page or 1 MiB.

    Raises:
        InputError: they cannot be decompressed.
    """
    # The head of a store's file is read anew: only a request could tell whether it is still the same.
    return _decompress_head(str(path)) if is_remote(path) else _cached_head(str(path), *_version_of(path))


@lru_cache(maxsize=1)
def _cached_head(path: str, _size_bytes: int, _changed_ns: int) -> bytes:
    return _decompress_head(path)


def _decompress_head(path: str) -> bytes:
    raw = _raw_head(path)
    head = b""
    try:
        for piece in decompress(Stream(path, 0, size_of(path), compression_of(raw))):
            head += piece[:_HEAD_BYTES]
            if len(head) >= _HEAD_BYTES or b"<page" in piece:
                break
    except StreamDamage as damage:
        if not head:
            raise InputError(damage.detail, path=path, place="the first bytes", remedy=_FETCH_AGAIN) from damage
    if not head.strip():
        raise InputError("there is no data in the file", path=path, remedy=_FETCH_AGAIN)
    return head[:_HEAD_BYTES]


def read_site(path: str | PathLike[str]) -> Site:
    """Read the wiki that a dump is of, from its head.

    Raises:
        InputError: the head cannot be read, or its siteinfo is too large to be one.
    """
    return _read_site(str(path), *_version_of(path))


def _version_of(path: str | PathLike[str]) -> tuple[int, int]:
    """Return size and time of change of a file, so that one that was replaced is read anew."""
    if is_remote(path):  # no request to the store: this is called for each page without <ns>
        return -1, -1
    status = os.stat(path)  # noqa: PTH116
    return status.st_size, status.st_mtime_ns


@lru_cache(maxsize=64)
def _read_site(path: str, _size_bytes: int, _changed_ns: int) -> Site:
    head = read_head(path)
    if len(head) >= _HEAD_BYTES and b"<siteinfo" in head and b"</siteinfo>" not in head and b"<page" not in head:
        raise InputError(
            f"the siteinfo has more than {_HEAD_BYTES} bytes", path=path, place="the first bytes", remedy=_GIVE_EXPORT
        )
    return read_siteinfo(head)


def index_beside(path: str | PathLike[str]) -> Path | RemoteFile | None:
    """Return the index file beside a multistream dump (by Wikimedia's name, compressed or not), or None."""
    dump = RemoteFile(str(path)) if is_remote(path) else Path(path)
    if "-multistream" not in dump.name:
        return None
    name = dump.name.replace("-multistream", "-multistream-index", 1).replace(".xml", ".txt", 1)
    for candidate in (dump.with_name(name), dump.with_name(name.removesuffix(".bz2"))):
        if candidate.is_file():
            return candidate
    return None


def read_index(index_path: str | PathLike[str], dump_path: str | PathLike[str]) -> list[int]:
    """Read the stream offsets of a multistream dump from its index (lines `offset:page id:title`).

    Raises:
        InputError: a line has another form, or no stream of the dump starts at its offset.
    """
    offsets: list[int] = []
    size = size_of(dump_path)
    number = 0
    try:
        with open_file(dump_path) as dump, _open_index(index_path) as lines:
            for number, line in enumerate(iter(lambda: lines.readline(_MAX_INDEX_LINE_BYTES), b""), 1):
                text = line.partition(b":")[0]
                offset = int(text) if text.isdigit() and len(text) < 19 else -1
                if offsets and offset == offsets[-1]:
                    continue  # a line for each of the 100 pages of a stream
                problem = _find_problem(dump, offset, size, offsets[-1] if offsets else -1)
                if problem:
                    raise InputError(problem, path=index_path, place=f"line {number}", remedy=_NO_INDEX)
                offsets.append(offset)
    except (OSError, EOFError) as error:
        raise InputError(
            f"the index cannot be read ({error})", path=index_path, place=f"line {number + 1}", remedy=_NO_INDEX
        ) from error
    if not offsets:
        raise InputError("the index is empty", path=index_path, remedy=_NO_INDEX)
    return offsets


def _open_index(path: str | PathLike[str]) -> BinaryIO:
    if compression_of(_raw_head(path)) == "bz2":
        return bz2.open(open_file(path) if is_remote(path) else path, "rb")  # type: ignore[return-value]
    return open_file(path)


def _find_problem(dump: BinaryIO, offset: int, size: int, last: int) -> str | None:
    """Return what is wrong with an offset of the index; None if a stream of the dump starts there."""
    if offset < 0:
        return "not a line of a multistream index (offset:page id:title)"
    if offset < last:
        return f"offset {offset} is smaller than the one before"
    if offset >= size:
        return f"offset {offset} lies behind the end of the dump ({size} bytes)"
    dump.seek(offset)
    if not BZ2_MAGIC.match(dump.read(10)):
        return f"no bz2 stream starts at offset {offset} of the dump"
    return None
