"""The streams of a dump file: find where each starts, and decompress them in bounded memory.

A multistream dump is many bz2 streams in one file, of 100 pages each, that can be read apart from each other:

    offset 0              616                 612,345             ...
    | bz2: <mediawiki>... | bz2: 100 pages    | bz2: 100 pages    | ... | bz2: </mediawiki> |
"""

from __future__ import annotations

import bz2
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from typing import BinaryIO, Literal

from pipelines.storage import open_at, open_file, size_of
from schemas.errors import InputError

__all__ = ["BZ2_MAGIC", "Compression", "Stream", "StreamDamage", "compression_of", "cut_xml", "decompress", "scan_bz2"]

Compression = Literal["xml", "bz2", "gz"]

BZ2_MAGIC = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")
"""The start of a bz2 stream: level, then the magic of a block or of the end. Source: the bzip2 format."""

_BZ2_START = re.compile(rb"BZh[1-9]1AY&SY")
"""The start of a bz2 stream that holds data: an empty one holds no page."""
_BZ2_START_BYTES = 10
_BZ2_END = 0x177245385090  # the decimals of the square root of pi; a block's magic has those of pi
_BZ2_END_BYTES = 11  # 48 bits of magic, 32 of checksum, up to 7 of padding
_PAGE_START = re.compile(rb"<page[\s>]")
_SCAN_BYTES = 8 * 2**20
_READ_BYTES: dict[Compression, int] = {"xml": 2**20, "bz2": 16 * 2**10, "gz": 16 * 2**10}
"""Bytes that are read at once. Few of compressed data, because they may become thousands of times as many."""
_MAX_OUTPUT_BYTES = 8 * 2**20
"""Bytes that a decoder returns at once: what a bomb can take of the memory."""
_PROBE_BYTES = 2**20
"""More than a bz2 block can have (900 kB), so that one can be decoded and its checksum compared."""
XML_RANGE_BYTES = 64 * 2**20
"""Large beside the 1 MiB that is read in vain to find where a range begins."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A part of a dump that can be read by itself.

    Args:
        path: of the file, or its URL.
        offset: of the first byte in the file.
        length: in bytes, as they are in the file.
        compression: of the file.
        is_last: whether the end of the export must be in this part, if the export has one.
    """

    path: str
    offset: int
    length: int
    compression: Compression
    is_last: bool = True


