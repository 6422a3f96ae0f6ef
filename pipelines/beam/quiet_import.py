"""Import Apache Beam without its warning that apitools is not installed; every file here imports this before Beam.

Beam's client for BigQuery logs the warning at import when Beam is installed without its Google Cloud extra ([gcp]),
which a build on this machine does not need. Other warnings of the import are shown as ever.

Source: apache_beam/io/gcp/internal/clients/bigquery/__init__.py of Beam 2.77, which logs on the root logger.
"""

from __future__ import annotations

import logging

__all__: list[str] = []


def _is_other(record: logging.LogRecord) -> bool:
    """Return whether a message is anything but the one about apitools."""
    return not record.getMessage().startswith("apitools not found")


_root = logging.getLogger()
_root.addFilter(_is_other)
try:
    import apache_beam  # noqa: F401
finally:
    _root.removeFilter(_is_other)
