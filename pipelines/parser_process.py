"""The child's side of the guard: reads pages from a pipe, parses them, ends with its parent."""

from __future__ import annotations

import fcntl
import os
import pickle
import resource
import signal
import struct
from pathlib import Path
from typing import Any, BinaryIO, Literal

__all__ = ["HEADER", "Status", "serve"]

Status = Literal["done", "error", "memory"]
HEADER = struct.Struct("<Q")
"""Every message is its length in bytes, then a pickle. Both ends are ours, and the pipe is private."""

_MAX_DETAIL_CHARS = 500


def serve(lifeline: int, memory_bytes: int) -> None:
    """Be the child: read the parser, then pages from stdin, and write answers to stdout, until stdin ends.

    An answer is a pair (Status, value): the result, the message of an exception, or null.

    Args:
        lifeline: the reading end of a pipe that the parent holds open.
        memory_bytes: what may be taken beyond what is taken once the parser is imported.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    _end_with_parent(lifeline)
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what the parser prints must not get between the answers
    try:
        parse = pickle.loads(_next_request(requests))  # noqa: S301
    except Exception as error:
        _answer(answers, "error", _describe(error))
        return
    _limit_memory(memory_bytes)
    _answer(answers, "done", None)
    while request := _next_request(requests):
        try:
            _answer(answers, "done", parse(pickle.loads(request)))  # noqa: S301
        except MemoryError:
            _answer(answers, "memory", None)
        except Exception as error:
            _answer(answers, "error", _describe(error))


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


def _next_request(requests: BinaryIO) -> bytes:
    """Read the next message; b"" where the pipe ends."""
    head = requests.read(HEADER.size)
    if len(head) < HEADER.size:
        return b""
    (size,) = HEADER.unpack(head)
    return requests.read(size)


def _answer(answers: BinaryIO, status: Status, value: Any) -> None:
    data = pickle.dumps((status, value), pickle.HIGHEST_PROTOCOL)
    answers.write(HEADER.pack(len(data)))
    answers.write(data)
    answers.flush()


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_MAX_DETAIL_CHARS]
