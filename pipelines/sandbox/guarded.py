"""A function that may hang, crash or eat memory: it runs in a child process that can be killed and replaced.

The owner need not wait while the child works. It sends one message of items, prepares the next, and then receives the
results of the first (double buffering):

    owner                                           child
    send(A)      == requests: items of A ======>    works on A
    reads B from its input                          works on A
    receive()    <= replies: results of A =======   waits for a request
    send(B)      == requests: items of B ======>    works on B
    writes the results of A, reads C                works on B
    receive()    <= replies: results of B =======   waits for a request

The child waits for a request without limit; the owner waits for replies as long as the item that the child is at may
take. They never wait for each other at once: the child reads a whole message before it works, and the owner sends
nothing before it has read all replies. Replies larger than the pipe make the child wait until the owner receives.
"""

from __future__ import annotations

import pickle
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Literal, TypeVar, cast

from pipelines.sandbox.child import Child, ChildLost, Reply

__all__ = ["Failure", "GuardedFunction"]

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
_END_TIMEOUT_S = 5.0
"""Time for the kernel to report how a process ended whose pipe is closed already."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no result for an item.

    Args:
        reason: timeout; memory; died: the child ended twice at this item, once may have been from outside; error: the
            function raised an exception, or returned what cannot be pickled.
        detail: a sentence for people.
    """

    reason: Literal["timeout", "memory", "died", "error"]
    detail: str


class GuardedFunction(Generic[ItemT, ResultT]):
    """Runs a function in a child process of its own, and turns what goes wrong into a Failure.

    The child starts with the first item and stays. It is replaced after a time-out, a crash or a lack of memory, and
    ends with its owner, also when the owner is killed. Works in threads and in daemonic processes. An object belongs to
    one thread at a time; it is made where it is used, and does not pickle.

    Items may be sent together, because each message makes the two processes take turns on the processor, which takes as
    long as parsing a short article. Each item still has its own time, and a failure is its item's alone: the child
    notes which one it is at (`ItemClock`), and the others of the message are run again.

    Args:
        function: importable (it is pickled by name), or a partial of such a function. Items and results are any
            values that can be pickled.
        name: what error messages call the child: "the NAME process ended ...".
        timeout_s: time for one item.
        memory_bytes: address space that the child may take beyond what it has when it starts (Linux; no limit
            elsewhere).
    """

    def __init__(
        self,
        function: Callable[[ItemT], ResultT],
        name: str,
        timeout_s: float = 30.0,
        memory_bytes: int = 2 * 2**30,
    ) -> None:
        self._function = pickle.dumps(function, pickle.HIGHEST_PROTOCOL)
        self._name = name
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._child: Child | None = None
        self._sent: tuple[Sequence[ItemT], ChildLost | None] | None = None

    def run(self, item: ItemT) -> ResultT | Failure:
        """Run the function on one item.

        Raises:
            MieError: the child does not start.
        """
        (result,) = self._run_all([item])
        return result

    def send(self, items: Sequence[ItemT]) -> None:
        """Let the child work on items, one after the other. `receive` comes before the next `send` or `run`.

        Raises:
            MieError: the child does not start.
        """
        assert self._sent is None
        self._sent = (items, self._send(items))

    def receive(self) -> list[ResultT | Failure]:
        """Wait for the items that were sent, and return for each, in order, what `run` returns for it."""
        assert self._sent is not None
        (items, lost), self._sent = self._sent, None
        return self._receive(items, lost)

    def close(self) -> None:
        """End the child, and forget the items that were sent. A later item starts another child."""
        self._sent = None
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def __enter__(self) -> GuardedFunction[ItemT, ResultT]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_child", None) is not None:
            self.close()

    def __reduce__(self) -> str:
        raise TypeError("a GuardedFunction is made in the process that uses it, and does not pickle")

    def _run_all(self, items: Sequence[ItemT], *, is_last_try: bool = False) -> list[ResultT | Failure]:
        return self._receive(items, self._send(items), is_last_try=is_last_try) if items else []

    def _send(self, items: Sequence[ItemT]) -> ChildLost | None:
        """Send items to the child, which starts if need be; return how it was lost, or None."""
        if self._child is not None and self._child.has_ended:
            self.close()  # it was ended from outside between two messages, which is no item's failure
        self._child = self._child or Child(self._function, self._name, self._memory_bytes)
        try:
            self._child.send(items, self._timeout_s)
        except ChildLost as lost:
            return lost
        return None

    def _receive(
        self, items: Sequence[ItemT], lost: ChildLost | None, *, is_last_try: bool = False
    ) -> list[ResultT | Failure]:
        """Return the results of items that were sent; those that share a message with a failure are run again."""
        assert self._child is not None
        replies: list[Reply] = []
        if lost is None:
            try:
                replies = self._child.receive(len(items), self._timeout_s)
            except ChildLost as error:
                lost = error
        if lost is not None:
            return self._recover(items, lost, is_last_try=is_last_try)
        results = [self._to_result(*reply) for reply in replies]
        return [*results, *self._run_all(items[len(results) :])]

    def _recover(self, items: Sequence[ItemT], lost: ChildLost, *, is_last_try: bool) -> list[ResultT | Failure]:
        """Run again what a lost child owes: the items before the bad one, which were done but not yet sent, and after.

        The bad item itself is tried once more if the child died: it may have been killed from outside (for want of
        memory on the machine), which is not the item's fault.
        """
        assert self._child is not None
        failure = self._end_lost(self._child, lost)
        results = self._run_all(items[: lost.position])
        is_tried_again = failure.reason == "died" and not is_last_try
        bad = items[lost.position]
        results += self._run_all([bad], is_last_try=True) if is_tried_again else [failure]
        return [*results, *self._run_all(items[lost.position + 1 :])]

    def _to_result(self, status: str, value: object) -> ResultT | Failure:
        if status == "memory":
            self.close()
            return Failure("memory", f"it wanted more than {self._memory_bytes} bytes")
        return Failure("error", str(value)) if status == "error" else cast("ResultT", value)

    def _end_lost(self, child: Child, lost: ChildLost) -> Failure:
        """End a lost child, and return the failure of the item that it was at."""
        if lost.is_late:
            self.close()
            return Failure("timeout", f"no result after {self._timeout_s:g} s")
        code = child.wait_for_end(_END_TIMEOUT_S)
        self.close()
        how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with code {code}"
        return Failure("died", f"the {self._name} process ended {how}")
