"""The contract: records, Parquet tables, manifest, names and errors that every package shares."""

SCHEMA_VERSION = 1
"""Version of every table and of the manifest; readers refuse any other."""

__all__ = ["SCHEMA_VERSION"]
