"""A loop that runs in Java: columns of strings in, one Lucene document after another out.

Every call from Python into Java costs microseconds, and a sentence took four of them: as long as Lucene needs to index
it. Here a whole batch is handed over at once. The body of the loop is composed of Java's own method handles, so no
class of ours has to be compiled: `fill` below is what

    Document fill(Iterator... columns) {
        for (int n = 0; n < fields.length; n++) fields[n].setStringValue((String) columns[n].next());
        return document;
    }

would be. It runs on a Java thread, while Python reads the next batch (docs/decisions/0011).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from indexer.text.jvm import as_java, java_class
from indexer.text.lucene import LUCENE

__all__ = ["BatchAdder", "as_interface", "find_method", "find_static"]

_WAITING = 2
"""Batches that may be under way: one in Java, one ready for it."""
_HANDLES = "java.lang.invoke.MethodHandles"
_PRIMITIVES = {"void": "Void", "long": "Long", "int": "Integer"}


class BatchAdder:
    """Adds batches of rows to an IndexWriter, in their order, on one Java thread.

    Args:
        writer: the IndexWriter.
        document: the one document that is filled again and again.
        fields: its fields, in the order of a batch's columns.
    """

    def __init__(self, writer: Any, document: Any, fields: Sequence[Any]) -> None:
        self._fill = _make_fill(document, fields)
        add = find_method(f"{LUCENE}.index.IndexWriter", "addDocuments", "long", "java.lang.Iterable")
        self._add = add.bindTo(writer)
        self._thread = java_class("java.util.concurrent.Executors").newSingleThreadExecutor()
        self._waiting: deque[tuple[Any, int]] = deque()
        self.done = 0
        """Rows that the writer has taken."""

    def add(self, columns: Sequence[Sequence[str]]) -> None:
        """Hand over a batch: columns of equal length. Waits while two batches are under way.

        Raises:
            JavaException: the writer could not take an earlier batch.
        """
        if not len(columns[0]):
            return
        lists = [java_class("java.util.Arrays").asList(*column) for column in columns]
        handles = java_class(_HANDLES)
        row = handles.insertArguments(self._fill, 0, *(column.iterator() for column in lists))
        to_document = as_interface(
            "java.util.function.Function", handles.dropArguments(row, 0, _classes("java.lang.Object"))
        )
        documents = lists[0].stream().map(to_document).iterator()
        rows = as_interface("java.lang.Iterable", handles.constant(_class("java.util.Iterator"), documents))
        task = as_interface("java.util.concurrent.Callable", handles.insertArguments(self._add, 0, rows))
        self._waiting.append((self._thread.submit(task), len(columns[0])))
        while len(self._waiting) > _WAITING:
            self._wait()

    def finish(self) -> None:
        """Wait until the writer has every row.

        Raises:
            JavaException: it could not take them.
        """
        while self._waiting:
            self._wait()

    def close(self) -> None:
        """End the thread; batches that were not begun are dropped."""
        self._thread.shutdownNow()
        self._thread.awaitTermination(1, java_class("java.util.concurrent.TimeUnit").HOURS)

    def _wait(self) -> None:
        future, rows = self._waiting.popleft()
        future.get()
        self.done += rows


def _make_fill(document: Any, fields: Sequence[Any]) -> Any:
    """Compose `fill`: takes an iterator for each field, sets each field to the next string, gives the document."""
    handles, object_name, iterator = java_class(_HANDLES), "java.lang.Object", "java.util.Iterator"
    take = find_method(iterator, "next", object_name)
    put = find_method(f"{LUCENE}.document.Field", "setStringValue", "void", "java.lang.String")
    fill = handles.constant(_class(object_name), document)
    for field in reversed(fields):
        set_to = put.bindTo(field).asType(_signature("void", object_name))
        fill = handles.foldArguments(
            handles.dropArguments(fill, 0, _classes(iterator)), handles.filterArguments(set_to, 0, take)
        )
    return fill


def find_method(owner: str, method: str, returns: str, *takes: str) -> Any:
    """Return the handle of a method by its exact signature, in Java's names of classes (`[L...;` for an array)."""
    return java_class(_HANDLES).publicLookup().findVirtual(_class(owner), method, _signature(returns, *takes))


def find_static(owner: str, method: str, returns: str, *takes: str) -> Any:
    """Return the handle of a static method, likewise."""
    return java_class(_HANDLES).publicLookup().findStatic(_class(owner), method, _signature(returns, *takes))


def _signature(returns: str, *takes: str) -> Any:
    kind = java_class("java.lang.invoke.MethodType").methodType(_class(returns))
    return kind.appendParameterTypes(_classes(*takes))


def _classes(*names: str) -> Any:
    return java_class("java.util.Arrays").asList(*(_class(name) for name in names))


def _class(name: str) -> Any:
    if name in _PRIMITIVES:
        return java_class(f"java.lang.{_PRIMITIVES[name]}").TYPE
    return java_class("java.lang.Class").forName(name)


def as_interface(interface: str, handle: Any) -> Any:
    """Return a handle as an object of an interface of one method."""
    made = java_class("java.lang.invoke.MethodHandleProxies").asInterfaceInstance(_class(interface), handle)
    return as_java(interface, made)
