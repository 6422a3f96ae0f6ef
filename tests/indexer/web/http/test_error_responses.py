"""Which status each class of error gets."""

from __future__ import annotations

import pytest

from indexer.web.given import NotFound
from indexer.web.http import TooLarge, UnsupportedMediaType, status_of
from indexer.web.http.worker_thread import QueueFull
from schemas.errors import IndexCorrupt, IndexMismatch, InputError, MieError, MissingDependency, UsageError


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (UsageError, 400),
        (NotFound, 404),
        (IndexMismatch, 409),
        (TooLarge, 413),
        (UnsupportedMediaType, 415),
        (InputError, 422),
        (MieError, 500),
        (IndexCorrupt, 503),
        (MissingDependency, 503),
        (QueueFull, 503),
    ],
)
def test_the_class_of_an_error_decides_its_status(kind: type[MieError], status: int) -> None:
    assert status_of(kind("too_large: in words only")) == status
