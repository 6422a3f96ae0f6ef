"""A batch of queries answered in Java, on all its cores: one call from Python, texts in, ranked lists out.

Python asks Java three times for a query, and gives up its lock each time; a server's other threads take it meanwhile.
Here the three calls are one of Java's own functions, composed of method handles as in `java_loop`:

    texts.parallelStream().map(text -> fromTopDocs(searcher.search(buildQuery(field, analyzer, text), k), searcher))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from indexer.text.java_loop import as_interface, find_method, find_static
from indexer.text.jvm import java_class
from indexer.text.lucene import CONTENTS, LUCENE

__all__ = ["compose_search"]

_GENERATOR = "io.anserini.search.query.BagOfWordsQueryGenerator"
_LIST = "io.anserini.search.ScoredDocs"
_QUERY, _HITS, _SEARCHER = (f"{LUCENE}.search.{name}" for name in ("Query", "TopDocs", "IndexSearcher"))
_ANALYZER, _TEXT = f"{LUCENE}.analysis.Analyzer", "java.lang.String"


def compose_search(searcher: Any, analyzer: Any, k: int) -> Callable[[Sequence[str]], list[Any]]:
    """Compose the search for the k best documents; what it gives for texts are Anserini's ScoredDocs, in their order.

    To compose takes Java a third of a second, which pays for some hundred queries.
    """
    handles = java_class("java.lang.invoke.MethodHandles")
    make = find_method(_GENERATOR, "buildQuery", _QUERY, _TEXT, _ANALYZER, _TEXT).bindTo(java_class(_GENERATOR)())
    most = java_class("java.lang.Integer")(str(k))  # pyjnius hands over plain numbers and strings as no objects
    rank = handles.insertArguments(find_method(_SEARCHER, "search", _HITS, _QUERY, "int").bindTo(searcher), 1, most)
    to_list = handles.insertArguments(find_static(_LIST, "fromTopDocs", _LIST, _HITS, _SEARCHER), 1, searcher)
    whole = handles.insertArguments(make, 0, java_class(_TEXT)(CONTENTS), analyzer)
    for step in (rank, to_list):
        whole = handles.filterReturnValue(whole, step)
    answer = as_interface("java.util.function.Function", whole)
    as_list = java_class("java.util.Arrays").asList
    return lambda texts: list(as_list(*texts).parallelStream().map(answer).toArray())
