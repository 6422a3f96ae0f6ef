"""The error of a request for something that the user did not give, or that is not there."""

from __future__ import annotations

from schemas.errors import InputError

__all__ = ["NotFound"]


class NotFound(InputError):
    """There is no such sample, run, document or picture."""
