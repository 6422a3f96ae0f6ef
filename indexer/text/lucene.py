"""Our Lucene index as a folder: the names of its fields, how it opens, and Lucene's errors in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from indexer.text.jvm import java_class

__all__ = ["CONTENTS", "ID", "LUCENE", "PAGE", "TITLE", "open_directory", "reason_of"]

LUCENE = "org.apache.lucene"
ID, PAGE, TITLE, CONTENTS = "id", "page", "title", "contents"
"""The fields: sentence id (stored), page id (a term, not stored), words of the title and of the sentence (counted)."""

_WRAPPER = "java.util.concurrent.ExecutionException"


def open_directory(folder: Path) -> Any:
    """Open a folder as a Lucene directory."""
    path = java_class("java.nio.file.Paths").get(str(folder.absolute()))
    return java_class(f"{LUCENE}.store.FSDirectory").open(path)


def reason_of(error: Exception) -> str:
    r"""Return the message of a Java exception, without its stack and without the wrapping of another thread.

    >>> reason_of(OSError("JVM exception occurred: a.b.CorruptIndexException: truncated\n\ta.b.C.d(C.java:1)"))
    'a.b.CorruptIndexException: truncated'
    >>> reason_of(OSError("JVM exception occurred: java.io.IOException: full java.io.IOException: full"))
    'java.io.IOException: full'
    """
    text = str(error).partition("\n")[0].removeprefix("JVM exception occurred: ")
    while text.startswith(f"{_WRAPPER}: "):
        text = text.removeprefix(f"{_WRAPPER}: ")
    half = len(text) // 2  # a cause is repeated behind a blank: "A: why A: why"
    if len(text) % 2 and text[:half] == text[half + 1 :]:
        return text[:half]
    names = text.split(": ")
    return ": ".join(names[1:]) if len(names) > 2 and names[0] == names[1] else text
