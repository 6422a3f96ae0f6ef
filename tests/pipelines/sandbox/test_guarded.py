"""The guarded function: hangs, crashes, memory and errors become failures, and the next item goes on."""

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

from pipelines.sandbox import Failure, GuardedFunction
from schemas.errors import MieError

MIB = 2**20


Guard = GuardedFunction[str, str]


def run(text: str) -> str:
    """Do what the item says: the function under test."""
    word, _, rest = text.partition(" ")
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
    return text.upper()


def die(number: str, marker: str = "") -> None:
    """End this process by a signal; with the path of a marker, only the first time."""
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


def shout(text: str, mark: str) -> str:
    return text + mark


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
def guard() -> Iterator[Guard]:
    with GuardedFunction(run, "parser", timeout_s=20, memory_bytes=256 * MIB) as guarded:
        yield guarded


def test_results_come_from_one_child_that_stays(guard: Guard) -> None:
    assert guard.run("tea") == "TEA"
    pids = {guard.run("pid") for _ in range(5)}
    assert len(pids) == 1
    assert pids != {str(os.getpid())}


@pytest.mark.parametrize("size", [0, 65_535, 65_536, 5 * MIB])
def test_items_of_any_size_go_through_the_pipe_and_back(guard: Guard, size: int) -> None:
    assert guard.run("é" * size) == "É" * size


def test_unusual_text_goes_through_unchanged(guard: Guard) -> None:
    text = "\0 مرحبا 😀 \ud800"
    assert guard.run(text) == text


def test_an_exception_is_a_failure_with_its_type_and_message(guard: Guard) -> None:
    assert guard.run("raise no such template") == Failure("error", "ValueError: no such template")


def test_endless_recursion_in_python_is_an_error_and_the_child_stays(guard: Guard) -> None:
    before = guard.run("pid")
    result = guard.run("recurse")
    assert isinstance(result, Failure)
    assert result.reason == "error"
    assert result.detail.startswith("RecursionError")
    assert guard.run("pid") == before


def test_a_result_that_does_not_pickle_is_an_error(guard: Guard) -> None:
    result = guard.run("unpicklable")
    assert isinstance(result, Failure)
    assert result.reason == "error"


def test_what_the_function_prints_does_not_get_between_the_replies(guard: Guard) -> None:
    assert guard.run("print") == "PRINT"
    assert guard.run("tea") == "TEA"


def test_a_hanging_function_is_killed_in_time_and_replaced() -> None:
    with GuardedFunction(run, "parser", timeout_s=0.3) as guard:
        old = guard.run("pid")
        started = time.monotonic()
        result = guard.run("hang")
        assert time.monotonic() - started < 3
        assert result == Failure("timeout", "no result after 0.3 s")
        assert isinstance(old, str)
        assert not is_alive(int(old))
        assert guard.run("tea") == "TEA"


def test_memory_is_bounded_beyond_what_the_child_starts_with(guard: Guard) -> None:
    assert guard.run(f"allocate {100 * MIB}") == str(100 * MIB)
    result = guard.run(f"allocate {400 * MIB}")
    assert result == Failure("memory", f"it wanted more than {256 * MIB} bytes")
    assert guard.run("tea") == "TEA"


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (f"die {signal.SIGSEGV.value}", "the parser process ended by SIGSEGV"),
        (f"die {signal.SIGKILL.value}", "the parser process ended by SIGKILL"),
        ("exit 3", "the parser process ended with code 3"),
    ],
)
def test_a_crash_is_a_failure_and_the_next_item_goes_on(guard: Guard, text: str, detail: str) -> None:
    assert guard.run(text) == Failure("died", detail)
    assert guard.run("tea") == "TEA"


def test_an_item_whose_process_is_killed_from_outside_is_run_again(guard: Guard, tmp_path: Path) -> None:
    text = f"die 9 {tmp_path / 'died'}"
    assert guard.run(text) == text.upper()
    assert (tmp_path / "died").exists()


def test_a_stack_overflow_in_c_is_a_failure(guard: Guard) -> None:
    result = guard.run("overflow")
    assert isinstance(result, Failure)
    assert result.reason in {"died", "memory"}
    assert guard.run("tea") == "TEA"


def test_a_child_ended_from_outside_between_items_costs_no_item(guard: Guard) -> None:
    pid = guard.run("pid")
    assert isinstance(pid, str)
    os.kill(int(pid), signal.SIGKILL)
    assert wait_until_gone(int(pid))
    assert guard.run("tea") == "TEA"


def test_items_that_are_sent_come_back_as_results_and_failures(guard: Guard) -> None:
    words = []
    for text in ("a", "raise b", "c", "exit 1", "e"):
        guard.send([text])
        (result,) = guard.receive()
        words.append(result.reason if isinstance(result, Failure) else result)
    assert words == ["A", "error", "C", "died", "E"]


