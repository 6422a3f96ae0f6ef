"""The rooms of the house: how large they are, what their faces list, and which way imports may go.

A room is a folder of a package. Whoever stands outside imports from its face (`__init__`) alone; files inside it import
each other by file. Files that stand in a package's own folder (its hall) are imported directly.
"""

from __future__ import annotations

import ast
import importlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "indexer", "pipelines", "trainer")
OUTSIDE = ("benchmarks", "docs", "tests")
MAX_FILES = 15


class Import(NamedTuple):
    """`from module import name` in a file; name is "" for `import module`."""

    file: Path
    module: str
    name: str


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in sources(*PACKAGES)}
ROOMS = sorted(name for name, path in MODULES.items() if path.name == "__init__.py" and "." in name)


def room_of(module: str) -> str:
    """The folder that a module stands in; of a room, itself."""
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]


def imports_of(path: Path) -> Iterator[Import]:
    """Every import of our own modules, also those inside functions and under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(path, alias.name, "") for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield Import(path, inner, "") if inner in MODULES else Import(path, node.module, alias.name)


ALL_IMPORTS = [found for path in sources(*PACKAGES, *OUTSIDE) for found in imports_of(path)]


def face_of(room: str) -> dict[str, str]:
    """The names that a face lists, each with the file that it comes from."""
    stub = MODULES[room].with_suffix(".pyi")
    assert stub.is_file(), f"{room} has no __init__.pyi"
    return {
        alias.name: str(node.module)
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_one_sentence_and_at_most_fifteen_files(room: str) -> None:
    tree = ast.parse(MODULES[room].read_text(encoding="utf-8"))
    sentence = ast.get_docstring(tree) or ""
    assert sentence.endswith(".") and "\n" not in sentence, f"{room}: {sentence!r}"
    files = [path for path in MODULES[room].parent.glob("*.py") if path.name != "__init__.py"]
    assert len(files) <= MAX_FILES, f"{room} has {len(files)} files"


@pytest.mark.parametrize("room", ROOMS)
def test_a_face_lists_what_others_import_and_nothing_else(room: str) -> None:
    face = face_of(room)
    imported = {found.name for found in ALL_IMPORTS if found.module == room and found.name}
    assert imported == set(face), f"{room}: never imported {set(face) - imported}, not listed {imported - set(face)}"
    assert set(importlib.import_module(room).__all__) == set(face)


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_of_a_face_loads_and_none_is_that_of_a_file(room: str) -> None:
    module = importlib.import_module(room)
    for name, file in face_of(room).items():
        assert f"{room}.{name}" not in MODULES, f"{room}.{name} is a file too: which one is meant would hang on order"
        origin = importlib.import_module(f"{room}.{file}")
        assert getattr(module, name) is getattr(origin, name)


def test_nobody_imports_past_a_face() -> None:
    wrong = []
    for path, module, name in ALL_IMPORTS:
        room = room_of(module)
        if module == room or room in PACKAGES or is_inside(path, room):
            continue
        wrong.append(f"{path.relative_to(ROOT)} imports {module}{'.' * bool(name)}{name}")
    assert not wrong, "\n".join(wrong)


def is_inside(path: Path, room: str) -> bool:
    """Whether a file stands in a room, or is a test of that room, of one that holds it or of one that it holds."""
    here = path.parent.relative_to(ROOT).parts
    there = tuple(room.split("."))
    if here[0] != "tests":
        return here == there
    tested = here[1:]
    return len(tested) > 1 and (tested == there[: len(tested)] or there == tested[: len(there)])


def test_a_room_does_not_import_through_its_own_face() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {module}.{name}"
        for path, module, name in ALL_IMPORTS
        if name and module in ROOMS and path.parent == MODULES[module].parent
    ]
    assert not wrong, "\n".join(wrong)


def test_no_circle_of_files() -> None:
    arrows: dict[str, set[str]] = {name: set() for name in MODULES}
    for path, module, name in ALL_IMPORTS:
        if path not in MODULES.values():
            continue
        target = f"{module}.{face_of(module)[name]}" if name and module in ROOMS else module
        arrows[module_of(path)].add(target)
    assert not list(circles(arrows))


def test_no_circle_of_rooms() -> None:
    """A file of a package's hall counts as a room of its own: it may stand above some rooms and below others."""
    arrows: dict[str, set[str]] = {}
    for path, module, _ in ALL_IMPORTS:
        if path not in MODULES.values():
            continue
        here, there = (node_of(name) for name in (module_of(path), module))
        if here != there:
            arrows.setdefault(here, set()).add(there)
    assert not list(circles(arrows))


def node_of(module: str) -> str:
    room = room_of(module)
    return module if room in PACKAGES else room


def circles(arrows: Mapping[str, Iterable[str]]) -> Iterator[list[str]]:
    """Take away, again and again, what leads nowhere any more; what is left goes round."""
    left = {name: set(targets) for name, targets in arrows.items()}
    while True:
        ends = {name for name, targets in left.items() if not targets & left.keys()}
        if not ends:
            break
        for name in ends:
            del left[name]
    if left:
        yield sorted(f"{name} -> {', '.join(sorted(left[name] & left.keys()))}" for name in left)


def test_circles_are_found() -> None:
    assert list(circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()})) == [["a -> b", "b -> c", "c -> b"]]
    assert not list(circles({"a": {"b"}, "b": {"c"}}))


def test_a_test_file_has_a_name_of_its_own() -> None:
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == [], "pytest takes two files of one name for one"
