"""The guard around the parser: hangs, crashes, memory and errors become rejects, and the next page goes on."""

from __future__ import annotations

import functools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.dump import Page
from pipelines.sandbox import GuardedParser
from schemas.errors import MieError
from schemas.records import Reject

MIB = 2**20


def page(text: str, page_id: int = 7) -> Page:
    return Page(page_id, 1, f"Title {page_id}", 0, None, text, len(text))


def run(page: Page) -> str:
    """The parser under test: what it does stands in the page."""
    word, _, rest = page.wikitext.partition(" ")
    if word == "hang":
        while True:
            pass
    if word == "sleep":
        time.sleep(float(rest))
    if word == "allocate":
        return str(len(bytearray(int(rest))))
    if word == "die":
        die(*rest.split())
    if word == "exit":
        os._exit(int(rest))
    if word in DEEP:
        return DEEP[word]()
    if word == "raise":
        raise ValueError(rest)
    if word == "print":
        print("noise on stdout")
        os.write(1, b"more noise\n")
    if word == "unpicklable":
        return threading.Lock()  # type: ignore[return-value]
    if word == "pid":
        return str(os.getpid())
    return page.wikitext.upper()


def die(number: str, marker: str = "") -> None:
    """End by a signal; with a marker's path, only once."""
    if marker and Path(marker).exists():
        return
    if marker:
        Path(marker).touch()
    os.kill(os.getpid(), int(number))


def recurse(depth: int = 0) -> str:
    return recurse(depth + 1) + "x"


def overflow() -> str:
    sys.setrecursionlimit(10**9)
    return str(grow(0))


def grow(depth: int) -> int:
    return max([depth], key=lambda _: grow(depth + 1))  # through C, so the real stack grows


DEEP = {"recurse": recurse, "overflow": overflow}


def shout(page: Page, mark: str) -> str:
    return page.wikitext + mark


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_alive(pid)


@pytest.fixture(scope="module")
def guard() -> Iterator[GuardedParser[str]]:
    with GuardedParser(run, timeout_s=20, memory_bytes=256 * MIB) as guarded:
        yield guarded


def test_results_come_from_one_child_that_stays(guard: GuardedParser[str]) -> None:
    assert guard.parse(page("tea")) == "TEA"
    pids = {guard.parse(page("pid")) for _ in range(5)}
    assert len(pids) == 1
    assert pids != {str(os.getpid())}


@pytest.mark.parametrize("size", [0, 65_535, 65_536, 5 * MIB])
def test_pages_of_any_size_go_through_the_pipe_and_back(guard: GuardedParser[str], size: int) -> None:
    assert guard.parse(page("é" * size)) == "É" * size


def test_unusual_text_goes_through_unchanged(guard: GuardedParser[str]) -> None:
    text = "\0 مرحبا 😀 \ud800"
    assert guard.parse(page(text)) == text


def test_an_exception_is_a_reject_with_its_type_and_message(guard: GuardedParser[str]) -> None:
    assert guard.parse(page("raise no such template")) == Reject(
        "article", "7 Title 7", "parser_error", "ValueError: no such template"
    )


def test_endless_recursion_in_python_is_an_error_and_the_child_stays(guard: GuardedParser[str]) -> None:
    before = guard.parse(page("pid"))
    result = guard.parse(page("recurse"))
    assert isinstance(result, Reject)
    assert result.reason == "parser_error"
    assert result.detail.startswith("RecursionError")
    assert guard.parse(page("pid")) == before


def test_a_result_that_does_not_pickle_is_an_error(guard: GuardedParser[str]) -> None:
    result = guard.parse(page("unpicklable"))
    assert isinstance(result, Reject)
    assert result.reason == "parser_error"


def test_what_the_parser_prints_does_not_get_between_the_answers(guard: GuardedParser[str]) -> None:
    assert guard.parse(page("print")) == "PRINT"
    assert guard.parse(page("tea")) == "TEA"


