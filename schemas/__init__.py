"""What every package shares: records, Parquet tables, the manifest, names of Wikipedia, and errors."""

SCHEMA_VERSION = 2
"""Version of the tables of an index, of its manifest and of context caches. Readers refuse any other version.

2 added descriptions to pages and contexts, the table of facts, and what is dropped inside prose to the ledger.
"""
SAMPLES_VERSION = 2
"""Version of the tables of samples and of `dataset.json`. 2 added records: entities, relations, group and step."""

__all__ = ["SAMPLES_VERSION", "SCHEMA_VERSION"]
