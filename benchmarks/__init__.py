"""Benchmarks: each prints its figures side by side with what one would use instead. `make bench` runs all."""
