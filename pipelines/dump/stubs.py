"""Stub dumps: exports that name their pages and revisions but leave out every text."""

from __future__ import annotations

import re
from contextlib import suppress
from os import PathLike

from pipelines.dump.streams import Stream, StreamDamage, compression_of, decompress
from pipelines.storage import open_file, size_of
from schemas.errors import InputError

__all__ = ["check_texts"]

_SAMPLE_BYTES = 2**20
_TEXT = re.compile(rb"<text\b([^>]{0,2000}?)(/?)>(</text)?")
_HAS_BYTES = re.compile(rb"\bbytes=\"0*[1-9]")


def check_texts(path: str | PathLike[str], head: bytes = b"") -> None:
    """Check by the first pages of a dump that it holds their texts.

    A text is left out where its element is empty and yet has a size (`<text bytes="19052" id="1" />`). One that is
    empty, or was deleted, has none, and says nothing.

    Args:
        path: of the dump, or its URL.
        head: its first bytes, decompressed, where they are known. Nothing is read if a text stands in them already.

    Raises:
        InputError: texts are left out, and none is there.
    """
    if _holds_text(head):
        return
    sample = b""
    with open_file(path) as file:
        compression = compression_of(file.read(16))
    # A damaged stream is judged by the bytes before the damage; reading its pages reports what is lost.
    with suppress(StreamDamage):
        for piece in decompress(Stream(str(path), 0, size_of(path), compression)):
            sample += piece[:_SAMPLE_BYTES]
            if len(sample) >= _SAMPLE_BYTES:
                break
    if _leaves_texts_out(sample):
        raise InputError(
            "a stub dump: it names pages but leaves out their texts",
            path=path,
            remedy="give the dump with the texts: pages-articles",
        )


def _holds_text(xml: bytes) -> bool:
    """Return whether XML has a text that is there, as nearly every dump has on its first page.

    >>> _holds_text(b'<text bytes="7" /><text bytes="0"></text>'), _holds_text(b'<text bytes="7" /><text>a</text>')
    (False, True)
    """
    return any(not match[2] and not match[3] for match in _TEXT.finditer(xml))


def _leaves_texts_out(xml: bytes) -> bool:
    """Return whether XML has pages, and each text in it is left out.

    >>> _leaves_texts_out(b'<text bytes="7" id="1" />'), _leaves_texts_out(b'<text bytes="7" /><text>a</text>')
    (True, False)
    """
    if _holds_text(xml):
        return False
    is_left_out = False
    for attributes, _, _ in _TEXT.findall(xml):
        is_left_out |= bool(_HAS_BYTES.search(attributes)) and b"deleted" not in attributes
    return is_left_out
