"""What every package shares: records, Parquet tables, the manifest, names of Wikipedia, and errors."""

SCHEMA_VERSION = 1
"""Version of the tables and of the manifest. Readers refuse files of any other version."""

__all__ = ["SCHEMA_VERSION"]