def test_a_hanging_parser_is_killed_in_time_and_replaced() -> None:
    with GuardedParser(run, timeout_s=0.3) as guard:
        old = guard.parse(page("pid"))
        started = time.monotonic()
        result = guard.parse(page("hang"))
        assert time.monotonic() - started < 3
        assert result == Reject("article", "7 Title 7", "parser_timeout", "no result after 0.3 s")
        assert isinstance(old, str)
        assert not is_alive(int(old))
        assert guard.parse(page("tea")) == "TEA"


def test_memory_is_bounded_beyond_what_the_child_starts_with(guard: GuardedParser[str]) -> None:
    assert guard.parse(page(f"allocate {100 * MIB}")) == str(100 * MIB)
    result = guard.parse(page(f"allocate {400 * MIB}"))
    assert result == Reject("article", "7 Title 7", "parser_memory", f"it wanted more than {256 * MIB} bytes")
    assert guard.parse(page("tea")) == "TEA"


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (f"die {signal.SIGSEGV.value}", "the parser process ended by SIGSEGV"),
        (f"die {signal.SIGKILL.value}", "the parser process ended by SIGKILL"),
        ("exit 3", "the parser process ended with code 3"),
    ],
)
def test_a_crash_is_a_reject_and_the_next_page_goes_on(guard: GuardedParser[str], text: str, detail: str) -> None:
    assert guard.parse(page(text)) == Reject("article", "7 Title 7", "parser_died", detail)
    assert guard.parse(page("tea")) == "TEA"


def test_a_page_whose_process_is_killed_from_outside_is_parsed_again(guard: GuardedParser[str], tmp_path: Path) -> None:
    text = f"die 9 {tmp_path / 'died'}"
    assert guard.parse(page(text)) == text.upper()
    assert (tmp_path / "died").exists()


def test_a_stack_overflow_in_c_is_a_reject(guard: GuardedParser[str]) -> None:
    result = guard.parse(page("overflow"))
    assert isinstance(result, Reject)
    assert result.reason in {"parser_died", "parser_memory"}
    assert guard.parse(page("tea")) == "TEA"


def test_a_child_ended_from_outside_between_pages_costs_no_page(guard: GuardedParser[str]) -> None:
    pid = guard.parse(page("pid"))
    assert isinstance(pid, str)
    os.kill(int(pid), signal.SIGKILL)
    assert wait_until_gone(int(pid))
    assert guard.parse(page("tea")) == "TEA"


def test_pages_that_are_begun_end_with_their_results_and_failures(guard: GuardedParser[str]) -> None:
    words = []
    for text in ("a", "raise b", "c", "exit 1", "e"):
        guard.begin([page(text)])
        (result,) = guard.end()
        words.append(result.reason if isinstance(result, Reject) else result)
    assert words == ["A", "parser_error", "C", "parser_died", "E"]


def test_closing_forgets_the_pages_that_were_begun(guard: GuardedParser[str]) -> None:
    guard.begin([page("stale"), page("too")])
    guard.close()
    assert guard.parse(page("fresh")) == "FRESH"
    guard.begin([page("tea")])
    assert guard.end() == ["TEA"]


def together(guard: GuardedParser[str], *texts: str) -> list[str]:
    """Send pages in one message; give the results, of rejects the page's number and the reason."""
    guard.begin([page(text, number) for number, text in enumerate(texts)])
    results = guard.end()
    return [result if isinstance(result, str) else f"{result.id.split()[0]} {result.reason}" for result in results]


def test_pages_of_one_message_have_their_results_in_order_from_one_child(guard: GuardedParser[str]) -> None:
    texts = [f"tea {number}" for number in range(50)]
    assert together(guard, *texts) == [text.upper() for text in texts]
    before, *pids = together(guard, "pid", "raise x", "recurse", "unpicklable", "pid")
    assert pids == ["1 parser_error", "2 parser_error", "3 parser_error", before]
    assert together(guard, "é" * MIB, "b" * MIB, "c") == ["É" * MIB, "B" * MIB, "C"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(f"allocate {400 * MIB}", "parser_memory"), ("exit 3", "parser_died")],
)
def test_what_goes_wrong_in_a_message_is_told_of_its_page_alone(
    guard: GuardedParser[str], bad: str, reason: str
) -> None:
    assert together(guard, bad, "b", bad, bad, "e", "f") == [
        f"0 {reason}", "B", f"2 {reason}", f"3 {reason}", "E", "F",
    ]  # fmt: skip