def test_closing_forgets_the_items_that_were_sent(guard: Guard) -> None:
    guard.send(["stale", "too"])
    guard.close()
    assert guard.run("fresh") == "FRESH"
    guard.send(["tea"])
    assert guard.receive() == ["TEA"]


def together(guard: Guard, *texts: str) -> list[str]:
    """Send items in one message; return the results, and for a failure the item's position and the reason."""
    guard.send(texts)
    results = enumerate(guard.receive())
    return [result if isinstance(result, str) else f"{position} {result.reason}" for position, result in results]


def test_items_of_one_message_have_their_results_in_order_from_one_child(guard: Guard) -> None:
    texts = [f"tea {number}" for number in range(50)]
    assert together(guard, *texts) == [text.upper() for text in texts]
    before, *pids = together(guard, "pid", "raise x", "recurse", "unpicklable", "pid")
    assert pids == ["1 error", "2 error", "3 error", before]
    assert together(guard, "é" * MIB, "b" * MIB, "c") == ["É" * MIB, "B" * MIB, "C"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(f"allocate {400 * MIB}", "memory"), ("exit 3", "died")],
)
def test_what_goes_wrong_in_a_message_is_the_failure_of_its_item_alone(guard: Guard, bad: str, reason: str) -> None:
    assert together(guard, bad, "b", bad, bad, "e", "f") == [
        f"0 {reason}", "B", f"2 {reason}", f"3 {reason}", "E", "F",
    ]  # fmt: skip


def test_each_item_of_a_message_has_its_own_time() -> None:
    with GuardedFunction(run, "parser", timeout_s=1.0) as guard:
        guard.run("warm")
        started = time.monotonic()
        assert together(guard, "a", "sleep 0.6", "sleep 0.6", "hang", "e") == [
            "A", "SLEEP 0.6", "SLEEP 0.6", "3 timeout", "E",
        ]  # fmt: skip
        assert time.monotonic() - started >= 2.2


def test_no_item_of_a_message_is_lost_when_its_process_is_killed_from_outside(guard: Guard, tmp_path: Path) -> None:
    texts = ["a", f"die 9 {tmp_path / 'one'}", "c", f"die 15 {tmp_path / 'two'}", "e"]
    assert together(guard, *texts) == [text.upper() for text in texts]
    assert (tmp_path / "two").exists()


def test_a_child_that_ends_between_messages_costs_no_item(guard: Guard) -> None:
    (pid,) = together(guard, "pid")
    guard.send(["a", "b"])
    os.kill(int(pid), signal.SIGKILL)
    assert guard.receive() == ["A", "B"]


def test_the_function_may_be_a_partial() -> None:
    with GuardedFunction(functools.partial(shout, mark="!"), "parser") as guard:
        assert guard.run("tea") == "tea!"


def test_a_function_that_cannot_be_imported_is_an_error_at_once() -> None:
    with (
        GuardedFunction(functools.partial(_Unloadable()), "parser") as guard,
        pytest.raises(MieError, match="did not start"),
    ):
        guard.run("tea")


class _Unloadable:
    """Can be pickled by the owner, and not unpickled by the child."""

    def __call__(self, text: str) -> str:
        return text

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return int, ("not a number",)


def test_a_guard_does_not_pickle(guard: Guard) -> None:
    with pytest.raises(TypeError, match="made in the process"):
        pickle.dumps(guard)


def test_closing_ends_the_child_and_a_later_item_starts_another() -> None:
    guard = GuardedFunction(run, "parser")
    first = guard.run("pid")
    guard.close()
    guard.close()
    assert isinstance(first, str)
    assert not is_alive(int(first))
    assert guard.run("tea") == "TEA"
    guard.close()


def test_a_guard_that_is_forgotten_leaves_no_process() -> None:
    guard = GuardedFunction(run, "parser")
    pid = guard.run("pid")
    del guard
    assert isinstance(pid, str)
    assert not is_alive(int(pid))


def test_guards_work_in_threads_whose_end_does_not_end_the_child() -> None:
    guard = GuardedFunction(run, "parser")
    results: list[object] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: results.append(guard.run("pid")))
        thread.start()
        thread.join()
    guard.close()
    assert len(set(results)) == 1
    assert isinstance(results[0], str)


def _run_in_daemon(results: multiprocessing.Queue[object]) -> None:
    with GuardedFunction(run, "parser") as guard:
        results.put(guard.run("tea"))


def test_guards_work_in_daemonic_processes() -> None:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[object] = context.Queue()
    process = context.Process(target=_run_in_daemon, args=(results,), daemon=True)
    process.start()
    assert results.get(timeout=30) == "TEA"
    process.join(10)
    assert process.exitcode == 0


PARENT = """
import sys
sys.path.insert(0, {folder!r})
from test_guarded import GuardedFunction, run
guard = GuardedFunction(run, "parser")
print(guard.run("pid"), flush=True)
guard.run({last!r})
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
