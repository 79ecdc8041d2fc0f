"""The Benchmark page: decide by number."""
