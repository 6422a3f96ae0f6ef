"""One script per claim: `make bench` lists them."""
