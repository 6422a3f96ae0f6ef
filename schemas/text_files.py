"""Text files of data sets: UTF-8 lines of limited length, from a plain file or a member of a zip archive."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import IO

from schemas.errors import InputError, UsageError

__all__ = ["SPLITS", "TextFile", "find_split_files", "find_text_files", "name_without_split", "split_of"]

SPLITS = ("train", "dev", "test")
_SPLIT_WORDS = {"train": "train", "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev", "test": "test"}
_SUFFIXES = {".txt", ".json", ".jsonl", ".conll", ".tsv", ".bio"}
_MAX_LINE_BYTES = 16 * 1024 * 1024
_MAX_BYTES = 2 * 1024**3
"""Limits against archives that unpack to far more than they weigh: real data sets stay far below both."""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file: a file of its own, or a member of a zip archive."""

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        return f"{self.path}!{self.member}" if self.member else str(self.path)

    def lines(self) -> Iterator[tuple[int, str]]:
        r"""Read the lines in constant memory; only "\n" and "\r\n" end a line.

        Yields:
            The line's number, from 1, and the line without its end.

        Raises:
            InputError: the file does not exist, is damaged, is not UTF-8, has a line of more than 16 MiB, or holds more
                than 2 GiB.
        """
        total = 0
        with self._open() as stream:
            for number in count(1):
                line = self._read(stream.readline, _MAX_LINE_BYTES, f"line {number}", "a line")
                if not line:
                    return
                total += len(line)
                if total > _MAX_BYTES:
                    raise InputError("more than 2 GiB of text", path=str(self), place=f"line {number}")
                yield number, self._decode(line, number)

    def read_bytes(self, limit: int) -> bytes:
        """Read the whole file, for formats that are one value (JSON).

        Raises:
            InputError: the file does not exist, is damaged, or holds more than limit bytes.
        """
        with self._open() as stream:
            return self._read(stream.read, limit, "start", "a file")

    def _read(self, read: Callable[[int], bytes], limit: int, place: str, what: str) -> bytes:
        try:
            data = read(limit + 1)  # one byte too many shows that there is more, whatever a header claims
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"damaged or unreadable ({error})", path=str(self), place=place) from error
        if len(data) > limit:
            raise InputError(f"{what} of more than {limit:,} bytes", path=str(self), place=place)
        return data

    def _decode(self, line: bytes, number: int) -> str:
        try:
            # "utf-8-sig" drops the byte order mark that editors on Windows put before the first line.
            return line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InputError(
                f"not UTF-8 (byte {error.start})", path=str(self), place=f"line {number}", remedy="convert it to UTF-8"
            ) from error

    def _open(self) -> IO[bytes]:
        try:
            if self.member is None:
                return self.path.open("rb")
            with zipfile.ZipFile(self.path) as archive:
                # A member's own readline with a limit reads byte by byte in Python.
                return io.BufferedReader(archive.open(self.member))  # type: ignore[type-var]
        except (OSError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
            raise InputError(f"cannot be read ({error})", path=str(self)) from error


def split_of(name: str) -> str | None:
    """Return the split that a file is named after; None if its name holds no split, or two.

    >>> split_of("mnre_val .txt"), split_of("ours_train.txt"), split_of("labels.txt")
    ('dev', 'train', None)
    """
    words = re.findall("[a-z]+", PurePosixPath(name).stem.lower())
    found = {_SPLIT_WORDS[word] for word in words if word in _SPLIT_WORDS}
    return found.pop() if len(found) == 1 else None


def name_without_split(name: str) -> str:
    """Return the name of a file without its suffix and the words that name a split.

    >>> name_without_split("ner_diff_test_weight_strong.txt"), name_without_split("BLIP_val.txt")
    ('ner_diff_weight_strong', 'BLIP')
    """
    words = re.split(r"[\W_]+", PurePosixPath(name).stem)
    return "_".join(word for word in words if word and word.lower() not in _SPLIT_WORDS)


def find_split_files(source: Path, word: str = "") -> dict[str, TextFile]:
    """Find the files of train, dev and test in a folder or zip archive by their names.

    Args:
        source: a folder, a zip archive, or a single file.
        word: that a name must hold.

    Raises:
        InputError: the source does not exist, or no file in it is named after a split.
        UsageError: two files are named after one split.
    """
    found: dict[str, TextFile] = {}
    for file in find_text_files(source):
        name = file.member or file.path.name
        split = split_of(name)
        if split is None or word not in name:
            continue
        if split in found:
            raise UsageError(
                f"two files could be {split}: {found[split]} and {file}",
                remedy="name the files with --train, --dev and --test",
            )
        found[split] = file
    if not found:
        raise InputError(
            "no file here is named after a split (train, dev or valid, test)",
            path=source,
            remedy="name the files with --train, --dev and --test",
        )
    return {split: found[split] for split in SPLITS if split in found}


def find_text_files(source: Path) -> Sequence[TextFile]:
    """Find the text files of a folder or zip archive, in the order of their names.

    Args:
        source: a folder, a zip archive, or a single file.

    Raises:
        InputError: the source does not exist, or is a damaged archive.
    """
    if source.is_dir():
        paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
        return [TextFile(path) for path in paths]
    if not source.is_file():
        raise InputError("there is no such file or folder", path=source)
    if not zipfile.is_zipfile(source):
        return [TextFile(source)]
    try:
        archive = zipfile.ZipFile(source)
    except (OSError, zipfile.BadZipFile) as error:
        raise InputError(f"not a readable archive ({error})", path=source) from error
    with archive:
        names = sorted(name for name in archive.namelist() if PurePosixPath(name).suffix.lower() in _SUFFIXES)
    return [TextFile(source, name) for name in names if not name.startswith("__MACOSX/")]
