"""Fifty people search through `mie-index serve`, each with another tweet, and pause a second between questions.

Prints errors, rate, latency and memory. With --pause 0 each asks again at once (a closed loop): what the server can do.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote_plus, urlsplit

from benchmarks.serve_start import Server

CONNECTIONS = 50
SECONDS = 60
PAUSE_S = 1.0
LIMIT_MS = 150
"""95 % of the answers come within this time."""
GROWTH = 1.1
"""Memory at the end over memory at half time that still passes as flat."""
TARGETS = {"JSON API": "/api/search?text={}", "HTML page": "/?q={}"}


@dataclass(frozen=True)
class Load:
    """One run's figures: latencies in ms; errors are refused or broken connections and statuses over 399."""

    requests: int
    seconds: float
    p50: float
    p95: float
    p99: float
    slowest: float
    errors: int


def main() -> int:
    """Load each target; exit with 1 where a request fails, a limit is missed, or memory grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", nargs="?", type=Path, default=Path("demo/index"), help="folder; default demo/index")
    parser.add_argument("--tweets", type=Path, required=True, help="a CoNLL file, a token and its tag a line")
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--pause", type=float, default=PAUSE_S, help="seconds between an answer and the next question")
    arguments = parser.parse_args()
    tweets = read_tweets(arguments.tweets)
    people = f"{arguments.connections} people who pause {arguments.pause:g} s"
    print(f"{len(tweets):,} tweets, {people}, for {arguments.seconds} s; {os.cpu_count()} processors")
    print("| target | errors | requests/s | p50 | p95 | p99 | slowest | server's processor time | others' processors "
          "| PSS at start, half, end | RSS |")  # fmt: skip
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    has_passed = True
    with Server(arguments.index, []) as server:
        server.search(tweets[0])
        for name, path in TARGETS.items():
            paths = [path.format(quote_plus(tweet)) for tweet in tweets]
            has_passed &= measure(server, name, paths, arguments)
    return 0 if has_passed else 1


def measure(server: Server, name: str, paths: list[str], arguments: argparse.Namespace) -> bool:
    """Load a target and print its line; return whether it is within the limits."""
    memory = [server.memory_mb()]
    timer = threading.Timer(arguments.seconds / 2, lambda: memory.append(server.memory_mb()))
    server_s, own_s, all_s = server.processor_s(), sum(os.times()[:4]), processors_s()
    timer.start()
    found = load(server.url, paths, arguments)
    timer.join()
    server_s, own_s = server.processor_s() - server_s, sum(os.times()[:4]) - own_s
    others = max(0.0, processors_s() - all_s - server_s - own_s) / found.seconds
    memory.append(server.memory_mb())
    print(
        f"| {name} | {found.errors} | {found.requests / found.seconds:.0f} | {found.p50:.1f} ms | {found.p95:.1f} ms "
        f"| {found.p99:.1f} ms | {found.slowest:.0f} ms | {1000 * server_s / max(1, found.requests):.2f} ms a request "
        f"| {others:.1f} | {', '.join(f'{pss:.0f}' for pss, _ in memory)} MB | {memory[-1][1]:.0f} MB |",
        flush=True,
    )
    return found.errors == 0 and found.p95 < LIMIT_MS and memory[-1][0] < GROWTH * memory[1][0]


def processors_s() -> float:
    """Return the seconds that all processors of the machine have been busy."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(fields[:3]) + sum(fields[5:8])) / os.sysconf("SC_CLK_TCK")


def read_tweets(path: Path) -> list[str]:
    """Read the distinct tweets of a CoNLL file as text, without addresses and lines that name a picture."""
    tweets: dict[str, None] = {}
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        tokens = [line.split("\t")[0] for line in block.splitlines() if line and not line.startswith("IMGID:")]
        words = [token for token in tokens if not token.startswith("http")]
        if words:
            tweets[" ".join(words)] = None
    return list(tweets)


def load(url: str, paths: list[str], arguments: argparse.Namespace) -> Load:
    """Ask as all people do, from one process that shares the processors with the server."""
    return asyncio.run(_load(urlsplit(url), paths, arguments))


async def _load(address: SplitResult, paths: list[str], arguments: argparse.Namespace) -> Load:
    next_path, times_ms, errors = itertools.cycle(paths), [], [0]
    began = time.perf_counter()

    async def person(number: int) -> None:
        await asyncio.sleep(arguments.pause * number / arguments.connections)  # people do not begin in step
        while time.perf_counter() - began < arguments.seconds:
            try:
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
                while time.perf_counter() - began < arguments.seconds:
                    asked_at = time.perf_counter()
                    writer.write(f"GET {next(next_path)} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
                    errors[0] += await _read_answer(reader) > 399
                    times_ms.append(1000 * (time.perf_counter() - asked_at))
                    await asyncio.sleep(arguments.pause)
                writer.close()
            except (OSError, asyncio.IncompleteReadError):
                errors[0] += 1

    await asyncio.gather(*(person(number) for number in range(arguments.connections)))
    seconds = time.perf_counter() - began
    cuts = statistics.quantiles(times_ms, n=100)
    return Load(len(times_ms), seconds, cuts[49], cuts[94], cuts[98], max(times_ms), errors[0])


async def _read_answer(reader: asyncio.StreamReader) -> int:
    """Read one answer and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(line.split(":")[1] for line in head.splitlines() if line.startswith("content-length:"))
    await reader.readexactly(int(length))
    return int(head.split()[1])


if __name__ == "__main__":
    sys.exit(main())
