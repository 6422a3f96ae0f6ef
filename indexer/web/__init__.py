"""The inspector: pages and a JSON API over an index, data sets, context caches and runs, on this machine."""
