"""Beam jobs: a Wikipedia dump to Parquet shards and to the two indexes."""