class StreamDamage(Exception):
    """Compressed data that ends early ("truncated_stream") or cannot be decoded ("corrupt_stream")."""

    def __init__(self, reason: Literal["truncated_stream", "corrupt_stream"], detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def compression_of(head: bytes) -> Compression:
    """Return how a file is compressed, by its first bytes; what is neither bz2 nor gz counts as plain XML.

    >>> compression_of(b"BZh91AY&SY"), compression_of(bytes([31, 139, 8])), compression_of(b"<mediawiki")
    ('bz2', 'gz', 'xml')
    """
    if BZ2_MAGIC.match(head):
        return "bz2"
    return "gz" if head.startswith(b"\x1f\x8b") else "xml"


def decompress(stream: Stream) -> Iterator[bytes]:
    """Yield a stream's bytes, decompressed, in chunks of bounded size.

    The range of the stream may hold several compressed streams one after the other. A chunk of bz2 output is held back
    until the decoder has gone on after it, because a block's checksum is compared after the block's last byte: so no
    text of a damaged block is returned. (One exception: more than 8 MiB out of 16 KiB, a bomb, are passed on unchecked,
    to keep memory bounded.) gz has one checksum at its end, plain XML none.

    Raises:
        StreamDamage: after the last good chunk.
        InputError: the file cannot be read.
    """
    try:
        with open_at(stream.path, stream.offset) as file:
            chunks = _read(file, stream.length, _READ_BYTES[stream.compression])
            if stream.compression == "xml":
                yield from chunks
            else:
                yield from _decode(chunks, stream.compression)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", path=stream.path) from error


def _read(file: BinaryIO, length: int, chunk_bytes: int) -> Iterator[bytes]:
    """Yield length bytes of the file (fewer if it ends) in chunks."""
    while length > 0 and (chunk := file.read(min(chunk_bytes, length))):
        length -= len(chunk)
        yield chunk


class _Bz2:
    """bz2's decoder, with at most _MAX_OUTPUT_BYTES of output at a time.

    `feed` may be called with b"" for more output of the same input. `rest` is what comes after the end of the stream.
    """

    def __init__(self) -> None:
        self._decoder = bz2.BZ2Decompressor()
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        out = self._decoder.decompress(data, _MAX_OUTPUT_BYTES)
        self.rest = self._decoder.unused_data
        return out

    @property
    def is_ended(self) -> bool:
        return self._decoder.eof


class _Gz:
    """gzip's decoder (zlib), with the same methods."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        out = self._decoder.decompress(self._decoder.unconsumed_tail + data, _MAX_OUTPUT_BYTES)
        self.rest = self._decoder.unused_data
        return out

    @property
    def is_ended(self) -> bool:
        return self._decoder.eof


def _decode(chunks: Iterator[bytes], compression: Compression) -> Iterator[bytes]:
    """Yield the output of one compressed stream after the other until the input ends."""
    data = next(chunks, b"")
    while data:
        decoder = _Bz2() if compression == "bz2" else _Gz()
        yield from _decode_one(decoder, data, chunks, compression)
        data = _skip_padding(decoder.rest, chunks)


def _decode_one(decoder: _Bz2 | _Gz, data: bytes, chunks: Iterator[bytes], compression: Compression) -> Iterator[bytes]:
    """Yield the output of one compressed stream; a chunk is held until the call after it has gone well."""
    held = b""
    while True:
        try:
            out = decoder.feed(data)
        except (OSError, ValueError, EOFError, zlib.error) as error:
            raise StreamDamage("corrupt_stream", f"the {compression} data does not decode ({error})") from error
        if held:
            yield held
        held = out
        if decoder.is_ended:
            break
        has_more = len(out) == _MAX_OUTPUT_BYTES  # of the same input: more is read only when there is none
        data = b"" if has_more else next(chunks, b"")
        if not data and not has_more:
            if held:
                yield held
            raise StreamDamage("truncated_stream", f"the {compression} data ends early")
    if held:
        yield held


def _skip_padding(rest: bytes, chunks: Iterator[bytes]) -> bytes:
    """Return the bytes of the next stream: after the zero bytes that tapes and block devices leave after a stream."""
    rest = rest.lstrip(b"\0")
    while not rest and (chunk := next(chunks, b"")):
        rest = chunk.lstrip(b"\0")
    return rest


def scan_bz2(path: str | PathLike[str]) -> list[int]:
    """Return the offset of every bz2 stream of a file, in constant memory.

    The ten bytes of a stream's start can also stand inside compressed data, by accident or by intent. So a match
    counts only if the bytes before it are the end of a stream (its magic and checksum). If that end is damaged, the
    match counts if a block that starts there can be decoded.
    """
    offsets = [0]
    with open_file(path) as file:
        base, buffer = 0, b""
        keep = _BZ2_START_BYTES + _BZ2_END_BYTES  # a match may lie across two reads, and the end before it too
        while chunk := file.read(_SCAN_BYTES):
            buffer += chunk
            for match in _BZ2_START.finditer(buffer):
                at = base + match.start()  # offset in the file; base is that of the buffer
                before = buffer[max(0, match.start() - _BZ2_END_BYTES) : match.start()]
                if at > offsets[-1] and (_ends_bz2(before) or _decodes_at(path, at)):
                    offsets.append(at)
            base += max(0, len(buffer) - keep)
            buffer = buffer[-keep:]
    return offsets


def _ends_bz2(tail: bytes) -> bool:
    """Return whether a bz2 stream ends with these bytes: end magic, checksum, less than a byte of padding.

    bz2 counts in bits, so the magic may begin at any of the eight bits of a byte.

    >>> _ends_bz2(bz2.compress(b"tea")[-11:]), _ends_bz2(b"elevenbytes")
    (True, False)
    """
    bits = int.from_bytes(tail, "big")
    return any((bits >> (32 + pad)) & 0xFFFFFFFFFFFF == _BZ2_END for pad in range(8))


def _decodes_at(path: str | PathLike[str], offset: int) -> bool:
    """Return whether a bz2 block that starts at an offset can be decoded and has its checksum."""
    probe = Stream(str(path), offset, _PROBE_BYTES, "bz2")
    try:
        return bool(next(decompress(probe), b""))
    except StreamDamage:
        return False


def cut_xml(path: str | PathLike[str], range_bytes: int = XML_RANGE_BYTES) -> list[int]:
    """Cut a plain XML dump into ranges of about range_bytes, each but the first beginning with a page.

    "<page>" can be searched for without parsing, because text cannot hold it: XML escapes "<".

    Args:
        path: of the dump, or its URL.
        range_bytes: least size of a range.

    Returns:
        The offset of each range.
    """
    offsets = [0]
    size = size_of(path)
    with open_file(path) as file:
        while offsets[-1] + range_bytes < size:
            start = _next_page(file, offsets[-1] + range_bytes)
            if start is None:
                break
            offsets.append(start)
    return offsets


def _next_page(file: BinaryIO, base: int) -> int | None:
    """Return the offset of the first page that starts at or after a byte; None if there is none."""
    file.seek(base)
    buffer = b""
    while chunk := file.read(2**20):
        buffer += chunk
        if match := _PAGE_START.search(buffer):
            return base + match.start()
        base += max(0, len(buffer) - 6)
        buffer = buffer[-6:]  # "<page>" may lie across two reads
    return None