def test_each_page_of_a_message_has_its_own_time() -> None:
    with GuardedParser(run, timeout_s=1.0) as guard:
        guard.parse(page("warm"))
        started = time.monotonic()
        assert together(guard, "a", "sleep 0.6", "sleep 0.6", "hang", "e") == [
            "A", "SLEEP 0.6", "SLEEP 0.6", "3 parser_timeout", "E",
        ]  # fmt: skip
        assert time.monotonic() - started >= 2.2


def test_no_page_of_a_message_is_lost_when_its_process_is_killed_from_outside(
    guard: GuardedParser[str], tmp_path: Path
) -> None:
    texts = ["a", f"die 9 {tmp_path / 'one'}", "c", f"die 15 {tmp_path / 'two'}", "e"]
    assert together(guard, *texts) == [text.upper() for text in texts]
    assert (tmp_path / "two").exists()


def test_a_child_that_ends_between_messages_costs_no_page(guard: GuardedParser[str]) -> None:
    (pid,) = together(guard, "pid")
    guard.begin([page("a"), page("b")])
    os.kill(int(pid), signal.SIGKILL)
    assert guard.end() == ["A", "B"]


def test_the_parser_may_be_a_partial_of_a_function() -> None:
    with GuardedParser(functools.partial(shout, mark="!")) as guard:
        assert guard.parse(page("tea")) == "tea!"


def test_a_parser_that_cannot_be_imported_is_an_error_at_once() -> None:
    with GuardedParser(functools.partial(_Unloadable())) as guard, pytest.raises(MieError, match="did not start"):
        guard.parse(page("tea"))


class _Unloadable:
    """Pickles here, does not load there."""

    def __call__(self, page: Page) -> str:
        return page.title

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return int, ("not a number",)


def test_a_guard_does_not_pickle(guard: GuardedParser[str]) -> None:
    with pytest.raises(TypeError, match="made in the process"):
        pickle.dumps(guard)


def test_closing_ends_the_child_and_a_later_page_starts_another() -> None:
    guard = GuardedParser(run)
    first = guard.parse(page("pid"))
    guard.close()
    guard.close()
    assert isinstance(first, str)
    assert not is_alive(int(first))
    assert guard.parse(page("tea")) == "TEA"
    guard.close()


def test_a_guard_that_is_forgotten_leaves_no_process() -> None:
    guard = GuardedParser(run)
    pid = guard.parse(page("pid"))
    del guard
    assert isinstance(pid, str)
    assert not is_alive(int(pid))


def test_guards_work_in_threads_whose_end_does_not_end_the_child() -> None:
    guard = GuardedParser(run)
    results: list[object] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: results.append(guard.parse(page("pid"))))
        thread.start()
        thread.join()
    guard.close()
    assert len(set(results)) == 1
    assert isinstance(results[0], str)


def _parse_in_daemon(results: multiprocessing.Queue[object]) -> None:
    with GuardedParser(run) as guard:
        results.put(guard.parse(page("tea")))


def test_guards_work_in_daemonic_processes() -> None:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[object] = context.Queue()
    process = context.Process(target=_parse_in_daemon, args=(results,), daemon=True)
    process.start()
    assert results.get(timeout=30) == "TEA"
    process.join(10)
    assert process.exitcode == 0


PARENT = """
import sys
sys.path.insert(0, {folder!r})
from test_guard import GuardedParser, page, run
guard = GuardedParser(run)
print(guard.parse(page("pid")), flush=True)
guard.parse(page({last!r}))
input()
"""


@pytest.mark.parametrize("last", ["tea", "hang"])
def test_the_child_ends_when_its_parent_is_killed_even_in_a_hang(last: str) -> None:
    code = PARENT.format(folder=str(Path(__file__).parent), last=last)
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdin is not None
    child = int(parent.stdout.readline())
    time.sleep(0.2)
    assert is_alive(child)
    parent.kill()
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()
    assert wait_until_gone(child)
