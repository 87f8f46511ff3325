"""Measurements on real processes. Nothing here asserts: the figures go to docs/benchmarks.md."""
