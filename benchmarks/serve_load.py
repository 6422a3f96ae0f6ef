"""Fifty people search at once through `mie-index serve`, each with another tweet: errors, rate, latency, memory."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote_plus, urlsplit

from benchmarks.serve_start import Server

CONNECTIONS = 50
SECONDS = 60
LIMIT_MS = 100
GROWTH = 1.1
"""Memory at the end over memory at half time that still passes as flat."""
TARGETS = {"JSON API": "/api/search?text={}", "HTML page": "/?q={}"}
WRK_SCRIPT = """
local paths, at, made = {}, 0, 0
for line in io.lines(os.getenv("PATHS_FILE")) do paths[#paths + 1] = line end
setup = function(thread) thread:set("first", made); made = made + 1 end
init = function() at = first * 977 end
request = function() at = at + 1; return wrk.format("GET", paths[(at - 1) % #paths + 1]) end
done = function(summary, latency)
  local errors = summary.errors
  io.stderr:write(string.format(
    '{"requests": %d, "seconds": %f, "p50": %f, "p95": %f, "p99": %f, "slowest": %f, "errors": %d}',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What was measured: latencies in ms; errors are refused or broken connections, late answers, statuses over 399."""

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
    parser.add_argument("--without-wrk", action="store_true", help="load with Python though wrk is there")
    arguments = parser.parse_args()
    tweets = read_tweets(arguments.tweets)
    has_wrk = shutil.which("wrk") is not None and not arguments.without_wrk
    load = load_by_wrk if has_wrk else load_by_python
    print(f"{len(tweets):,} tweets, {arguments.connections} connections, {arguments.seconds} s by "
          f"{'wrk' if has_wrk else 'Python'}; {os.cpu_count()} processors")  # fmt: skip
    print("| target | errors | requests/s | p50 | p95 | p99 | slowest | server's processor time | others' processors "
          "| PSS at start, half, end | RSS |")  # fmt: skip
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    has_passed = True
    with Server(arguments.index, []) as server:
        server.search(tweets[0])
        for name, path in TARGETS.items():
            paths = [path.format(quote_plus(tweet)) for tweet in tweets]
            has_passed &= measure(server, name, lambda paths=paths: load(server.url, paths, arguments), arguments)
    return 0 if has_passed else 1


def measure(server: Server, name: str, load: Callable[[], Load], arguments: argparse.Namespace) -> bool:
    """Load a target and print its line; tell whether it is within the limits."""
    memory = [server.memory_mb()]
    timer = threading.Timer(arguments.seconds / 2, lambda: memory.append(server.memory_mb()))
    server_s, own_s, all_s = server.processor_s(), sum(os.times()[:4]), processors_s()
    timer.start()
    found = load()
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


def load_by_wrk(url: str, paths: list[str], arguments: argparse.Namespace) -> Load:
    """Load with wrk: one thread of it, as it shares the processors with the server."""
    with tempfile.TemporaryDirectory() as folder:
        script, asked = Path(folder) / "ask.lua", Path(folder) / "paths.txt"
        script.write_text(WRK_SCRIPT)
        asked.write_text("\n".join(paths) + "\n")
        command = ["wrk", "-t1", f"-c{arguments.connections}", f"-d{arguments.seconds}s", "-s", str(script), url]
        done = subprocess.run(
            command, env={**os.environ, "PATHS_FILE": str(asked)}, capture_output=True, text=True, check=True
        )
    return Load(**json.loads(done.stderr))


def load_by_python(url: str, paths: list[str], arguments: argparse.Namespace) -> Load:
    """Load with asyncio: slower itself than wrk, so that latencies read a little too high."""
    return asyncio.run(_load(urlsplit(url), paths, arguments))


async def _load(address: SplitResult, paths: list[str], arguments: argparse.Namespace) -> Load:
    asked, times_ms, errors = itertools.cycle(paths), [], [0]
    began = time.perf_counter()

    async def person() -> None:
        while time.perf_counter() - began < arguments.seconds:
            try:
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
                while time.perf_counter() - began < arguments.seconds:
                    asked_at = time.perf_counter()
                    writer.write(f"GET {next(asked)} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
                    errors[0] += await _read_answer(reader) > 399
                    times_ms.append(1000 * (time.perf_counter() - asked_at))
                writer.close()
            except (OSError, asyncio.IncompleteReadError):
                errors[0] += 1

    await asyncio.gather(*(person() for _ in range(arguments.connections)))
    seconds = time.perf_counter() - began
    cuts = statistics.quantiles(times_ms, n=100)
    return Load(len(times_ms), seconds, cuts[49], cuts[94], cuts[98], max(times_ms), errors[0])


async def _read_answer(reader: asyncio.StreamReader) -> int:
    """Read one answer; give its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(line.split(":")[1] for line in head.splitlines() if line.startswith("content-length:"))
    await reader.readexactly(int(length))
    return int(head.split()[1])


if __name__ == "__main__":
    sys.exit(main())
