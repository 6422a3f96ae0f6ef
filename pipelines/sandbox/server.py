"""The program of the child: read items from a pipe, run the function on each, write the replies, end with the owner."""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import resource
import signal
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pipelines.sandbox.clock import ItemClock

__all__ = ["HEADER", "ReplyStatus", "serve"]

ReplyStatus = Literal["done", "error", "memory"]
HEADER = struct.Struct("<Q")
"""Every message is its length in bytes (unsigned, little-endian), then a pickle of that length.

    owner -> child, once:   the function
    child -> owner, once:   [reply "done"], when the function is imported
    owner -> child, often:  [item, item, ...]       each item a pickle of its own
    child -> owner, often:  [reply, reply, ...]     each a pickled pair (ReplyStatus, value), in the order of the items

The value of a reply is the result, the text of an exception, or None. After a lack of memory the items that follow in
the message have no reply. Items are pickled one by one so that one that cannot be unpickled costs itself alone.

A pickle can make its reader run any code, so it must come from a trusted writer. Here both ends are this program, and
the pipes have no name: only the owner and the child that it started can write into them. The sandbox guards against
hangs, crashes and lack of memory; it does not hold back a child that hostile input has taken over.
"""

_MAX_DETAIL_CHARS = 500


def serve(lifeline: int, clock: int, memory_bytes: int) -> None:
    """Read the function and then items from stdin, and write replies to stdout, until stdin ends.

    Args:
        lifeline: descriptor of the reading end of a pipe that the owner holds open.
        clock: descriptor of the file of an `ItemClock`.
        memory_bytes: address space that may be taken beyond what is taken once the function is imported.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner decides what an interrupt means
    _end_with_owner(lifeline)
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what the function prints goes to stderr: on stdout it would stand between the replies
    try:
        function = pickle.loads(_read_message(requests))  # noqa: S301
    except Exception as error:
        _send(replies, [_to_reply("error", _describe(error))])
        return
    gc.freeze()  # what is imported stays: the garbage collector need not look at it again
    item_clock = ItemClock(clock)
    _limit_memory(memory_bytes)  # after the import, so that the limit does not depend on how much is imported
    _send(replies, [_to_reply("done", None)])
    while message := _read_message(requests):
        _send(replies, _run_all(function, pickle.loads(message), item_clock))  # noqa: S301


def _run_all(function: Callable[[Any], object], items: list[bytes], clock: ItemClock) -> list[bytes]:
    """Run the function on the items of a message, setting the clock before anything is done with an item."""
    replies: list[bytes] = []
    for position, item in enumerate(items):
        clock.begin(position)
        try:
            replies.append(_to_reply("done", function(pickle.loads(item))))  # noqa: S301
        except MemoryError:
            replies.append(_to_reply("memory", None))
            break  # the owner ends this process: what is left of its memory may be in pieces
        except Exception as error:
            replies.append(_to_reply("error", _describe(error)))
    clock.begin(len(items))  # the time to send large replies is not the last item's
    return replies


def _end_with_owner(lifeline: int) -> None:
    """Have the kernel end this process when the other end of the pipe closes, however the owner ends.

    Two simpler ways fail. A thread that waits here may never run: a function in C can hold the interpreter for ever.
    Linux's parent-death signal comes when the thread that started the child ends, and Beam ends such threads early.

    Source: fcntl(2), O_ASYNC: the kernel sends SIGIO to the descriptor's owner; by default that signal ends a process.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def _limit_memory(memory_bytes: int) -> None:
    """Limit the address space to what is taken now and memory_bytes more (Linux only); write no core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sizes = Path("/proc/self/statm")
    if sizes.exists():
        limit = int(sizes.read_text().split()[0]) * resource.getpagesize() + memory_bytes
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))


def _read_message(requests: BinaryIO) -> bytes:
    """Read the next message; b"" where the pipe ends."""
    head = requests.read(HEADER.size)
    if len(head) < HEADER.size:
        return b""
    (size_bytes,) = HEADER.unpack(head)
    return requests.read(size_bytes)


def _to_reply(status: ReplyStatus, value: object) -> bytes:
    return pickle.dumps((status, value), pickle.HIGHEST_PROTOCOL)


def _send(pipe: BinaryIO, replies: list[bytes]) -> None:
    message = pickle.dumps(replies, pickle.HIGHEST_PROTOCOL)
    pipe.write(HEADER.pack(len(message)))
    pipe.write(message)
    pipe.flush()


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_MAX_DETAIL_CHARS]
