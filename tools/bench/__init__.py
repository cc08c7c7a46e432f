"""Measures the sender against the quickest there is, on one machine and in one run: `make bench`."""
