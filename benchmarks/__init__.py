"""Benchmarks of dualdiff against its peers and against its own history (docs/benchmarks.md)."""
