"""The guard: a parser that may hang, crash or eat memory runs in a child process that can be killed."""

from __future__ import annotations

import pickle
import signal
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Generic, TypeVar, cast

from pipelines.dump import Page
from pipelines.sandbox.child import Answer, ChildLost, ParserChild
from schemas.records import Reject

__all__ = ["GuardedParser"]

T = TypeVar("T")
_DIED = "parser_died"
_END_TIMEOUT_S = 5.0


class GuardedParser(Generic[T]):
    """Runs a parser in a child process of its own and turns what goes wrong into Rejects.

    The child starts with the first page and stays; it is replaced after a time-out, a crash or a lack of memory.
    It ends with its parent, also when the parent is killed. Works in threads and in daemonic processes; an object
    belongs to one thread at a time, and is made where it is used (it does not pickle).

    Pages may be sent together, because to send one the two processes have to change places, which takes as long as
    to parse a short article. Each still has its own time, and what goes wrong is told of the page that it went wrong
    with: the child notes which one it is at (`PageClock`), and the others are parsed again.

    Args:
        parse: an importable function (it is pickled by name), or a partial of one.
        timeout_s: time for one page.
        memory_bytes: what the child may take beyond what it has when it starts (Linux; no limit elsewhere).
    """

    def __init__(self, parse: Callable[[Page], T], timeout_s: float = 30.0, memory_bytes: int = 2 * 2**30) -> None:
        self._parser = pickle.dumps(parse, pickle.HIGHEST_PROTOCOL)
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._child: ParserChild | None = None
        self._begun: tuple[Sequence[Page], ChildLost | None] | None = None

    def parse(self, page: Page) -> T | Reject:
        """Parse one page; a failure is a Reject of the stage "article".

        Its reason is parser_timeout, parser_memory, parser_died (twice: the child may have been killed from outside,
        so the page is tried again) or parser_error; its id is the page's id and title.

        Raises:
            MieError: the child does not start.
        """
        (result,) = self._parse_all([page])
        return result

    def begin(self, pages: Sequence[Page]) -> None:
        """Let the child work on pages, one after the other; `end` gives the results. One call at a time."""
        assert self._begun is None
        self._begun = (pages, self._send(pages))

    def end(self) -> list[T | Reject]:
        """Wait for the pages that were begun, and return for each what `parse` gives for it."""
        assert self._begun is not None
        (pages, lost), self._begun = self._begun, None
        return self._receive(pages, lost)

    def close(self) -> None:
        """End the child."""
        self._begun = None
        child, self._child = self._child, None
        if child is not None:
            child.close()

    def __enter__(self) -> GuardedParser[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_child", None) is not None:
            self.close()

    def __reduce__(self) -> str:
        raise TypeError("a GuardedParser is made in the process that uses it, and does not pickle")

    def _parse_all(self, pages: Sequence[Page], *, is_last_try: bool = False) -> list[T | Reject]:
        return self._receive(pages, self._send(pages), is_last_try=is_last_try) if pages else []

    def _send(self, pages: Sequence[Page]) -> ChildLost | None:
        """Send pages to the child; give how it was lost, if it was."""
        if self._child is not None and self._child.has_ended:
            self.close()  # it was ended from outside between two messages
        self._child = self._child or ParserChild(self._parser, self._memory_bytes)
        try:
            self._child.send(pages, self._timeout_s)
        except ChildLost as lost:
            return lost
        return None

    def _receive(self, pages: Sequence[Page], lost: ChildLost | None, *, is_last_try: bool = False) -> list[T | Reject]:
        """Return the results of pages that were sent; those that share a message with a failure are sent again."""
        assert self._child is not None
        answers: list[Answer] = []
        if lost is None:
            try:
                answers = self._child.receive(len(pages), self._timeout_s)
            except ChildLost as error:
                lost = error
        if lost is not None:
            return self._recover(pages, lost, is_last_try=is_last_try)
        results = [self._to_result(page, *answer) for page, answer in zip(pages, answers, strict=False)]
        return [*results, *self._parse_all(pages[len(results) :])]

    def _recover(self, pages: Sequence[Page], lost: ChildLost, *, is_last_try: bool) -> list[T | Reject]:
        assert self._child is not None
        bad = pages[lost.place]
        reject = self._bury(self._child, bad, lost)
        results = self._parse_all(pages[: lost.place])
        is_tried_again = reject.reason == _DIED and not is_last_try
        results += self._parse_all([bad], is_last_try=True) if is_tried_again else [reject]
        return [*results, *self._parse_all(pages[lost.place + 1 :])]

    def _to_result(self, page: Page, status: str, value: object) -> T | Reject:
        if status == "memory":
            self.close()
            return _to_reject(page, "parser_memory", f"it wanted more than {self._memory_bytes} bytes")
        return _to_reject(page, "parser_error", str(value)) if status == "error" else cast("T", value)

    def _bury(self, child: ParserChild, page: Page, lost: ChildLost) -> Reject:
        """End a lost child; give the reject of the page that it was at."""
        if lost.is_late:
            self.close()
            return _to_reject(page, "parser_timeout", f"no result after {self._timeout_s:g} s")
        code = child.wait_for_end(_END_TIMEOUT_S)
        self.close()
        how = f"by {signal.Signals(-code).name}" if code is not None and code < 0 else f"with code {code}"
        return _to_reject(page, _DIED, f"the parser process ended {how}")


def _to_reject(page: Page, reason: str, detail: str) -> Reject:
    return Reject("article", f"{page.page_id} {page.title}", reason, detail)
