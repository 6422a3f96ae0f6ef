"""The child's side of the guard: reads pages from a pipe, parses them, ends with its parent."""

from __future__ import annotations

import fcntl
import os
import pickle
import resource
import signal
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pipelines.sandbox.clock import PageClock

__all__ = ["HEADER", "Status", "serve"]

Status = Literal["done", "error", "memory"]
HEADER = struct.Struct("<Q")
"""Every message is its length in bytes, then a pickle. Both ends are ours, and the pipe is private.

The first message to the child is the parser. Each one after it is a list of pickled pages; its answer is a list of
pickled pairs (Status, value), one for each page in order: the result, the message of an exception, or None. After a
lack of memory the pages behind are left out.
"""

_MAX_DETAIL_CHARS = 500


def serve(lifeline: int, clock: int, memory_bytes: int) -> None:
    """Be the child: read the parser, then pages from stdin, and write answers to stdout, until stdin ends.

    Args:
        lifeline: the reading end of a pipe that the parent holds open.
        clock: the file of a `PageClock`.
        memory_bytes: what may be taken beyond what is taken once the parser is imported.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    _end_with_parent(lifeline)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what the parser prints must not get between the answers
    try:
        parse = pickle.loads(_next_message(requests))  # noqa: S301
    except Exception as error:
        _send(answers, [_answer("error", _describe(error))])
        return
    page_clock = PageClock(clock)
    _limit_memory(memory_bytes)
    _send(answers, [_answer("done", None)])
    while message := _next_message(requests):
        _send(answers, _parse_all(parse, pickle.loads(message), page_clock))  # noqa: S301


def _parse_all(parse: Callable[[Any], object], pages: list[bytes], clock: PageClock) -> list[bytes]:
    """Parse the pages of a message, telling the clock of each before anything is done with it."""
    answers: list[bytes] = []
    for place, page in enumerate(pages):
        clock.begin(place)
        try:
            answers.append(_answer("done", parse(pickle.loads(page))))  # noqa: S301
        except MemoryError:
            answers.append(_answer("memory", None))
            break
        except Exception as error:
            answers.append(_answer("error", _describe(error)))
    clock.begin(len(pages))
    return answers


def _end_with_parent(lifeline: int) -> None:
    """Let the kernel end this process when the other end of the pipe closes, however the parent ends.

    Neither a thread here (a parser in C may never let it run) nor Linux's parent-death signal (sent already when the
    parent's thread ends, and Beam's threads do) would do.

    Source: fcntl(2), O_ASYNC: SIGIO, whose default is to terminate, is sent to the owner of the descriptor.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def _limit_memory(memory_bytes: int) -> None:
    """Bound the address space to what is taken now and memory_bytes more (Linux only); leave no core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sizes = Path("/proc/self/statm")
    if sizes.exists():
        limit = int(sizes.read_text().split()[0]) * resource.getpagesize() + memory_bytes
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))


def _next_message(requests: BinaryIO) -> bytes:
    """Read the next message; b"" where the pipe ends."""
    head = requests.read(HEADER.size)
    if len(head) < HEADER.size:
        return b""
    (size,) = HEADER.unpack(head)
    return requests.read(size)


def _answer(status: Status, value: object) -> bytes:
    return pickle.dumps((status, value), pickle.HIGHEST_PROTOCOL)


def _send(answers: BinaryIO, parts: list[bytes]) -> None:
    data = pickle.dumps(parts, pickle.HIGHEST_PROTOCOL)
    answers.write(HEADER.pack(len(data)))
    answers.write(data)
    answers.flush()


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_MAX_DETAIL_CHARS]
